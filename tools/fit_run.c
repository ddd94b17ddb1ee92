/* The training state lives in MODEL.state beside the model: see resume.h. */
#include "fit_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fit_data.h"
#include "models.h"
#include "outputs.h"
#include "report.h"
#include "resume.h"
#include "verb_fit.h"

/* What is read, opened and made in a run. */
typedef struct fit_things {
    fit_data data;
    ptsne_device *device;
    ptsne_model *init, *model;
    ptsne_fit_report done;
} fit_things;

/* ---- what is there before ---- */

/* Begin, go on (resume stays 1), or refuse? Returns the exit code. */
static int look_around(const cli_call *call, const char *state, int *resume)
{
    const fit_settings *settings = call->settings;
    const int code = resume_look_around(call, settings->output, state, settings->force, resume);
    if (code != EXIT_SUCCESS) { return code; }
    const char *const inputs[] = {settings->input, settings->labels, settings->init, settings->map};
    const output_file outputs[] = {{"-o", settings->output, settings->force || *resume},
                                   {"MODEL.state", state, OUTPUT_SPARE},
                                   {"--json", settings->json, true}};
    return outputs_check(call, outputs, CLI_LENGTH(outputs), inputs, CLI_LENGTH(inputs));
}

/* ---- what is said after ---- */

/* "stopped ...", and the command line that goes on. */
static void say_stopped(const cli_call *call, const char *state, const ptsne_fit_report *done, bool has_model)
{
    const fit_settings *settings = call->settings;
    if (access(state, F_OK) != 0) {
        console_error(call->console, "stopped before the training began; nothing was written");
        return;
    }
    console_error(call->console, "stopped after %zu epoch%s; the training state is in %s%s%s", done->epochs,
                  done->epochs == 1 ? "" : "s", state, has_model ? ", the model so far in " : "",
                  has_model ? settings->output : "");
    resume_print_command(call);
}

/* A line a stage, as embed has them. */
static void say_stages(cli_console *console, const ptsne_fit_report *done)
{
    if (isfinite(done->teacher_kl)) {
        console_note(console, "  t-SNE      %8.1f s   the map to learn, KL %.4f", done->teacher_seconds,
                     done->teacher_kl);
    } else if (done->neighbor_seconds > 0.0) {
        console_note(console, "  neighbours %8.1f s", done->neighbor_seconds);
    }
    console_note(console, "  training   %8.1f s   %zu steps", done->training_seconds, done->steps);
}

static void say_done(const cli_call *call, const ptsne_model *model, const ptsne_fit_report *done)
{
    const fit_settings *settings = call->settings;
    const char *net = settings->fit.net;
    char what[256];
    if (settings->init != NULL) {
        snprintf(what, sizeof what, "%s trained on", settings->init);
    } else {
        snprintf(what, sizeof what, "%zu -> %s%s%zu", ptsne_model_features(model), net, *net == '\0' ? "" : " -> ",
                 ptsne_model_components(model));
    }
    console_note(call->console, "%s: %s, %zu epoch%s, loss %.4f, %.1f s", settings->output, what, done->epochs,
                 done->epochs == 1 ? "" : "s", done->loss, done->seconds);
    say_stages(call->console, done);
}

static json_t *spread_report(const ptsne_fit_report *done, size_t components)
{
    json_t *spread = json_array();
    for (size_t i = 0; i < components && i < 3; i++) { json_array_append_new(spread, report_number(done->spread[i])); }
    return spread;
}

static json_t *done_report(const ptsne_fit_report *done)
{
    json_t *report = json_object();
    const report_size sizes[] = {
        {"epochs", done->epochs},
        {"steps", done->steps},
        {"duplicates", done->duplicates},
        {"constant_columns", done->constant_columns},
    };
    const report_figure figures[] = {
        {"loss", done->loss},
        {"seconds", done->seconds},
        {"neighbor_seconds", done->neighbor_seconds},
        {"teacher_seconds", done->teacher_seconds},
        {"teacher_kl", done->teacher_kl},
        {"training_seconds", done->training_seconds},
        {"product_flop", done->product_flop},
        {"product_gflops", done->product_flop / done->training_seconds / 1e9},
    };
    report_add_sizes(report, sizes, CLI_LENGTH(sizes));
    report_add_figures(report, figures, CLI_LENGTH(figures));
    return report;
}

static int report(const cli_call *call, const char *outcome, const fit_things *things)
{
    const fit_settings *settings = call->settings;
    const fit_data *x = &things->data;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    const bool own = settings->init == NULL;
    json_t *whole = report_head(things->device, outcome, settings->input, x->n, x->n_columns);
    json_t *about = json_pack("{s:o, s:o, s:I, s:o}", "model", report_text(settings->output), own ? "net" : "init",
                              report_text(own ? settings->fit.net : settings->init), "seed",
                              (json_int_t)settings->fit.seed, "spread", spread_report(&things->done, x->dims));
    whole = report_join(report_join(whole, about), done_report(&things->done));
    return report_write(call->console, settings->json, whole);
}

