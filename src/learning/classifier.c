#include "learning/classifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/sizes.h"
#include "learning/taught.h"
#include "network/transform.h"

#define LEAST_STEPS ((size_t)1000) /* in small batches: fewer leave the classes of small data untold */
#define BLOCK_ROWS  ((size_t)2048)

static const ptsne_stretch stretches[] = {{5, 64}, {7, 512}};
static const pt_learning_usual usual = {stretches, 2, LEAST_STEPS};

void pt_classifier_default(ptsne_classify_options *options)
{
    *options = (ptsne_classify_options){.net = "dense 200, bn, relu", .activation = "relu"};
    pt_learning_default(&options->learn);
    options->learn.schedule = PTSNE_SCHEDULE_COSINE;
}

/* ---- labels ---- */

static ptsne_status labels_check(const ptsne_labels *labels, size_t n, const char *which, ptsne_error *err)
{
    const size_t count = ptsne_labels_count(labels);
    if (count == n) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_DATA, "%zu labels for %zu %srows", count, n, which);
}

/* The class of training of each of these labels' classes. */
static ptsne_status classes_find(const ptsne_labels *labels, const pt_names *known, uint32_t *of_class,
                                 ptsne_error *err)
{
    for (size_t c = 0; c < ptsne_labels_classes(labels); c++) {
        const char *name = ptsne_labels_name(labels, c);
        const size_t k = pt_names_find(known, name, strlen(name));
        if (k == PT_NO_NAME) {
            return pt_fail(err, PTSNE_ERR_DATA, "validation: the label \"%.200s\" is none of training's", name);
        }
        of_class[c] = (uint32_t)k;
    }
    return PTSNE_OK;
}

/* Codes of `labels` in the numbering of `known`; released by free(). */
static ptsne_status codes_translate(const ptsne_labels *labels, const ptsne_labels *known, uint32_t **codes,
                                    ptsne_error *err)
{
    const size_t n = ptsne_labels_count(labels), n_classes = ptsne_labels_classes(labels);
    pt_names names = {0};
    uint32_t *of_class = pt_array_zeroed(n_classes, sizeof *of_class);
    *codes = pt_array_zeroed(n, sizeof **codes);
    ptsne_status status = PTSNE_OK;
    if (of_class == NULL || *codes == NULL) {
        status = pt_fail_memory(err, "labels", 4.0 * ((double)n + (double)n_classes));
    }
    for (size_t k = 0; k < ptsne_labels_classes(known) && status == PTSNE_OK; k++) {
        const char *name = ptsne_labels_name(known, k);
        size_t number; /* k: names differ */
        status = pt_names_add(&names, name, strlen(name), "labels", &number, err);
    }
    if (status == PTSNE_OK) { status = classes_find(labels, &names, of_class, err); }
    for (size_t i = 0; i < n && status == PTSNE_OK; i++) { (*codes)[i] = of_class[ptsne_labels_codes(labels)[i]]; }
    pt_names_release(&names);
    free(of_class);
    return status;
}

/* ---- training ---- */

/* The network, up to a value a class. */
static ptsne_status net_make(const ptsne_classify_options *options, size_t d, size_t n_classes, pt_net *net,
                             ptsne_error *err)
{
    pt_shape shape;
    ptsne_status status = pt_shape_of_rows(options->input, d, &shape, err);
    if (status == PTSNE_OK) { status = pt_net_parse(options->net, options->activation, &shape, net, err); }
    return status == PTSNE_OK ? pt_net_append(net, n_classes, PT_LINEAR, err) : status;
}

static ptsne_status task_describe(const ptsne_classify_options *options, const ptsne_labels *labels,
                                  pt_metadata *metadata, ptsne_error *err)
{
    ptsne_status status = pt_metadata_set(metadata, err, "ptsne.task", "classify");
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.net", "%s", options->net); }
    const size_t n_classes = ptsne_labels_classes(labels);
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.classes", "%zu", n_classes); }
    for (size_t c = 0; c < n_classes && status == PTSNE_OK; c++) {
        char key[40];
        snprintf(key, sizeof key, "ptsne.class.%zu", c);
        status = pt_metadata_set(metadata, err, key, "%s", ptsne_labels_name(labels, c));
    }
    return status;
}

