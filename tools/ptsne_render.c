/* ptsne-render: pictures of maps. */
#include "options.h"
#include "verb_scatter.h"
#include "verb_sprites.h"

int main(int argc, char **argv)
{
    static const cli_verb *const verbs[] = {&verb_scatter, &verb_sprites};
    static const cli_program program = {
        .name = "ptsne-render",
        .summary = "pictures of t-SNE maps, as PNG",
        .examples = "  ptsne-render scatter map.npy --labels labels.npy -o map.png\n"
                    "  ptsne-render sprites map.npy --images images.npy --labels labels.npy -o sprites.png\n",
        .verbs = verbs,
        .n_verbs = CLI_LENGTH(verbs),
    };
    return cli_main(&program, argc, argv);
}