/* ---- the run ---- */

/* What came out of the fit, to files and to people. Returns the exit code. */
static int finish(const cli_call *call, const fit_things *things, const char *state, ptsne_status status,
                  const ptsne_error *err)
{
    const fit_settings *settings = call->settings;
    const ptsne_model *model = things->model;
    ptsne_error saving = {0};
    int saved = EXIT_SUCCESS;
    if (model != NULL && ptsne_model_save(model, settings->output, true, &saving) != PTSNE_OK) {
        saved = console_fail(call->console, NULL, &saving);
    }
    const bool has_model = model != NULL && saved == EXIT_SUCCESS;
    if (status == PTSNE_OK) {
        if (saved != EXIT_SUCCESS) { return saved; }
        resume_remove(call, state);
        say_done(call, model, &things->done);
        return report(call, "done", things);
    }
    if (status == PTSNE_ERR_STOPPED) {
        say_stopped(call, state, &things->done, has_model);
        report(call, "stopped", things);
        return EXIT_STOPPED;
    }
    if (status == PTSNE_ERR_IO && model != NULL) { /* stopped, and the state could not be written */
        console_fail(call->console, NULL, err);
        if (has_model) { console_error(call->console, "the model so far is in %s", settings->output); }
        report(call, "stopped", things);
        return EXIT_FAILED;
    }
    const bool about_data = status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA || status == PTSNE_ERR_DIVERGED;
    const int code = console_fail(call->console, about_data ? settings->input : NULL, err);
    if (status == PTSNE_ERR_DIVERGED) {
        if (has_model) { console_error(call->console, "the last good model is in %s", settings->output); }
        report(call, "diverged", things);
    }
    return code;
}

static int things_open(const cli_call *call, fit_things *things)
{
    const fit_settings *settings = call->settings;
    const char *init = settings->init;
    int code = device_settings_open(call, &settings->device, &things->device);
    if (code == EXIT_SUCCESS && init != NULL) {
        code = model_open(call, things->device, init, MODEL_MAP, &things->init);
    }
    if (code != EXIT_SUCCESS) { return code; }
    const fit_data_files files = {
        .input = settings->input,
        .labels = settings->labels,
        .map = settings->map,
        .exclude = settings->exclude,
        .dims = init == NULL ? settings->fit.n_components : ptsne_model_components(things->init),
    };
    code = fit_data_read(call, &files, &settings->read, &things->data);
    if (code != EXIT_SUCCESS || init == NULL) { return code; }
    return model_columns_check(call, things->init, init, settings->input, things->data.n_columns);
}

static int train(const cli_call *call, const ptsne_fit_options *given)
{
    const fit_settings *settings = call->settings;
    fit_things things = {0};
    ptsne_fit_options options = *given;
    ptsne_error err = {0};
    const ptsne_observer observer = console_observer(call->console);
    int code = things_open(call, &things);
    if (code == EXIT_SUCCESS) { code = shape_choose(call, settings->image, things.data.rows.x, options.input); }
    if (code == EXIT_SUCCESS) {
        const fit_data *x = &things.data;
        say_data(call, settings->input, x->n, x->n_columns, things.device, options.seed);
        if (x->left_out > 0) { console_note(call->console, "%zu rows are left out", x->left_out); }
        options.init = things.init;
        options.teacher = x->target;
        const ptsne_status status = ptsne_fit(things.device, x->values, x->n, x->n_columns, &options, &observer,
                                              &things.model, &things.done, &err);
        code = finish(call, &things, options.checkpoint, status, &err);
    }
    ptsne_model_destroy(things.model);
    ptsne_model_destroy(things.init);
    ptsne_device_destroy(things.device);
    fit_data_release(&things.data);
    return code;
}

int fit_model(const cli_call *call)
{
    const fit_settings *settings = call->settings;
    ptsne_fit_options options = settings->fit;
    char *state = resume_state_path(settings->output);
    if (state == NULL) {
        console_error(call->console, "not enough memory");
        return EXIT_FAILED;
    }
    options.n_perplexities = settings->perplexities.count;
    memcpy(options.perplexities, settings->perplexities.values, sizeof options.perplexities);
    options.n_teacher_phases = settings->phases.count;
    for (size_t i = 0; i < settings->phases.count; i++) {
        options.teacher_phases[i] = (ptsne_phase){settings->phases.lengths[i], settings->phases.values[i]};
    }
    options.checkpoint = state;
    int code = look_around(call, state, &options.resume);
    if (code == EXIT_SUCCESS) {
        console_catch_signals();
        code = train(call, &options);
    }
    free(state);
    return code;
}
