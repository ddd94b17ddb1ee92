/* Options of learning from examples: defaults, limits, which rows are held back, and the text that a model keeps of them. */
#ifndef PT_LEARNING_LEARNING_SETTINGS_H
#define PT_LEARNING_LEARNING_SETTINGS_H

#include "network/metadata.h"
#include "network/net.h"

/* What both tasks begin from. */
void pt_learning_default(ptsne_learn_options *options);

/* What a task takes where the options leave it open. */
typedef struct pt_learning_usual {
    const ptsne_stretch *stretches;
    size_t n_stretches;
    size_t least_steps; /* the first stretch is made so long, where it is shorter */
} pt_learning_usual;

/* Replace "0: the default" by numbers, n being the rows to learn from. PTSNE_ERR_ARGUMENT names the option, its value and its
 * limits. */
ptsne_status pt_learning_resolve(ptsne_learn_options *settings, size_t n, const pt_learning_usual *usual,
                                 ptsne_error *err);

/* Rows 0 .. n - 1 in two lists, each ascending: the first n_held of order are held back for validation. */
typedef struct pt_split {
    uint32_t *order; /* n */
    size_t n, n_held;
} pt_split;

/* The same share and seed give the same rows. share 0: none is held back. */
ptsne_status pt_split_create(size_t n, double share, uint64_t seed, pt_split *split, ptsne_error *err);
void pt_split_destroy(pt_split *split);

/* What the trained numbers depend on, as pairs "ptsne.NAME". settings: resolved. */
ptsne_status pt_learning_describe(const ptsne_learn_options *settings, pt_metadata *metadata, ptsne_error *err);

/* What came of it, likewise. */
ptsne_status pt_learning_tell(const ptsne_learn_report *report, pt_metadata *metadata, ptsne_error *err);

#endif
