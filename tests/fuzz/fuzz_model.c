/* The model file's reader. The first byte chooses what the rest is: a file; a header, whose length is put before it; or
 * changes (place, place, byte) to a good model, one of columns or one of images, so that the fuzzer need not find one by itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char image_header[] =
    "{\"__metadata__\":{\"ptsne.format\":\"1\",\"ptsne.arch\":\"{\\\"input\\\":[4,4,1],\\\"layers\\\":[{\\\"kind\\\":"
    "\\\"shift\\\"},"
    "{\\\"kind\\\":\\\"conv\\\",\\\"filters\\\":2,\\\"kernel\\\":[3,3],\\\"stride\\\":1,\\\"padding\\\":\\\"same\\\","
    "\\\"activation\\\":\\\"relu\\\"},{\\\"kind\\\":\\\"pool\\\",\\\"kernel\\\":[2,2],\\\"stride\\\":2},"
    "{\\\"kind\\\":\\\"norm\\\",\\\"activation\\\":\\\"linear\\\"},{\\\"kind\\\":\\\"dropout\\\",\\\"rate\\\":0.5},"
    "{\\\"kind\\\":\\\"linear\\\",\\\"in\\\":8,\\\"out\\\":5,\\\"activation\\\":\\\"linear\\\"},"
    "{\\\"kind\\\":\\\"anchors\\\",\\\"count\\\":3,\\\"dimensions\\\":2}]}\"},"
    "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[1,4,4],\"data_offsets\":[0,64]},"
    "\"1.weight\":{\"dtype\":\"F32\",\"shape\":[2,1,3,3],\"data_offsets\":[64,136]},"
    "\"1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[136,144]},"
    "\"4.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[144,152]},"
    "\"4.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[152,160]},"
    "\"4.running_mean\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[160,168]},"
    "\"4.running_var\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[168,176]},"
    "\"7.weight\":{\"dtype\":\"F32\",\"shape\":[5,8],\"data_offsets\":[176,336]},"
    "\"7.bias\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[336,356]},"
    "\"8.anchors\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[356,380]}}";

static const char good_header[] =
    "{\"__metadata__\":{\"format\":\"pt\",\"ptsne.format\":\"1\",\"ptsne.arch\":\"{\\\"layers\\\":["
    "{\\\"kind\\\":\\\"linear\\\",\\\"in\\\":3,\\\"out\\\":2,\\\"activation\\\":\\\"relu\\\"},"
    "{\\\"kind\\\":\\\"linear\\\",\\\"in\\\":2,\\\"out\\\":2,\\\"activation\\\":\\\"linear\\\"}]}\"},"
    "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
    "\"2.weight\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[32,48]},"
    "\"2.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[48,56]}}";

enum { GOOD_SIZE = 8 + sizeof good_header - 1 + 56, IMAGE_SIZE = 8 + sizeof image_header - 1 + 380 };

static void length_put(uint8_t *bytes, uint64_t length)
{
    for (size_t i = 0; i < 8; i++) { bytes[i] = (uint8_t)(length >> (8 * i)); }
}

/* Whatever is taken has to be whole; whatever is not has to say why. must: it has to be taken. */
static void model_try(pt_backend *be, const uint8_t *bytes, size_t size, bool must)
{
    ptsne_error err = {0};
    pt_safetensors file;
    ptsne_model *model = NULL;
    ptsne_status status = pt_safetensors_parse(bytes, size, &file, &err);
    if (status == PTSNE_OK) {
        status = pt_model_take(be, &file, &model, &err);
        pt_safetensors_destroy(&file);
    }
    if (status == PTSNE_OK) {
        for (size_t i = 0; i < model->net.n_parameters; i++) {
            if (!isfinite(model->parameters[i])) { abort(); }
        }
        if (pt_net_inputs(&model->net) == 0 || pt_net_outputs(&model->net) == 0) { abort(); }
        pt_model_destroy(model);
    } else if (must || err.message[0] == '\0' || model != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pt_backend *be;
    if (be == NULL && pt_backend_open("cpu", &be, NULL) != PTSNE_OK) { abort(); }
    if (size == 0) { return 0; }
    const uint8_t choice = *data++;
    size--;
    if (choice % 3 == 0) {
        model_try(be, data, size, false);
    } else if (choice % 3 == 1) {
        uint8_t *bytes = malloc(size + 8);
        if (bytes == NULL) { return 0; }
        length_put(bytes, size < choice ? size : size - choice / 3); /* the last bytes are arrays */
        memcpy(bytes + 8, data, size);
        model_try(be, bytes, size + 8, false);
        free(bytes);
    } else {
        uint8_t bytes[IMAGE_SIZE] = {0};
        const bool image = choice % 2 == 0;
        const size_t length = image ? sizeof image_header - 1 : sizeof good_header - 1;
        const size_t whole = image ? IMAGE_SIZE : GOOD_SIZE;
        length_put(bytes, length);
        memcpy(bytes + 8, image ? image_header : good_header, length);
        model_try(be, bytes, whole, true);
        for (; size >= 3; size -= 3, data += 3) { bytes[(data[0] * 256u + data[1]) % whole] = data[2]; }
        model_try(be, bytes, whole, false);
    }
    return 0;
}
