/* Draws a map of three points. */
#include <stdio.h>
#include <stdlib.h>

#include <ptsne.h>

int main(int argc, char **argv)
{
    const float map[] = {0.0f, 0.0f, 1.0f, 0.0f, 0.0f, 1.0f};
    ptsne_error err;
    ptsne_scatter_options options;
    ptsne_scatter_options_default(&options);
    if (argc != 2) { return EXIT_FAILURE; }
    if (ptsne_render_scatter(map, 3, 2, NULL, &options, NULL, argv[1], 1, NULL, &err) != PTSNE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
