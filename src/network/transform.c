#include "network/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"

/* The parameters onto the device and a place for rows on the host: once a model. */
static ptsne_status model_upload(ptsne_model *model, ptsne_error *err)
{
    if (model->staging != NULL) { return PTSNE_OK; }
    pt_backend *be = model->be;
    const size_t columns = pt_net_inputs(&model->net), rows = pt_pass_block_rows(be, &model->net);
    pt_buffer parameters = {0};
    float *staging = pt_array_aligned(rows * columns, sizeof *staging);
    ptsne_status status = PTSNE_OK;
    if (staging == NULL) { status = pt_fail_memory(err, "a block of rows", (double)rows * (double)columns * 4.0); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, model->net.n_parameters, &parameters, err); }
    if (status == PTSNE_OK) { status = pt_upload(be, model->parameters, &parameters, err); }
    if (status != PTSNE_OK) {
        pt_buffer_destroy(be, &parameters);
        free(staging);
        return status;
    }
    model->on_device = parameters;
    model->staging = staging;
    model->block_rows = rows;
    return PTSNE_OK;
}

/* Room for one block up to the layer: once, as long as the layer stays. */
static ptsne_status model_prepare(ptsne_model *model, size_t layer, ptsne_error *err)
{
    const ptsne_status status = model_upload(model, err);
    if (status != PTSNE_OK || model->seen.n_layers == layer + 1) { return status; }
    pt_pass_destroy(model->be, &model->pass);
    model->seen = model->net;
    model->seen.n_layers = layer + 1;
    const ptsne_status made =
        pt_pass_create(model->be, &model->seen, model->block_rows, false, NULL, &model->pass, err);
    if (made != PTSNE_OK) { model->seen.n_layers = 0; }
    return made;
}

/* Rows to send through for `count` that are wanted: as many as give each the bits that it has in any other company. */
static size_t rows_for(const ptsne_model *model, size_t count)
{
    const size_t row_block = model->be->row_block, most = model->block_rows;
    if (row_block == 0 || most % row_block != 0) { return most; }
    return pt_round_up(count, row_block);
}

/* Rows through the network, as far as it is prepared. */
static ptsne_status block_send(ptsne_model *model, const float *x, size_t count, ptsne_error *err)
{
    const size_t columns = pt_net_inputs(&model->net), rows = rows_for(model, count);
    if (count < rows) { /* rows of 0 fill the block */
        memcpy(model->staging, x, count * columns * sizeof *x);
        memset(model->staging + count * columns, 0, (rows - count) * columns * sizeof *x);
        x = model->staging;
    }
    model->pass.rows = rows;
    const pt_buffer input = pt_pass_input(&model->pass);
    const ptsne_status status = pt_upload(model->be, x, &input, err);
    return status == PTSNE_OK ? pt_pass_forward(model->be, &model->pass, &model->on_device, NULL, err) : status;
}

static ptsne_status block_fetch(const ptsne_model *model, size_t layer, size_t count, float *to, ptsne_error *err)
{
    const pt_buffer all = pt_pass_output(&model->pass, layer);
    const pt_buffer wanted = pt_buffer_view(&all, 0, count * model->net.layers[layer].n_out);
    return pt_download(model->be, &wanted, to, err);
}

/* What layer number `last` makes of rows, and on the way there layer number `layer`; features NULL: not wanted. */
static ptsne_status rows_send(ptsne_model *model, size_t layer, size_t last, const float *x, size_t n, float *features,
                              float *y, ptsne_error *err)
{
    const size_t columns = pt_net_inputs(&model->net);
    const size_t width = model->net.layers[layer].n_out, d = model->net.layers[last].n_out;
    ptsne_status status = n == 0 ? PTSNE_OK : model_prepare(model, last, err);
    for (size_t from = 0; from < n && status == PTSNE_OK; from += model->block_rows) {
        const size_t count = pt_smaller(n - from, model->block_rows);
        status = block_send(model, x + from * columns, count, err);
        if (status == PTSNE_OK && features != NULL) {
            status = block_fetch(model, layer, count, features + from * width, err);
        }
        if (status == PTSNE_OK) { status = block_fetch(model, last, count, y + from * d, err); }
    }
    return status;
}

ptsne_status pt_model_features(ptsne_model *model, size_t layer, const float *x, size_t n, float *features,
                               ptsne_error *err)
{
    return rows_send(model, layer, layer, x, n, NULL, features, err);
}

ptsne_status pt_model_both(ptsne_model *model, size_t layer, const float *x, size_t n, float *features, float *y,
                           ptsne_error *err)
{
    return rows_send(model, layer, model->net.n_layers - 1, x, n, features, y, err);
}

ptsne_status pt_model_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err)
{
    return pt_model_both(model, 0, x, n, NULL, y, err);
}
