/* What the tests of classifiers and autoencoders share: the blobs of fits.h with labels, options, and who hears the epochs. */
#ifndef TESTS_LESSONS_H
#define TESTS_LESSONS_H

#include "fits.h"
#include "learning/autoencoder.h"
#include "learning/classifier.h"

#define CLASSES CLUSTERS

extern int64_t codes[N]; /* 0, 10, 20, 0, ... */
extern ptsne_labels *labels;

/* fits_open and fits_close, and the labels. */
pt_backend *lessons_open(int argc, char **argv);
void lessons_close(pt_backend *be);

/* All figures of a run's epochs. */
typedef struct record {
    ptsne_epoch epochs[400];
    size_t count, stop_after; /* stop_after 0: never */
} record;

/* A classifier of eight epochs; what they come to goes to heard. */
ptsne_classify_options classify_options(record *heard);
int hear_epoch(const ptsne_epoch *epoch, void *user);

/* x: N x D, rows on a plane, values up to 255. */
void plane_make(float *x);

#endif
