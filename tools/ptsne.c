/* ptsne: t-SNE from the command line. */
#include "options.h"
#include "verb_devices.h"
#include "verb_transform.h"

int main(int argc, char **argv)
{
    static const cli_verb *const verbs[] = {&verb_transform, &verb_devices};
    static const cli_program program = {
        .name = "ptsne",
        .summary = "maps of high-dimensional data: parametric t-SNE on any OpenCL device, or on the CPU",
        .examples = "  ptsne devices --bench\n",
        .verbs = verbs,
        .n_verbs = CLI_LENGTH(verbs),
    };
    return cli_main(&program, argc, argv);
}
