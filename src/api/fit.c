#include "api/device.h"
#include "parametric/settings.h"
#include "parametric/training.h"

void ptsne_fit_options_default(ptsne_fit_options *options)
{
    pt_settings_default(options);
}

ptsne_status ptsne_fit(ptsne_device *device, const float *x, size_t n, size_t n_features,
                       const ptsne_fit_options *options, const ptsne_observer *observer, ptsne_model **model,
                       ptsne_fit_report *report, ptsne_error *err)
{
    if (model != NULL) { *model = NULL; }
    if (report != NULL) { *report = (ptsne_fit_report){0}; }
    if (device == NULL || x == NULL || model == NULL || n_features == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "fit: device, x, n_features and model are needed");
    }
    return pt_training_run(device->be, x, n, n_features, options, observer, model, report, err);
}
