/* Models that verbs read and write. */
#ifndef PTSNE_TOOLS_MODELS_H
#define PTSNE_TOOLS_MODELS_H

#include "options.h"

typedef enum model_kind { MODEL_ANY, MODEL_MAP, MODEL_CLASSIFIER, MODEL_AUTOENCODER } model_kind;

/* "classifier", for machines. */
const char *model_kind_word(const ptsne_model *model);

/* "a classifier: ptsne classify ...", a line to standard output. */
void model_kind_print(const ptsne_model *model);

/* Load a model, which has to be of that kind; model is the caller's to destroy after a failure too. Prints what is wrong and returns
 * the exit code. */
int model_open(const cli_call *call, ptsne_device *device, const char *path, model_kind kind, ptsne_model **model);

/* Does the model take rows of so many columns, those of the file input? Prints what is wrong and returns the exit code. */
int model_columns_check(const cli_call *call, const ptsne_model *model, const char *path, const char *input,
                        size_t columns);

/* A model goes to a file: it cannot be written in one pass. Prints what is wrong and returns the exit code; output may be NULL. */
int model_output_check(const cli_call *call, const char *output);

#endif
