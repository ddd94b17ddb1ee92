#include "learning/autoencoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/sizes.h"
#include "learning/taught.h"
#include "network/transform.h"

#define BLOCK_ROWS ((size_t)2048)

static const ptsne_stretch stretches[] = {{100, 256}};
static const pt_learning_usual usual = {stretches, 1, 0};

void pt_autoencoder_default(ptsne_autoencode_options *options)
{
    *options = (ptsne_autoencode_options){.encoder = "32", .activation = "relu"};
    pt_learning_default(&options->learn);
    options->learn.patience = 3;
    options->learn.min_delta = 1e-4;
}

/* ---- training ---- */

/* The decoder by itself, on codes of some shape: does it end where the rows began? */
static ptsne_status decoder_check(const ptsne_autoencode_options *options, const pt_shape *code, size_t d,
                                  ptsne_error *err)
{
    pt_net decoder;
    const ptsne_status status = pt_net_parse(options->decoder, options->activation, code, &decoder, err);
    if (status != PTSNE_OK) { return pt_within(err, status, "decoder"); }
    if (decoder.n_layers == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "decoder: has no layer"); }
    if (decoder.layers[0].kind == PT_NORM) { /* it would take the encoder's activation */
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "decoder: begins with bn: that belongs to the encoder's end");
    }
    if (pt_net_outputs(&decoder) == d) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "decoder: ends with %zu values a row, the data have %zu",
                   pt_net_outputs(&decoder), d);
}

/* Encoder and decoder as one net; *n_encoder: layers of the former. */
static ptsne_status net_make(const ptsne_autoencode_options *options, size_t d, pt_net *net, size_t *n_encoder,
                             ptsne_error *err)
{
    pt_shape shape;
    ptsne_status status = pt_shape_of_rows(options->input, d, &shape, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_net_parse(options->encoder, options->activation, &shape, net, err);
    if (status != PTSNE_OK) { return pt_within(err, status, "encoder"); }
    if ((*n_encoder = net->n_layers) == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "encoder: has no layer: the last one makes the codes");
    }
    if (options->decoder == NULL) { return pt_net_append(net, d, PT_LINEAR, err); }
    const pt_shape code = pt_net_result(net);
    if ((status = decoder_check(options, &code, d, err)) != PTSNE_OK) { return status; }
    const size_t bytes = strlen(options->encoder) + strlen(options->decoder) + sizeof ", ";
    char *text = malloc(bytes);
    if (text == NULL) { return pt_fail_memory(err, "a network's text", (double)bytes); }
    snprintf(text, bytes, "%s, %s", options->encoder, options->decoder);
    status = pt_net_parse(text, options->activation, &shape, net, err);
    free(text);
    return status;
}

/* The factor on x: what the option says, or such that the largest magnitude becomes 1. */
static ptsne_status scale_find(double given, const float *x, size_t count, float *scale, ptsne_error *err)
{
    float largest = 0.0f;
    for (size_t i = 0; i < count && given == 0.0; i++) { largest = fmaxf(largest, fabsf(x[i])); }
    *scale = given == 0.0 ? 1.0f / largest : (float)given;
    if (isnormal(*scale)) { return PTSNE_OK; }
    return given == 0.0
               ? pt_fail(err, PTSNE_ERR_DATA, "the largest magnitude is %g: there is nothing to learn", (double)largest)
               : pt_fail(err, PTSNE_ERR_ARGUMENT, "scale %g: leaves float32", given);
}

static ptsne_status task_describe(const pt_taught *t, const ptsne_autoencode_options *options, size_t n_encoder,
                                  pt_metadata *metadata, ptsne_error *err)
{
    char code[16];
    ptsne_status status = pt_export_name(&t->net, n_encoder - 1, code, err);
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.task", "autoencode"); }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.encoder", "%s", options->encoder); }
    if (status == PTSNE_OK && options->decoder != NULL) {
        status = pt_metadata_set(metadata, err, "ptsne.decoder", "%s", options->decoder);
    }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.code", "%s", code); }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.scale", "%.9g", (double)t->scale); }
    if (status != PTSNE_OK || options->activity_l2 == 0.0) { return status; }
    return pt_metadata_set(metadata, err, "ptsne.activity_l2", "%.9g", options->activity_l2);
}

