#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "common.h"

static const struct {
    const char *name, *word, *use, *made;
} kinds[] = {
    [MODEL_MAP] = {"the model of a map", "map", "ptsne transform places points with it", "fitted"},
    [MODEL_CLASSIFIER] = {"a classifier", "classifier",
                          "ptsne classify X --model asks it, ptsne features takes its layers", "trained"},
    [MODEL_AUTOENCODER] = {"an autoencoder", "autoencoder",
                           "ptsne autoencode X --model makes its codes, ptsne features takes its layers", "trained"},
};

static model_kind kind_of(const ptsne_model *model)
{
    if (ptsne_model_classes(model) > 0) { return MODEL_CLASSIFIER; }
    return ptsne_model_code_size(model) > 0 ? MODEL_AUTOENCODER : MODEL_MAP;
}

const char *model_kind_word(const ptsne_model *model)
{
    return kinds[kind_of(model)].word;
}

void model_kind_print(const ptsne_model *model)
{
    const model_kind kind = kind_of(model);
    printf("%s: %s\n", kinds[kind].name, kinds[kind].use);
}

int model_open(const cli_call *call, ptsne_device *device, const char *path, model_kind wanted, ptsne_model **model)
{
    ptsne_error err = {0};
    if (ptsne_model_load(device, path, model, &err) != PTSNE_OK) { return console_fail(call->console, path, &err); }
    const model_kind kind = kind_of(*model);
    if (wanted == MODEL_ANY || kind == wanted) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: is %s, not %s: %s", path, kinds[kind].name, kinds[wanted].name, kinds[kind].use);
    return EXIT_DATA;
}

int model_columns_check(const cli_call *call, const ptsne_model *model, const char *path, const char *input,
                        size_t columns)
{
    const size_t wanted = ptsne_model_features(model);
    if (columns == wanted) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: rows of %zu columns, but %s was %s on %zu", input_name(input), columns, path,
                  kinds[kind_of(model)].made, wanted);
    return EXIT_DATA;
}

int model_output_check(const cli_call *call, const char *output)
{
    if (output == NULL || strcmp(output, "-") != 0) { return EXIT_SUCCESS; }
    return cli_refuse(call, "a model cannot go to standard output, only to a file");
}
