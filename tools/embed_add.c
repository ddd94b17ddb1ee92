#include "embed_add.h"

#include <stdlib.h>

#include "embed_report.h"
#include "outputs.h"

/* The reference, its map, and the new points. */
typedef struct add_run {
    const cli_call *call;
    ptsne_add_options options;
    ptsne_device *device;
    ptsne_table *x, *y, *x_new;
    float *y_new;
    size_t m, components;
} add_run;

/* What placing has defaults of its own for, where it was given. */
static ptsne_add_options add_options(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    const ptsne_embed_options *given = &settings->embed;
    ptsne_add_options options;
    ptsne_add_options_default(&options);
    options.metric = given->metric;
    options.n_neighbors = given->n_neighbors;
    options.method = given->method;
    options.seed = given->seed;
    if (cli_given(call, "perplexity")) { options.perplexity = settings->perplexities.values[0]; }
    if (cli_given(call, "pca")) { options.pca = given->pca; }
    if (cli_given(call, "theta")) { options.theta = given->theta; }
    if (cli_given(call, "spacing")) { options.spacing = given->spacing; }
    if (cli_given(call, "dof")) { options.dof = given->dof; }
    if (cli_given(call, "learning-rate")) { options.learning_rate = given->learning_rate; }
    if (cli_given(call, "momentum")) { options.momentum = given->momentum; }
    if (cli_given(call, "max-step")) { options.max_step = given->max_step; }
    options.n_phases = embed_phases(call, options.phases, options.n_phases);
    return options;
}

static int check_settings(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    const char *const inputs[] = {settings->input, settings->add, settings->reference};
    const output_file outputs[] = {{"-o", settings->output, settings->force}, {"--json", settings->json, true}};
    if (settings->reference == NULL) {
        return cli_refuse(call, "--add needs --reference FILE, the data that %s is the map of",
                          input_name(settings->add));
    }
    if (settings->perplexities.count > 1) { return cli_refuse(call, "--add takes one --perplexity, not several"); }
    return outputs_check(call, outputs, CLI_LENGTH(outputs), inputs, CLI_LENGTH(inputs));
}

static int read_inputs(add_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    ptsne_read_options read = read_settings_use(&settings->read);
    int code = table_read(call, settings->input, &read, &run->x_new);
    read.n_rows = PTSNE_UNKNOWN; /* --limit is for the new points */
    if (code == EXIT_SUCCESS) { code = table_read(call, settings->reference, &read, &run->x); }
    if (code == EXIT_SUCCESS) { code = map_read(call, settings->add, PTSNE_UNKNOWN, &run->y); }
    if (code != EXIT_SUCCESS) { return code; }
    const size_t n = ptsne_table_rows(run->x), d = ptsne_table_columns(run->x);
    if (ptsne_table_rows(run->y) != n) {
        console_error(call->console, "%s: %zu points, but %s has %zu rows", input_name(settings->add),
                      ptsne_table_rows(run->y), input_name(settings->reference), n);
        return EXIT_DATA;
    }
    if (ptsne_table_columns(run->x_new) != d) {
        console_error(call->console, "%s: rows of %zu columns, but %s has %zu", input_name(settings->input),
                      ptsne_table_columns(run->x_new), input_name(settings->reference), d);
        return EXIT_DATA;
    }
    run->m = ptsne_table_rows(run->x_new);
    run->components = ptsne_table_columns(run->y);
    if (run->components == 2 || run->components == 3) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: a map has 2 or 3 columns, this has %zu", input_name(settings->add),
                  run->components);
    return EXIT_DATA;
}

static int place(add_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    const ptsne_observer observer = console_observer(call->console);
    ptsne_embed_report done = {0};
    ptsne_error err = {0};
    run->y_new = calloc(run->m, run->components * sizeof *run->y_new);
    if (run->y_new == NULL) {
        console_error(call->console, "not enough memory for %zu points", run->m);
        return EXIT_FAILED;
    }
    const ptsne_status status =
        ptsne_embed_add(run->device, ptsne_table_values(run->x), ptsne_table_values(run->y), ptsne_table_rows(run->x),
                        ptsne_table_columns(run->x), run->components, ptsne_table_values(run->x_new), run->m,
                        &run->options, &observer, run->y_new, &done, &err);
    if (status == PTSNE_ERR_STOPPED) { return console_say_stopped(call->console, settings->output, NULL); }
    if (status != PTSNE_OK) {
        const bool about_data = status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA;
        return console_fail(call->console, about_data ? settings->input : NULL, &err);
    }
    const int code = embed_write_map(call, run->y_new, run->m, run->components);
    if (code != EXIT_SUCCESS) { return code; }
    console_note(call->console, "%s: %zu points placed on %s, %.1f s", output_name(settings->output), run->m,
                 input_name(settings->add), done.seconds);
    return embed_report_write(call, embed_report_figures(&done), "done", run->device, run->m,
                              ptsne_table_columns(run->x), run->components, run->options.seed);
}

int embed_add(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    add_run run = {.call = call, .options = add_options(call)};
    int code = check_settings(call);
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    if ((code = read_inputs(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = device_settings_open(call, &settings->device, &run.device)) != EXIT_SUCCESS) { goto done; }
    code = place(&run);
done:
    free(run.y_new);
    ptsne_table_destroy(run.x_new);
    ptsne_table_destroy(run.y);
    ptsne_table_destroy(run.x);
    ptsne_device_destroy(run.device);
    return code;
}
