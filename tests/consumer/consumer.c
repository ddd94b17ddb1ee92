/* Learns a small map on the cpu, maps a row with it, and says the version: what a first program would do. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <ptsne.h>

enum { N = 200, D = 8 };

static int fail(const char *what, const ptsne_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    return EXIT_FAILURE;
}

int main(void)
{
    static float x[N * D];
    for (int i = 0; i < N * D; i++) { x[i] = (float)(i * 37 % 101) / 101.0f + (float)(i / D % 4); }
    float y[2];
    ptsne_error err;
    ptsne_device_options where;
    ptsne_device_options_default(&where);
    where.spec = "cpu";
    ptsne_device *device = NULL;
    if (ptsne_device_open(&where, NULL, &device, &err) != PTSNE_OK) { return fail("device", &err); }
    ptsne_fit_options options;
    ptsne_fit_options_default(&options);
    options.net = "16";
    options.epochs = 2;
    options.pca = 0;
    ptsne_model *model = NULL;
    if (ptsne_fit(device, x, N, D, &options, NULL, &model, NULL, &err) != PTSNE_OK) { return fail("fit", &err); }
    if (ptsne_transform(model, x, 1, y, &err) != PTSNE_OK) { return fail("transform", &err); }
    ptsne_model_destroy(model);
    ptsne_device_destroy(device);
    if (!isfinite(y[0]) || !isfinite(y[1])) { return EXIT_FAILURE; }
    printf("%s\n", ptsne_version());
    return EXIT_SUCCESS;
}
