#include "parametric/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "parametric/dataset.h"

#define BLOCK_ROWS ((size_t)1024)

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

ptsne_status pt_model_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err)
{
    const size_t columns = pt_net_inputs(&model->net), d = pt_net_outputs(&model->net);
    ptsne_status status = pt_values_check(x, n, columns, err);
    if (status == PTSNE_OK && n > 0) { status = model_prepare(model, err); }
    if (status != PTSNE_OK) { return status; }
    const pt_buffer input = pt_pass_input(&model->pass), map = pt_pass_map(&model->pass);
    for (size_t from = 0; from < n && status == PTSNE_OK; from += BLOCK_ROWS) {
        const float *block = x + from * columns;
        const size_t count = n - from < BLOCK_ROWS ? n - from : BLOCK_ROWS;
        if (count < BLOCK_ROWS) { /* rows of 0 fill the last block */
            memcpy(model->staging, block, count * columns * sizeof *block);
            memset(model->staging + count * columns, 0, (BLOCK_ROWS - count) * columns * sizeof *block);
            block = model->staging;
        }
        const pt_buffer wanted = pt_buffer_view(&map, 0, count * d);
        if ((status = pt_upload(model->be, block, &input, err)) != PTSNE_OK) { break; }
        status = pt_pass_forward(model->be, &model->pass, &model->on_device, NULL, err);
        if (status == PTSNE_OK) { status = pt_download(model->be, &wanted, y + from * d, err); }
    }
    return status;
}
