#include "api/device.h"
#include "learning/autoencoder.h"
#include "learning/classifier.h"

void ptsne_classify_options_default(ptsne_classify_options *options)
{
    pt_classifier_default(options);
}

ptsne_status ptsne_classify(ptsne_device *device, const float *x, const ptsne_labels *labels, size_t n,
                            size_t n_features, const ptsne_classify_options *options, const ptsne_observer *observer,
                            ptsne_model **model, ptsne_learn_report *report, ptsne_error *err)
{
    if (model != NULL) { *model = NULL; }
    if (report != NULL) { *report = (ptsne_learn_report){0}; }
    if (device == NULL || x == NULL || labels == NULL || model == NULL || n_features == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "classify: device, x, labels, n_features and model are needed");
    }
    return pt_classifier_train(device->be, x, labels, n, n_features, options, observer, model, report, err);
}

size_t ptsne_model_classes(const ptsne_model *model)
{
    return pt_classifier_classes(model);
}

const char *ptsne_model_class_name(const ptsne_model *model, size_t class_index)
{
    return pt_classifier_name(model, class_index);
}

ptsne_status ptsne_predict(ptsne_model *model, const float *x, size_t n, uint32_t *classes, float *log_probabilities,
                           ptsne_error *err)
{
    if (model == NULL || (x == NULL && n > 0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "predict: model and x are needed");
    }
    return pt_classifier_predict(model, x, n, classes, log_probabilities, err);
}

void ptsne_autoencode_options_default(ptsne_autoencode_options *options)
{
    pt_autoencoder_default(options);
}

ptsne_status ptsne_autoencode(ptsne_device *device, const float *x, size_t n, size_t n_features,
                              const ptsne_autoencode_options *options, const ptsne_observer *observer,
                              ptsne_model **model, ptsne_learn_report *report, ptsne_error *err)
{
    if (model != NULL) { *model = NULL; }
    if (report != NULL) { *report = (ptsne_learn_report){0}; }
    if (device == NULL || x == NULL || model == NULL || n_features == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "autoencode: device, x, n_features and model are needed");
    }
    return pt_autoencoder_train(device->be, x, n, n_features, options, observer, model, report, err);
}

size_t ptsne_model_code_size(const ptsne_model *model)
{
    return pt_autoencoder_code_size(model);
}

ptsne_status ptsne_reconstruct(ptsne_model *model, const float *x, size_t n, float *codes, float *reconstructions,
                               double *loss, ptsne_error *err)
{
    if (model == NULL || (x == NULL && n > 0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "reconstruct: model and x are needed");
    }
    return pt_autoencoder_reconstruct(model, x, n, codes, reconstructions, loss, err);
}
