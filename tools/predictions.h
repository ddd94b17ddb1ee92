/* What a classifier says of rows: to a file, and against their labels. */
#ifndef PTSNE_TOOLS_PREDICTIONS_H
#define PTSNE_TOOLS_PREDICTIONS_H

#include <jansson.h>

#include "options.h"

typedef struct predictions {
    size_t n, n_classes;
    const ptsne_model *model;
    uint32_t *classes;        /* n */
    float *log_probabilities; /* n x n_classes */
} predictions;

/* Predict all rows of x. Prints what is wrong and returns the exit code; EXIT_STOPPED without a word. */
int predictions_make(const cli_call *call, ptsne_model *model, const ptsne_table *x, predictions *made);
void predictions_release(predictions *made);

/* CSV: the class of each row by its name in a column "class", then a column of log-probabilities for each class; .npy: the
 * log-probabilities, n x n_classes. to: a table_format; auto is CSV on standard output, for its names. */
int predictions_write(const cli_call *call, const predictions *made, const char *path, int to, bool force);

/* Against labels. */
typedef struct judgement {
    size_t n, n_classes, right,
        unknown;       /* rows; unknown: with labels that the model has no class for, all of them wrong */
    double loss;       /* mean -log p of the right class, of rows whose class is known */
    size_t *confusion; /* n_classes x n_classes: row the label, column the prediction */
} judgement;

int predictions_judge(const cli_call *call, const predictions *made, const ptsne_labels *labels, judgement *judged);
void judgement_release(judgement *judged);

/* A table to standard output, a line a class. */
void judgement_print(const predictions *made, const judgement *judged);
/* The same as JSON; NULL without memory. */
json_t *judgement_report(const predictions *made, const judgement *judged);

#endif
