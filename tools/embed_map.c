#include "embed_map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "embed_report.h"
#include "frames.h"
#include "outputs.h"
#include "resume.h"

/* Everything that one run opens. */
typedef struct map_run {
    const cli_call *call;
    ptsne_embed_options options;
    char *state; /* NULL: nowhere */
    file_pair given, saved;
    ptsne_device *device;
    ptsne_table *x;    /* NULL: the graph is all there is */
    ptsne_graph graph; /* n 0: none was given */
    size_t n, columns;
    float *y;
    frame_file frames;
    ptsne_error saving; /* of the graph */
} map_run;

/* ---- before the run ---- */

/* May all that will be written be written, each to a place of its own? */
static int check_outputs(map_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    const bool init_is_file = run->options.init == PTSNE_INIT_GIVEN;
    const bool force = settings->force || run->options.resume, saves = settings->save_neighbors != NULL;
    const bool graph_given = settings->neighbors != NULL;
    const output_file outputs[] = {
        {"-o", settings->output, force},
        {"--state", run->state, OUTPUT_SPARE},
        {"--save-neighbors", saves ? run->saved.index : NULL, force},
        {"--save-neighbors", saves ? run->saved.distance : NULL, force},
        {"--snapshots", settings->snapshots, force},
        {"--json", settings->json, true},
    };
    const char *const inputs[] = {settings->input, graph_given ? run->given.index : NULL,
                                  graph_given ? run->given.distance : NULL, init_is_file ? settings->init : NULL};
    return outputs_check(call, outputs, CLI_LENGTH(outputs), inputs, CLI_LENGTH(inputs));
}

/* Where the state goes, and whether the run begins or goes on. */
static int settle_state(map_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    if (!output_is_file(settings->output) && settings->state == NULL) {
        if (!run->options.resume) { return EXIT_SUCCESS; }
        return cli_refuse(call, "--resume with -o %s needs the --state FILE to go on from", settings->output);
    }
    run->state = settings->state != NULL ? pt_text_copy(settings->state) : resume_state_path(settings->output);
    if (run->state == NULL) {
        console_error(call->console, "not enough memory");
        return EXIT_FAILED;
    }
    run->options.checkpoint = run->state;
    return resume_look_around(call, settings->output, run->state, settings->force, &run->options.resume);
}

static int read_data(map_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    const ptsne_read_options read = read_settings_use(&settings->read);
    ptsne_error err = {0};
    if (settings->input != NULL) {
        const int code = table_read(call, settings->input, &read, &run->x);
        if (code != EXIT_SUCCESS) { return code; }
        run->n = ptsne_table_rows(run->x);
        run->columns = ptsne_table_columns(run->x);
    }
    if (settings->neighbors == NULL) { return EXIT_SUCCESS; }
    if (ptsne_graph_read(run->given.index, run->given.distance, run->options.metric, &run->graph, &err) != PTSNE_OK) {
        return console_fail(call->console, run->given.index, &err);
    }
    if (run->x != NULL && run->graph.n != run->n) {
        console_error(call->console, "%s: neighbours of %zu points, but %s has %zu rows", input_name(run->given.index),
                      run->graph.n, input_name(settings->input), run->n);
        return EXIT_DATA;
    }
    run->n = run->graph.n;
    return EXIT_SUCCESS;
}

/* Room for the map, and in it the initial one where a file has it. */
static int prepare_map(map_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    const size_t components = run->options.n_components;
    run->y = calloc(run->n, components * sizeof *run->y);
    if (run->y == NULL) {
        console_error(call->console, "not enough memory for a map of %zu points", run->n);
        return EXIT_FAILED;
    }
    if (run->options.init != PTSNE_INIT_GIVEN) { return EXIT_SUCCESS; }
    ptsne_table *init = NULL;
    int code = map_read(call, settings->init, PTSNE_UNKNOWN, &init);
    if (code == EXIT_SUCCESS && (ptsne_table_rows(init) != run->n || ptsne_table_columns(init) != components)) {
        console_error(call->console, "%s: %zu x %zu numbers, but the map has %zu x %zu", input_name(settings->init),
                      ptsne_table_rows(init), ptsne_table_columns(init), run->n, components);
        code = EXIT_DATA;
    }
    if (code == EXIT_SUCCESS) { memcpy(run->y, ptsne_table_values(init), run->n * components * sizeof *run->y); }
    ptsne_table_destroy(init);
    return code;
}

