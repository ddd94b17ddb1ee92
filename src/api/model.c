#include "api/device.h"
#include "network/model_file.h"
#include "network/transform.h"

ptsne_status ptsne_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err)
{
    if (n == 0) { return PTSNE_OK; }
    if (model == NULL || x == NULL || y == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "transform: model, x and y are needed");
    }
    return pt_model_transform(model, x, n, y, err);
}

ptsne_status ptsne_model_save(const ptsne_model *model, const char *path, int force, ptsne_error *err)
{
    if (model == NULL || path == NULL) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "save: model and path are needed"); }
    return pt_model_write(model, path, force != 0, err);
}

ptsne_status ptsne_model_load(ptsne_device *device, const char *path, ptsne_model **model, ptsne_error *err)
{
    if (model != NULL) { *model = NULL; }
    if (device == NULL || path == NULL || model == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "load: device, path and model are needed");
    }
    return pt_model_read(device->be, path, model, err);
}

void ptsne_model_destroy(ptsne_model *model)
{
    pt_model_destroy(model);
}

size_t ptsne_model_features(const ptsne_model *model)
{
    return pt_net_inputs(&model->net);
}

size_t ptsne_model_components(const ptsne_model *model)
{
    return pt_net_outputs(&model->net);
}
