/* ptsne: t-SNE from the command line. */
#include "options.h"
#include "verb_autoencode.h"
#include "verb_classify.h"
#include "verb_cluster.h"
#include "verb_devices.h"
#include "verb_embed.h"
#include "verb_fit.h"
#include "verb_info.h"
#include "verb_metrics.h"
#include "verb_transform.h"

int main(int argc, char **argv)
{
    static const cli_verb *const verbs[] = {&verb_embed,      &verb_fit,      &verb_transform, &verb_classify,
                                            &verb_autoencode, &verb_features, &verb_info,      &verb_cluster,
                                            &verb_metrics,    &verb_devices};
    static const cli_program program = {
        .name = "ptsne",
        .summary = "maps of high-dimensional data: t-SNE and parametric t-SNE on any OpenCL device, or on the CPU",
        .description =
            "Data are .npy, IDX, CSV, TSV or word-vector files, also gzipped; - is standard input or output.",
        .examples = "  ptsne embed features.npy -o map.npy                 make a map\n"
                    "  ptsne fit train.npy -o map.safetensors              learn a map\n"
                    "  ptsne transform map.safetensors new.npy -o map.npy  place points on it\n"
                    "  ptsne classify kinds.csv -o kinds.safetensors       learn classes\n"
                    "  ptsne cluster features.npy -k 10 -o labels.npy      find groups\n"
                    "  ptsne metrics --data new.npy --embedding map.npy    how good is it?\n"
                    "  ptsne-render scatter map.npy -o map.png             look at it\n",
        .verbs = verbs,
        .n_verbs = CLI_LENGTH(verbs),
    };
    return cli_main(&program, argc, argv);
}
