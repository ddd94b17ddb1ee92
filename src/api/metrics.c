/* The quality figures: what a caller may get wrong about them. */
#include <math.h>

#include "analysis/metrics.h"
#include "api/device.h"
#include "base/columns.h"

static ptsne_status check_count(const char *what, size_t n, ptsne_error *err)
{
    if (n >= PT_METRICS_LEAST && n < UINT32_MAX) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu %s points: metrics take at least %d", n, what, PT_METRICS_LEAST);
}

static ptsne_status check_labels(const char *what, const uint32_t *labels, size_t n, ptsne_error *err)
{
    for (size_t i = 0; labels != NULL && i < n; i++) {
        if (labels[i] > INT32_MAX) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: label %zu is %lu: codes stay below 2^31", what, i + 1,
                           (unsigned long)labels[i]);
        }
    }
    return PTSNE_OK;
}

ptsne_status ptsne_metrics_compute(ptsne_device *device, const float *x, const float *y, const uint32_t *labels,
                                   size_t n, const float *x_test, const float *y_test, const uint32_t *labels_test,
                                   size_t n_test, size_t n_features, size_t n_components,
                                   const ptsne_observer *observer, ptsne_metrics *metrics, ptsne_error *err)
{
    const double none = (double)NAN;
    *metrics = (ptsne_metrics){none, none, none, none, none};
    const bool test = n_test > 0;
    ptsne_status status;
    if (n_features == 0 || n_components == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "data of %zu columns and a map of %zu", n_features, n_components);
    }
    if (test && (x_test == NULL || y_test == NULL)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu test points need both their data and their map", n_test);
    }
    if (test && (labels == NULL) != (labels_test == NULL)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "label errors need the labels of the training and of the test points");
    }
    if ((status = check_count(test ? "training" : "data", n, err)) != PTSNE_OK) { return status; }
    if (test && (status = check_count("test", n_test, err)) != PTSNE_OK) { return status; }
    if ((status = pt_finite_check("data", x, n, n_features, err)) != PTSNE_OK) { return status; }
    if ((status = pt_finite_check("map", y, n, n_components, err)) != PTSNE_OK) { return status; }
    if ((status = check_labels("labels", labels, n, err)) != PTSNE_OK) { return status; }
    if (test) {
        if ((status = pt_finite_check("test data", x_test, n_test, n_features, err)) != PTSNE_OK) { return status; }
        if ((status = pt_finite_check("test map", y_test, n_test, n_components, err)) != PTSNE_OK) { return status; }
        if ((status = check_labels("test labels", labels_test, n_test, err)) != PTSNE_OK) { return status; }
    }
    pt_backend *be = device->be;
    if (labels != NULL) {
        status = pt_metrics_label_errors(be, y, labels, n, test ? y_test : NULL, labels_test, n_test, n_components,
                                         observer, &metrics->knn_error_1, &metrics->knn_error_10, err);
        if (status != PTSNE_OK) { return status; }
    }
    return pt_metrics_neighborhoods(be, test ? x_test : x, test ? y_test : y, test ? n_test : n, n_features,
                                    n_components, observer, metrics, err);
}
