#include "learning.h"

#include <stdlib.h>

#include "models.h"
#include "report.h"

/* ---- what is read ---- */

static int labels_check(const learn_job *job, const labelled *set, const char *data, const char *option)
{
    if (set->labels != NULL) { return EXIT_SUCCESS; }
    return cli_refuse(job->call, "%s: has no label column, and %s is not given", input_name(data), option);
}

static int data_read(learn_job *job)
{
    const cli_call *call = job->call;
    const learn_settings *settings = job->settings;
    const char *held = settings->validation_data;
    const bool labels_wanted = job->classes && settings->model == NULL;
    int code = labelled_read(call, settings->input, settings->labels, &settings->read, &job->data);
    if (code == EXIT_SUCCESS && labels_wanted) { code = labels_check(job, &job->data, settings->input, "--labels"); }
    if (code != EXIT_SUCCESS || held == NULL) { return code; }
    code = labelled_read(call, held, settings->validation_labels, &settings->read, &job->held);
    if (code == EXIT_SUCCESS && labels_wanted) { code = labels_check(job, &job->held, held, "--validation-labels"); }
    return code == EXIT_SUCCESS ? columns_check(call, job->held.x, held, job->data.x, settings->input) : code;
}

int learn_open(learn_job *job)
{
    const cli_call *call = job->call;
    const learn_settings *settings = job->settings;
    int code = data_read(job);
    if (code == EXIT_SUCCESS) { code = device_settings_open(call, &settings->device, &job->device); }
    if (code != EXIT_SUCCESS || settings->model == NULL) { return code; }
    const model_kind kind = job->classes ? MODEL_CLASSIFIER : MODEL_AUTOENCODER;
    code = model_open(call, job->device, settings->model, kind, &job->model);
    if (code != EXIT_SUCCESS) { return code; }
    return model_columns_check(call, job->model, settings->model, settings->input, ptsne_table_columns(job->data.x));
}

void learn_close(learn_job *job)
{
    ptsne_model_destroy(job->model);
    ptsne_device_destroy(job->device);
    labelled_release(&job->held);
    labelled_release(&job->data);
}

/* ---- epochs ---- */

static void line_write(learn_job *job, const ptsne_epoch *epoch)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%zu,%zu,%.9g", epoch->epoch, epoch->batch_size, epoch->loss);
    const struct {
        bool there;
        double value;
    } figures[] = {{job->classes, epoch->accuracy},
                   {job->judged, epoch->validation_loss},
                   {job->judged && job->classes, epoch->validation_accuracy}};
    for (size_t i = 0; i < CLI_LENGTH(figures); i++) {
        if (!figures[i].there) { continue; }
        length += snprintf(line + length, sizeof line - (size_t)length, ",%.9g", figures[i].value);
    }
    length += snprintf(line + length, sizeof line - (size_t)length, ",%.3f\n", epoch->seconds);
    job->status = pt_output_write(&job->history, line, (size_t)length, &job->err);
}

/* "loss 0.0312, accuracy 99.14 %". */
static const char *figures_text(const learn_job *job, double loss, double accuracy, char text[64])
{
    const int length = snprintf(text, 64, "loss %.4g", loss);
    if (job->classes) { snprintf(text + length, 64 - (size_t)length, ", accuracy %.2f %%", 100.0 * accuracy); }
    return text;
}

static void line_say(const learn_job *job, const ptsne_epoch *epoch)
{
    char text[64], held[64] = "";
    if (job->judged) { figures_text(job, epoch->validation_loss, epoch->validation_accuracy, held); }
    console_note(job->call->console, "  epoch %3zu %8.1f s   %s%s%s", epoch->epoch, epoch->seconds,
                 figures_text(job, epoch->loss, epoch->accuracy, text), job->judged ? "; validation: " : "", held);
}

/* A line a second at most: of small data, epochs pass faster than they are read. */
static int hear_epoch(const ptsne_epoch *epoch, void *user)
{
    learn_job *job = user;
    if (job->history.file != NULL && job->status == PTSNE_OK) { line_write(job, epoch); }
    if (epoch->seconds - job->spoken >= 1.0) {
        line_say(job, epoch);
        job->spoken = epoch->seconds;
    }
    return 0;
}

/* ---- before and after the training ---- */

static int history_begin(learn_job *job)
{
    const learn_settings *settings = job->settings;
    if (settings->history == NULL) { return EXIT_SUCCESS; }
    char line[128];
    const int length =
        snprintf(line, sizeof line, "epoch,batch_size,loss%s%s%s,seconds\n", job->classes ? ",accuracy" : "",
                 job->judged ? ",validation_loss" : "", job->judged && job->classes ? ",validation_accuracy" : "");
    job->status = pt_output_open(settings->history, settings->force, &job->history, &job->err);
    if (job->status == PTSNE_OK) { job->status = pt_output_write(&job->history, line, (size_t)length, &job->err); }
    if (job->status == PTSNE_OK) { return EXIT_SUCCESS; }
    pt_output_discard(&job->history);
    return console_fail(job->call->console, NULL, &job->err);
}

static int history_end(learn_job *job)
{
    if (job->history.file == NULL) { return EXIT_SUCCESS; }
    if (job->status == PTSNE_OK) {
        job->status = pt_output_commit(&job->history, &job->err);
    } else {
        pt_output_discard(&job->history);
    }
    return job->status == PTSNE_OK ? EXIT_SUCCESS : console_fail(job->call->console, NULL, &job->err);
}

