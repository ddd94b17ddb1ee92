#include "embed_report.h"

#include <math.h>
#include <stdlib.h>

static void say_neighbors(cli_console *console, const ptsne_embed_report *done)
{
    if (isnan(done->recall)) { return; } /* the graph was given */
    if (done->cells == 0) {
        console_note(console, "  neighbours %8.1f s   %zu of each point, exact", done->neighbor_seconds,
                     done->n_neighbors);
    } else {
        console_note(console, "  neighbours %8.1f s   %zu of each point, recall %.3f (%zu of %zu cells)",
                     done->neighbor_seconds, done->n_neighbors, done->recall, done->cells_probed, done->cells);
    }
}

void embed_report_stages(cli_console *console, const ptsne_embed_report *done, const ptsne_embed_options *options)
{
    char entries[32];
    if (isfinite(done->explained_variance)) {
        console_note(console, "  pca        %8.1f s   %zu components have %.1f %% of the variance", done->pca_seconds,
                     options->pca, 100.0 * done->explained_variance);
    }
    say_neighbors(console, done);
    console_note(console, "  affinities %8.1f s   %s pairs", done->affinity_seconds,
                 count_text(done->nonzeros, entries));
    console_note(console, "  embedding  %8.1f s   %zu iteration%s%s, KL %.4f", done->optimize_seconds, done->iterations,
                 done->iterations == 1 ? "" : "s", done->converged ? " until nothing moved" : "", done->kl_divergence);
}

json_t *embed_report_figures(const ptsne_embed_report *done)
{
    json_t *figures = json_object();
    const report_size sizes[] = {
        {"iterations", done->iterations}, {"n_neighbors", done->n_neighbors},   {"cells", done->cells},
        {"nonzeros", done->nonzeros},     {"cells_probed", done->cells_probed}, {"duplicates", done->duplicates},
        {"isolated", done->isolated},     {"unreached", done->unreached},
    };
    const report_figure numbers[] = {
        {"kl_divergence", done->kl_divergence},
        {"recall", done->recall},
        {"explained_variance", done->explained_variance},
        {"seconds", done->seconds},
        {"pca_seconds", done->pca_seconds},
        {"neighbor_seconds", done->neighbor_seconds},
        {"affinity_seconds", done->affinity_seconds},
        {"optimize_seconds", done->optimize_seconds},
    };
    report_add_sizes(figures, sizes, CLI_LENGTH(sizes));
    report_add_figures(figures, numbers, CLI_LENGTH(numbers));
    json_object_set_new(figures, "converged", json_boolean(done->converged));
    return figures;
}

int embed_report_write(const cli_call *call, json_t *figures, const char *outcome, const ptsne_device *device,
                       size_t rows, size_t columns, size_t components, uint64_t seed)
{
    const embed_settings *settings = call->settings;
    if (settings->json == NULL) {
        json_decref(figures);
        return EXIT_SUCCESS;
    }
    json_t *about =
        json_pack("{s:o, s:I, s:I}", "map", settings->output == NULL ? json_null() : report_text(settings->output),
                  "components", (json_int_t)components, "seed", (json_int_t)seed);
    json_t *whole = report_join(report_head(device, outcome, settings->input, rows, columns), about);
    whole = report_join(whole, figures);
    return report_write(call->console, settings->json, whole);
}
