#include "parametric/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/memory.h"

#define BLOCK_ROWS ((size_t)2048) /* at most at a time; a multiple of any backend's row_block */

/* The parameters onto the device, room for one block: once a model. */
static ptsne_status model_prepare(ptsne_model *model, ptsne_error *err)
{
    if (model->staging != NULL) { return PTSNE_OK; }
    pt_backend *be = model->be;
    const size_t columns = pt_net_inputs(&model->net);
    pt_buffer parameters = {0};
    pt_pass pass = {0};
    float *staging = pt_array_aligned(BLOCK_ROWS * columns, sizeof *staging);
    ptsne_status status = PTSNE_OK;
    if (staging == NULL) {
        status = pt_fail_memory(err, "a block of rows", (double)BLOCK_ROWS * (double)columns * 4.0);
    }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, model->net.n_parameters, &parameters, err); }
    if (status == PTSNE_OK) { status = pt_upload(be, model->parameters, &parameters, err); }
    if (status == PTSNE_OK) { status = pt_pass_create(be, &model->net, BLOCK_ROWS, false, NULL, &pass, err); }
    if (status != PTSNE_OK) {
        pt_buffer_destroy(be, &parameters);
        free(staging);
        return status;
    }
    model->on_device = parameters;
    model->pass = pass;
    model->staging = staging;
    return PTSNE_OK;
}

/* Rows to send through for `count` that are wanted: as many as give each the bits that it has in any other company. */
static size_t rows_for(const pt_backend *be, size_t count)
{
    if (be->row_block == 0 || BLOCK_ROWS % be->row_block != 0) { return BLOCK_ROWS; }
    return (count + be->row_block - 1) / be->row_block * be->row_block;
}

static ptsne_status block_transform(ptsne_model *model, const float *x, size_t count, float *y, ptsne_error *err)
{
    const size_t columns = pt_net_inputs(&model->net), d = pt_net_outputs(&model->net);
    const size_t rows = rows_for(model->be, count);
    if (count < rows) { /* rows of 0 fill the block */
        memcpy(model->staging, x, count * columns * sizeof *x);
        memset(model->staging + count * columns, 0, (rows - count) * columns * sizeof *x);
        x = model->staging;
    }
    model->pass.rows = rows;
    const pt_buffer all_input = pt_pass_input(&model->pass), all_map = pt_pass_map(&model->pass);
    const pt_buffer input = pt_buffer_view(&all_input, 0, rows * columns), map = pt_buffer_view(&all_map, 0, count * d);
    ptsne_status status = pt_upload(model->be, x, &input, err);
    if (status == PTSNE_OK) { status = pt_pass_forward(model->be, &model->pass, &model->on_device, NULL, err); }
    return status == PTSNE_OK ? pt_download(model->be, &map, y, err) : status;
}

ptsne_status pt_model_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err)
{
    const size_t columns = pt_net_inputs(&model->net), d = pt_net_outputs(&model->net);
    ptsne_status status = pt_finite_check(NULL, x, n, columns, err);
    if (status == PTSNE_OK && n > 0) { status = model_prepare(model, err); }
    for (size_t from = 0; from < n && status == PTSNE_OK; from += BLOCK_ROWS) {
        const size_t count = n - from < BLOCK_ROWS ? n - from : BLOCK_ROWS;
        status = block_transform(model, x + from * columns, count, y + from * d, err);
    }
    return status;
}