int learn_begin(learn_job *job, size_t shape[3], ptsne_learn_options *options)
{
    const learn_settings *settings = job->settings;
    const int code = shape_choose(job->call, settings->shape, job->data.x, shape);
    if (code != EXIT_SUCCESS) { return code; }
    *options = settings->learn;
    if (settings->epochs > 0 || settings->batch_size > 0) { /* a 0 leaves it to the library */
        options->n_stretches = 1;
        options->stretches[0] = (ptsne_stretch){settings->epochs, settings->batch_size};
    }
    for (size_t i = 0; i < settings->batches.count; i++) {
        options->n_stretches = settings->batches.count;
        options->stretches[i] = (ptsne_stretch){settings->batches.lengths[i], (size_t)settings->batches.values[i]};
    }
    if (job->held.x != NULL) {
        options->x_validation = ptsne_table_values(job->held.x);
        options->labels_validation = job->held.labels;
        options->n_validation = ptsne_table_rows(job->held.x);
    }
    options->epoch = hear_epoch;
    options->epoch_user = job;
    job->judged = job->held.x != NULL || options->validation > 0.0;
    say_data(job->call, settings->input, ptsne_table_rows(job->data.x), ptsne_table_columns(job->data.x), job->device,
             options->seed);
    return history_begin(job);
}

static void say_trained(const learn_job *job)
{
    const ptsne_learn_report *done = &job->done;
    const ptsne_epoch *kept = &done->kept;
    const char *output = job->settings->output;
    char what[48], text[64];
    if (job->classes) {
        snprintf(what, sizeof what, "%zu classes", ptsne_model_classes(job->model));
    } else {
        snprintf(what, sizeof what, "codes of %zu", ptsne_model_code_size(job->model));
    }
    console_note(job->call->console, "%s%s%s, %zu parameters, epoch %zu of %zu%s, %.1f s", output == NULL ? "" : output,
                 output == NULL ? "" : ": ", what, done->n_parameters, kept->epoch, done->epochs,
                 done->ended_early ? " (nothing got better)" : "", done->seconds);
    console_note(job->call->console, "training: %zu rows, %s", done->n_training,
                 figures_text(job, kept->loss, kept->accuracy, text));
    if (done->n_validation == 0) { return; }
    console_note(job->call->console, "validation: %zu rows, %s", done->n_validation,
                 figures_text(job, kept->validation_loss, kept->validation_accuracy, text));
}

/* What came out of the training, to the model's file and to people. */
static int keep(const learn_job *job, ptsne_status status, const ptsne_error *err)
{
    const learn_settings *settings = job->settings;
    cli_console *console = job->call->console;
    ptsne_error saving = {0};
    int saved = EXIT_SUCCESS;
    if (job->model != NULL && settings->output != NULL &&
        ptsne_model_save(job->model, settings->output, settings->force, &saving) != PTSNE_OK) {
        saved = console_fail(console, NULL, &saving);
    }
    if (status == PTSNE_OK) {
        if (saved == EXIT_SUCCESS) { say_trained(job); }
        return saved;
    }
    const bool has_model = job->model != NULL && settings->output != NULL && saved == EXIT_SUCCESS;
    if (status == PTSNE_ERR_STOPPED) {
        console_error(console, "stopped after %zu epoch%s; %s%s", job->done.epochs, job->done.epochs == 1 ? "" : "s",
                      has_model ? "the model so far is in " : "no model was written",
                      has_model ? settings->output : "");
        return EXIT_STOPPED;
    }
    const bool about_data = status == PTSNE_ERR_DATA || status == PTSNE_ERR_DIVERGED;
    const int code = console_fail(console, about_data ? settings->input : NULL, err);
    if (has_model) { console_error(console, "the last good model is in %s", settings->output); }
    return code;
}

int learn_end(learn_job *job, ptsne_status status, const ptsne_error *err)
{
    job->trained = true;
    const int history = history_end(job), code = keep(job, status, err);
    return code == EXIT_SUCCESS ? history : code;
}

/* ---- the report ---- */

/* Figures of the training, added to whole. */
static void training_report(json_t *whole, const ptsne_learn_report *done)
{
    const ptsne_epoch *kept = &done->kept;
    const report_size sizes[] = {
        {"training_rows", done->n_training},
        {"validation_rows", done->n_validation},
        {"parameters", done->n_parameters},
        {"epochs", done->epochs},
        {"steps", done->steps},
        {"epoch_kept", kept->epoch},
        {"constant_columns", done->constant_columns},
    };
    const report_figure figures[] = {
        {"loss", kept->loss},
        {"accuracy", kept->accuracy},
        {"validation_loss", kept->validation_loss},
        {"validation_accuracy", kept->validation_accuracy},
        {"scale", done->scale},
        {"seconds", done->seconds},
        {"training_seconds", done->training_seconds},
        {"product_flop", done->product_flop},
        {"product_gflops", done->product_flop / done->training_seconds / 1e9},
    };
    report_add_sizes(whole, sizes, CLI_LENGTH(sizes));
    report_add_figures(whole, figures, CLI_LENGTH(figures));
    json_object_set_new(whole, "ended_early", json_boolean(done->ended_early));
}

bool learn_reports(const learn_job *job, int code)
{
    return job->settings->json != NULL && (code == EXIT_SUCCESS || job->done.epochs > 0);
}

json_t *learn_report(const learn_job *job, int code)
{
    const learn_settings *settings = job->settings;
    const char *model = settings->output != NULL ? settings->output : settings->model;
    const char *outcome = code == EXIT_SUCCESS ? "done" : code == EXIT_STOPPED ? "stopped" : "failed";
    json_t *whole = report_head(job->device, outcome, settings->input, ptsne_table_rows(job->data.x),
                                ptsne_table_columns(job->data.x));
    if (whole == NULL) { return NULL; }
    json_object_set_new(whole, "model", model == NULL ? json_null() : report_text(model));
    json_object_set_new(whole, "seed", report_count(settings->learn.seed));
    if (job->trained) { training_report(whole, &job->done); }
    return whole;
}