static ptsne_status train(pt_taught *t, const ptsne_classify_options *options, const ptsne_labels *labels,
                          ptsne_model **model, ptsne_error *err)
{
    const ptsne_learn_options *learn = &options->learn;
    pt_summary summary = {0};
    uint32_t *held_classes = NULL;
    ptsne_status status = pt_taught_check(t, err);
    if (status == PTSNE_OK) { status = labels_check(labels, t->n, "", err); }
    if (status == PTSNE_OK && ptsne_labels_classes(labels) < 2) {
        status = pt_fail(err, PTSNE_ERR_DATA, "all %zu rows have one label: there is nothing to tell apart", t->n);
    }
    if (status == PTSNE_OK && learn->x_validation != NULL) {
        status = learn->labels_validation == NULL
                     ? pt_fail(err, PTSNE_ERR_ARGUMENT, "validation rows of their own need labels_validation")
                     : labels_check(learn->labels_validation, learn->n_validation, "validation ", err);
        if (status == PTSNE_OK) { status = codes_translate(learn->labels_validation, labels, &held_classes, err); }
    }
    if (status == PTSNE_OK) { status = pt_summary_create(t->x, t->n, t->d, &summary, err); }
    if (status == PTSNE_OK) {
        t->classes = ptsne_labels_codes(labels);
        t->held_classes = held_classes;
        t->mean = summary.mean;
        t->scale = summary.scale;
        t->report.constant_columns = summary.constant_columns;
        status = pt_taught_prepare(t, &usual, err);
    }
    if (status == PTSNE_OK) { status = net_make(options, t->d, ptsne_labels_classes(labels), &t->net, err); }
    if (status == PTSNE_OK) { status = task_describe(options, labels, &t->run, err); }
    if (status == PTSNE_OK) { status = pt_taught_run(t, model, err); }
    pt_summary_destroy(&summary);
    free(held_classes);
    return status;
}

ptsne_status pt_classifier_train(pt_backend *be, const float *x, const ptsne_labels *labels, size_t n, size_t d,
                                 const ptsne_classify_options *options, const ptsne_observer *observer,
                                 ptsne_model **model, ptsne_learn_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_classify_options plain;
    pt_classifier_default(&plain);
    if (options == NULL) { options = &plain; }
    *model = NULL;
    if (options->net == NULL || options->activation == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "net and activation have to be texts");
    }
    pt_taught t = {.be = be, .observer = observer, .x = x, .n = n, .d = d, .settings = options->learn};
    const ptsne_status status = train(&t, options, labels, model, err);
    t.report.seconds = pt_seconds() - began;
    if (report != NULL) { *report = t.report; }
    pt_taught_destroy(&t);
    return status;
}

/* ---- prediction ---- */

size_t pt_classifier_classes(const ptsne_model *model)
{
    const char *text = pt_metadata_get(&model->metadata, "ptsne.classes");
    const size_t count = text == NULL ? 0 : (size_t)strtoull(text, NULL, 10);
    return count == pt_net_outputs(&model->net) ? count : 0;
}

const char *pt_classifier_name(const ptsne_model *model, size_t class_index)
{
    char key[40];
    snprintf(key, sizeof key, "ptsne.class.%zu", class_index);
    const char *name = pt_metadata_get(&model->metadata, key);
    return name == NULL ? "" : name;
}

/* z[j] - log sum exp z; the place of the largest. */
static uint32_t log_softmax(float *z, size_t k)
{
    size_t best = 0;
    for (size_t j = 1; j < k; j++) {
        if (z[j] > z[best]) { best = j; }
    }
    const double largest = (double)z[best];
    double sum = 0.0;
    for (size_t j = 0; j < k; j++) { sum += exp((double)z[j] - largest); }
    const double shift = largest + log(sum);
    for (size_t j = 0; j < k; j++) { z[j] = (float)((double)z[j] - shift); }
    return (uint32_t)best;
}

ptsne_status pt_classifier_predict(ptsne_model *model, const float *x, size_t n, uint32_t *classes,
                                   float *log_probabilities, ptsne_error *err)
{
    const size_t k = pt_classifier_classes(model), d = pt_net_inputs(&model->net);
    if (k == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "the model is no classifier"); }
    ptsne_status status = pt_finite_check(NULL, x, n, d, err);
    float *z = status != PTSNE_OK ? NULL : pt_array_aligned(pt_smaller(n, BLOCK_ROWS) * k, sizeof *z);
    if (status == PTSNE_OK && z == NULL) {
        status = pt_fail_memory(err, "classes", (double)BLOCK_ROWS * (double)k * 4.0);
    }
    for (size_t from = 0; from < n && status == PTSNE_OK; from += BLOCK_ROWS) {
        const size_t count = pt_smaller(n - from, BLOCK_ROWS);
        status = pt_model_transform(model, x + from * d, count, z, err);
        for (size_t i = 0; i < count && status == PTSNE_OK; i++) {
            const uint32_t best = log_softmax(z + i * k, k);
            if (classes != NULL) { classes[from + i] = best; }
        }
        if (log_probabilities != NULL && status == PTSNE_OK) {
            memcpy(log_probabilities + from * k, z, count * k * sizeof *z);
        }
    }
    free(z);
    return status;
}