static ptsne_status train(pt_taught *t, const ptsne_autoencode_options *options, ptsne_model **model, ptsne_error *err)
{
    const pt_limit limits[] = {{"scale", options->scale, 0, 1e30, false},
                               {"activity_l2", options->activity_l2, 0, 1e6, false}};
    size_t n_encoder = 0;
    ptsne_status status = pt_limits_check(limits, 2, err);
    if (status == PTSNE_OK) { status = pt_taught_check(t, err); }
    if (status == PTSNE_OK) { status = pt_finite_check(NULL, t->x, t->n, t->d, err); }
    if (status == PTSNE_OK) { status = scale_find(options->scale, t->x, t->n * t->d, &t->scale, err); }
    if (status == PTSNE_OK) { status = pt_taught_prepare(t, &usual, err); }
    if (status == PTSNE_OK) { status = net_make(options, t->d, &t->net, &n_encoder, err); }
    if (status == PTSNE_OK) { status = task_describe(t, options, n_encoder, &t->run, err); }
    if (status != PTSNE_OK) { return status; }
    t->penalized = n_encoder - 1;
    t->activity_l2 = options->activity_l2;
    return pt_taught_run(t, model, err);
}

ptsne_status pt_autoencoder_train(pt_backend *be, const float *x, size_t n, size_t d,
                                  const ptsne_autoencode_options *options, const ptsne_observer *observer,
                                  ptsne_model **model, ptsne_learn_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_autoencode_options plain;
    pt_autoencoder_default(&plain);
    if (options == NULL) { options = &plain; }
    *model = NULL;
    if (options->encoder == NULL || options->activation == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "encoder and activation have to be texts");
    }
    pt_taught t = {.be = be, .observer = observer, .x = x, .n = n, .d = d, .settings = options->learn};
    const ptsne_status status = train(&t, options, model, err);
    t.report.seconds = pt_seconds() - began;
    if (report != NULL) { *report = t.report; }
    pt_taught_destroy(&t);
    return status;
}

/* ---- afterwards ---- */

/* The layer that makes the codes; NULL: the model is no autoencoder. */
static const pt_layer *code_of(const ptsne_model *model)
{
    const char *name = pt_metadata_get(&model->metadata, "ptsne.code");
    return name == NULL || pt_net_outputs(&model->net) != pt_net_inputs(&model->net) ? NULL
                                                                                     : pt_net_find(&model->net, name);
}

size_t pt_autoencoder_code_size(const ptsne_model *model)
{
    const pt_layer *code = code_of(model);
    return code == NULL ? 0 : code->n_out;
}

/* What the network made of rows, back in their units; the sum of the squares of the error, in the network's. */
static double rows_return(const float *x, size_t count, float scale, float *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double error = (double)y[i] - (double)(x[i] * scale);
        sum += error * error;
        y[i] /= scale;
    }
    return sum;
}

ptsne_status pt_autoencoder_reconstruct(ptsne_model *model, const float *x, size_t n, float *codes,
                                        float *reconstructions, double *loss, ptsne_error *err)
{
    const pt_layer *code = code_of(model);
    const char *text = pt_metadata_get(&model->metadata, "ptsne.scale");
    float scale = 0.0f;
    const size_t d = pt_net_inputs(&model->net);
    if (code == NULL) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "the model is no autoencoder"); }
    if (text == NULL || pt_c_scan(text, "%f", &scale) != 1 || !(scale > 0.0f && isnormal(scale))) {
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.scale is %.40s: the model is damaged",
                       text == NULL ? "missing" : text);
    }
    const size_t layer = (size_t)(code - model->net.layers);
    ptsne_status status = pt_finite_check(NULL, x, n, d, err);
    const bool wanted = reconstructions != NULL || loss != NULL;
    float *y = status != PTSNE_OK || !wanted ? NULL : pt_array_aligned(pt_smaller(n, BLOCK_ROWS) * d, sizeof *y);
    if (status == PTSNE_OK && wanted && y == NULL) {
        status = pt_fail_memory(err, "reconstructions", (double)BLOCK_ROWS * (double)d * 4.0);
    }
    double sum = 0.0;
    for (size_t from = 0; from < n && status == PTSNE_OK; from += BLOCK_ROWS) {
        const size_t count = pt_smaller(n - from, BLOCK_ROWS);
        const float *rows = x + from * d;
        float *to = codes == NULL ? NULL : codes + from * code->n_out;
        if (wanted) {
            status = pt_model_both(model, layer, rows, count, to, y, err);
        } else if (codes != NULL) {
            status = pt_model_features(model, layer, rows, count, to, err);
        }
        if (status != PTSNE_OK || !wanted) { continue; }
        sum += rows_return(rows, count * d, scale, y);
        if (reconstructions != NULL) { memcpy(reconstructions + from * d, y, count * d * sizeof *y); }
    }
    if (loss != NULL) { *loss = n == 0 ? 0.0 : sum / ((double)n * (double)d); }
    free(y);
    return status;
}
