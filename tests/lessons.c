#include "lessons.h"

#include <stdio.h>

#include "base/random.h"

int64_t codes[N];
ptsne_labels *labels;

pt_backend *lessons_open(int argc, char **argv)
{
    pt_backend *be = fits_open(argc, argv, "lessons");
    ptsne_error err;
    for (size_t i = 0; i < N; i++) { codes[i] = 10 * (int64_t)(i % CLASSES); }
    if (be == NULL || ptsne_labels_create(codes, N, &labels, &err) == PTSNE_OK) { return be; }
    fprintf(stderr, "%s\n", err.message);
    fits_close(be);
    return NULL;
}

void lessons_close(pt_backend *be)
{
    ptsne_labels_destroy(labels);
    fits_close(be);
}

int hear_epoch(const ptsne_epoch *epoch, void *user)
{
    record *r = user;
    assert_true(r->count < sizeof r->epochs / sizeof r->epochs[0]);
    r->epochs[r->count++] = *epoch;
    return r->stop_after > 0 && r->count >= r->stop_after;
}

ptsne_classify_options classify_options(record *heard)
{
    ptsne_classify_options options;
    pt_classifier_default(&options);
    options.net = "24, bn, relu, dropout 0.1";
    options.learn.seed = 4;
    options.learn.stretches[0] = (ptsne_stretch){8, 16};
    options.learn.n_stretches = 1;
    options.learn.epoch = hear_epoch;
    options.learn.epoch_user = heard;
    return options;
}

void plane_make(float *x)
{
    pt_random random = {.seed = 21};
    float axes[2 * D];
    for (size_t j = 0; j < 2 * D; j++) { axes[j] = pt_random_uniform(&random); }
    for (size_t i = 0; i < N; i++) {
        const float a = pt_random_uniform(&random), b = pt_random_uniform(&random);
        for (size_t j = 0; j < D; j++) { x[i * D + j] = 127.5f * (a * axes[j] + b * axes[D + j]); }
    }
}