static int open_frames(map_run *run)
{
    const embed_settings *settings = run->call->settings;
    if (settings->snapshots == NULL) {
        run->options.snapshot_every = 0;
        return EXIT_SUCCESS;
    }
    run->frames = (frame_file){.console = run->call->console,
                               .path = settings->snapshots,
                               .n = run->n,
                               .components = run->options.n_components,
                               .every = run->options.snapshot_every};
    run->options.snapshot = frames_take;
    run->options.snapshot_user = &run->frames;
    return frames_open(&run->frames, run->options.resume != 0);
}

static int save_graph(const ptsne_graph *graph, void *user)
{
    map_run *run = user;
    return ptsne_graph_write(graph, run->options.metric, run->saved.index, run->saved.distance, 1, &run->saving) !=
           PTSNE_OK;
}

static int open_device(map_run *run)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    const int code = device_settings_open(call, &settings->device, &run->device);
    if (code != EXIT_SUCCESS) { return code; }
    if (run->x != NULL) {
        say_data(call, settings->input, run->n, run->columns, run->device, run->options.seed);
    } else {
        ptsne_device_info info;
        ptsne_device_describe(run->device, &info);
        console_note(call->console, "%s: %zu points of %zu neighbours; on %s (%s), seed %llu", run->given.index, run->n,
                     run->graph.k, info.spec, info.name, (unsigned long long)run->options.seed);
    }
    return EXIT_SUCCESS;
}

/* ---- after it ---- */

static void warn_counts(const map_run *run, const ptsne_embed_report *done)
{
    cli_console *console = run->call->console;
    if (done->duplicates > 0) {
        console_warning(console, "%zu point%s a neighbour at distance 0 (duplicates)", done->duplicates,
                        done->duplicates == 1 ? " has" : "s have");
    }
    if (done->isolated > 0) {
        console_warning(console, "%zu point%s no neighbours, and nothing holds them", done->isolated,
                        done->isolated == 1 ? " has" : "s have");
    }
    if (done->unreached > 0) {
        console_warning(console, "%zu point%s neighbours that do not allow the perplexity", done->unreached,
                        done->unreached == 1 ? " has" : "s have");
    }
}

static void say_done(const map_run *run, const ptsne_embed_report *done)
{
    const embed_settings *settings = run->call->settings;
    warn_counts(run, done);
    console_note(run->call->console, "%s: %zu x %zu, KL %.4f, %.1f s", output_name(settings->output), run->n,
                 run->options.n_components, done->kl_divergence, done->seconds);
    embed_report_stages(run->call->console, done, &run->options);
}

static bool has_state(const map_run *run)
{
    return run->state != NULL && access(run->state, F_OK) == 0;
}

/* "stopped ...", and the command line that goes on. */
static void say_stopped(const map_run *run, const ptsne_embed_report *done, bool has_map)
{
    const embed_settings *settings = run->call->settings;
    cli_console *console = run->call->console;
    const bool kept = has_state(run);
    size_t iterations = 0;
    for (size_t i = 0; i < run->options.n_phases; i++) { iterations += run->options.phases[i].iterations; }
    if (done->iterations == 0) {
        console_error(console, "stopped before the map began to move; %s%s",
                      kept ? "the state is still in " : "no map was written", kept ? run->state : "");
    } else {
        console_error(console, "stopped after %zu of %zu iterations%s%s%s%s", done->iterations, iterations,
                      has_map ? "; the map so far is in " : "", has_map ? output_name(settings->output) : "",
                      kept ? ", its state in " : "", kept ? run->state : "");
    }
    if (kept) { resume_print_command(run->call); }
}

static int report(const map_run *run, const char *outcome, const ptsne_embed_report *done)
{
    return embed_report_write(run->call, embed_report_figures(done), outcome, run->device, run->n, run->columns,
                              run->options.n_components, run->options.seed);
}

/* A stopped run: the map so far, the frames so far, and how to go on. err: a file that could not be written is why it stopped. */
static int finish_stopped(map_run *run, const ptsne_embed_report *done, const ptsne_error *err)
{
    const cli_call *call = run->call;
    int code = EXIT_STOPPED;
    bool has_map = false;
    if (err != NULL) { code = console_fail(call->console, NULL, err); }
    if (done->iterations > 0) {
        const int written = embed_write_map(call, run->y, run->n, run->options.n_components);
        has_map = written == EXIT_SUCCESS;
        if (!has_map) { code = written; }
    }
    if (done->iterations > 0 || run->frames.failed) {
        const int closed = frames_close(&run->frames, NULL, done->iterations);
        if (closed != EXIT_SUCCESS) { code = closed; }
    }
    say_stopped(run, done, has_map);
    report(run, "stopped", done);
    return code;
}

static int finish(map_run *run, ptsne_status status, const ptsne_embed_report *done, const ptsne_error *err)
{
    const cli_call *call = run->call;
    const embed_settings *settings = call->settings;
    if (run->saving.status != PTSNE_OK) { return console_fail(call->console, NULL, &run->saving); }
    if (status == PTSNE_ERR_STOPPED) { return finish_stopped(run, done, NULL); }
    if (status == PTSNE_ERR_IO && done->iterations > 0) { return finish_stopped(run, done, err); } /* no state */
    if (status != PTSNE_OK) {
        const bool about_data =
            status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA || status == PTSNE_ERR_DIVERGED;
        const bool about_state = run->state != NULL && strncmp(err->message, run->state, strlen(run->state)) == 0;
        return console_fail(call->console, about_data && !about_state ? settings->input : NULL, err);
    }
    int code = embed_write_map(call, run->y, run->n, run->options.n_components);
    if (code == EXIT_SUCCESS) { code = frames_close(&run->frames, run->y, done->iterations); }
    if (code != EXIT_SUCCESS) {
        if (has_state(run)) { resume_print_command(call); } /* which has the end of the run */
        return code;
    }
    if (run->state != NULL) { resume_remove(call, run->state); }
    say_done(run, done);
    return report(run, "done", done);
}

static int embed(map_run *run)
{
    const embed_settings *settings = run->call->settings;
    const ptsne_observer observer = console_observer(run->call->console);
    ptsne_embed_report done = {0};
    ptsne_error err = {0};
    if (settings->save_neighbors != NULL) {
        run->options.neighbors = save_graph;
        run->options.neighbors_user = run;
    }
    if (run->state != NULL && !run->options.resume) { resume_remove(run->call, run->state); } /* of an earlier run */
    const ptsne_status status =
        ptsne_embed(run->device, run->x == NULL ? NULL : ptsne_table_values(run->x), run->n, run->columns,
                    run->graph.n == 0 ? NULL : &run->graph, &run->options, &observer, run->y, &done, &err);
    return finish(run, status, &done, &err);
}

int embed_map(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    map_run run = {.call = call, .options = embed_options(call)};
    int code;
    if ((code = file_pair_cut(call, "neighbors", settings->neighbors, &run.given)) != EXIT_SUCCESS) { return code; }
    if ((code = file_pair_cut(call, "save-neighbors", settings->save_neighbors, &run.saved)) != EXIT_SUCCESS) {
        return code;
    }
    if ((code = settle_state(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = check_outputs(&run)) != EXIT_SUCCESS) { goto done; }
    console_catch_signals();
    if ((code = read_data(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = open_device(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = prepare_map(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = open_frames(&run)) != EXIT_SUCCESS) { goto done; }
    code = embed(&run);
done:
    frames_discard(&run.frames);
    free(run.y);
    ptsne_graph_release(&run.graph);
    ptsne_table_destroy(run.x);
    ptsne_device_destroy(run.device);
    free(run.state);
    return code;
}
