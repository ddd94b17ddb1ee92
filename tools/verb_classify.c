/* Two ways through: with -o a classifier is trained, with --model one that is there is asked. */
#include "verb_classify.h"

#include <stdlib.h>
#include <string.h>

#include "learn_options.h"
#include "predictions.h"
#include "report.h"

typedef struct classify_settings {
    console_settings console;
    const char *input, *labels, *output, *model, *predict, *json;
    const char *validation_labels;
    bool force;
    ptsne_classify_options classify; /* but its learn */
    learn_settings learn;
    device_settings device;
    read_settings read;
} classify_settings;

/* Rows and their labels. */
typedef struct labelled {
    ptsne_table *x;
    ptsne_labels *read;         /* from a file of their own */
    const ptsne_labels *labels; /* these, or those of x; NULL if there are none */
} labelled;

/* Everything that one run opens. */
typedef struct classify_job {
    labelled data, held;
    ptsne_device *device;
    ptsne_model *model;
    ptsne_learn_report done;
    bool trained;
    predictions made;
    judgement judged;
} classify_job;

/* ---- what is read ---- */

static int labelled_read(const cli_call *call, const char *data, const char *labels, labelled *set)
{
    const classify_settings *settings = call->settings;
    ptsne_error err = {0};
    const ptsne_read_options read = read_settings_data(&settings->read, labels);
    const ptsne_read_options own = read_settings_labels(&settings->read);
    if (ptsne_table_read(data, &read, &set->x, &err) != PTSNE_OK) { return console_fail(call->console, data, &err); }
    set->labels = ptsne_table_labels(set->x);
    if (labels == NULL) { return EXIT_SUCCESS; }
    if (ptsne_labels_read(labels, &own, &set->read, &err) != PTSNE_OK) {
        return console_fail(call->console, labels, &err);
    }
    set->labels = set->read;
    const size_t n = ptsne_table_rows(set->x);
    if (ptsne_labels_count(set->read) == n) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu labels, but %s has %zu rows", labels, ptsne_labels_count(set->read), data, n);
    return EXIT_DATA;
}

static void labelled_release(labelled *set)
{
    ptsne_labels_destroy(set->read);
    ptsne_table_destroy(set->x);
}

static int no_labels(const cli_call *call, const char *data, const char *option)
{
    console_error(call->console, "%s: has no label column, and %s is not given", data, option);
    return EXIT_USAGE;
}

static int data_read(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    const char *held = settings->learn.validation_data;
    int code = labelled_read(call, settings->input, settings->labels, &job->data);
    if (code != EXIT_SUCCESS) { return code; }
    if (job->data.labels == NULL && settings->output != NULL) { return no_labels(call, settings->input, "--labels"); }
    if (held == NULL) { return EXIT_SUCCESS; }
    if ((code = labelled_read(call, held, settings->validation_labels, &job->held)) != EXIT_SUCCESS) { return code; }
    if (job->held.labels == NULL) { return no_labels(call, held, "--validation-labels"); }
    const size_t columns = ptsne_table_columns(job->data.x), others = ptsne_table_columns(job->held.x);
    if (columns == others) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu columns, but %s has %zu", held, others, settings->input, columns);
    return EXIT_DATA;
}

/* ---- training ---- */

static void say_trained(const cli_call *call, const classify_job *job)
{
    const classify_settings *settings = call->settings;
    const ptsne_learn_report *done = &job->done;
    console_note(call->console,
                 "%s: %zu classes, %zu parameters, epoch %zu of %zu, loss %.4g, accuracy %.2f %%, %.1f s",
                 settings->output, ptsne_model_classes(job->model), done->n_parameters, done->kept.epoch, done->epochs,
                 done->kept.loss, 100.0 * done->kept.accuracy, done->seconds);
    if (done->n_validation == 0) { return; }
    console_note(call->console, "validation: %zu rows, loss %.4g, accuracy %.2f %%", done->n_validation,
                 done->kept.validation_loss, 100.0 * done->kept.validation_accuracy);
}

/* What came out of the training, to the model's file and to people. Returns the exit code. */
static int keep(const cli_call *call, classify_job *job, ptsne_status status, const ptsne_error *err)
{
    const classify_settings *settings = call->settings;
    ptsne_error saving = {0};
    int saved = EXIT_SUCCESS;
    if (job->model != NULL && ptsne_model_save(job->model, settings->output, settings->force, &saving) != PTSNE_OK) {
        saved = console_fail(call->console, NULL, &saving);
    }
    if (status == PTSNE_OK) {
        if (saved == EXIT_SUCCESS) { say_trained(call, job); }
        return saved;
    }
    const bool has_model = job->model != NULL && saved == EXIT_SUCCESS;
    if (status == PTSNE_ERR_STOPPED) {
        console_error(call->console, "stopped after %zu epoch%s; %s%s", job->done.epochs,
                      job->done.epochs == 1 ? "" : "s", has_model ? "the model so far is in " : "no model was written",
                      has_model ? settings->output : "");
        return EXIT_STOPPED;
    }
    const bool about_data = status == PTSNE_ERR_DATA || status == PTSNE_ERR_DIVERGED;
    const int code = console_fail(call->console, about_data ? settings->input : NULL, err);
    if (has_model) { console_error(call->console, "the last good model is in %s", settings->output); }
    return code;
}

static int train(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    ptsne_classify_options options = settings->classify;
    ptsne_error err = {0};
    learn_ear ear = {.classes = true};
    int code = learn_shape(call, &settings->learn, job->data.x, options.input);
    if (code != EXIT_SUCCESS) { return code; }
    const size_t n = ptsne_table_rows(job->data.x), columns = ptsne_table_columns(job->data.x);
    const bool held = job->held.x != NULL;
    if ((code = learn_begin(call, &settings->learn, held, settings->force, &ear, &options.learn)) != EXIT_SUCCESS) {
        return code;
    }
    if (held) {
        options.learn.x_validation = ptsne_table_values(job->held.x);
        options.learn.labels_validation = job->held.labels;
        options.learn.n_validation = ptsne_table_rows(job->held.x);
    }
    const ptsne_observer observer = console_observer(call->console);
    const ptsne_status status = ptsne_classify(job->device, ptsne_table_values(job->data.x), job->data.labels, n,
                                               columns, &options, &observer, &job->model, &job->done, &err);
    job->trained = true;
    const int history = learn_end(&ear);
    code = keep(call, job, status, &err);
    return code == EXIT_SUCCESS ? history : code;
}

/* ---- asking ---- */

static int load(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    ptsne_error err = {0};
    if (ptsne_model_load(job->device, settings->model, &job->model, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->model, &err);
    }
    if (ptsne_model_classes(job->model) == 0) {
        console_error(call->console, "%s: is no classifier: ptsne classify X --labels Y -o MODEL makes one",
                      settings->model);
        return EXIT_DATA;
    }
    const size_t columns = ptsne_table_columns(job->data.x), wanted = ptsne_model_features(job->model);
    if (columns != wanted) {
        console_error(call->console, "%s: rows of %zu columns, but %s was trained on %zu", settings->input, columns,
                      settings->model, wanted);
        return EXIT_DATA;
    }
    if (job->data.labels == NULL && settings->predict == NULL) {
        return cli_refuse(call, "nothing to do: --predict FILE writes classes, --labels Y counts how many are right");
    }
    return EXIT_SUCCESS;
}

static int ask(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    int code = predictions_make(call, job->model, job->data.x, &job->made);
    if (code == EXIT_STOPPED) { return console_say_stopped(call->console, settings->predict, NULL); }
    if (code == EXIT_SUCCESS && settings->predict != NULL) {
        code = predictions_write(call, &job->made, settings->predict, settings->force);
    }
    if (code != EXIT_SUCCESS || job->trained || job->data.labels == NULL) { return code; }
    code = predictions_judge(call, &job->made, job->data.labels, &job->judged);
    const bool taken = (settings->predict != NULL && strcmp(settings->predict, "-") == 0) ||
                       (settings->json != NULL && strcmp(settings->json, "-") == 0);
    if (code == EXIT_SUCCESS && !taken) { judgement_print(&job->made, &job->judged); }
    return code;
}

/* ---- the run ---- */

static int report(const cli_call *call, const classify_job *job, int code)
{
    const classify_settings *settings = call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    ptsne_device_info info;
    ptsne_device_describe(job->device, &info);
    json_t *whole =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "version", ptsne_version(), "outcome",
                  code == EXIT_SUCCESS   ? "done"
                  : code == EXIT_STOPPED ? "stopped"
                                         : "failed",
                  "device", info.spec, "data", report_text(settings->input), "model",
                  report_text(settings->output != NULL ? settings->output : settings->model), "rows",
                  (json_int_t)ptsne_table_rows(job->data.x), "columns", (json_int_t)ptsne_table_columns(job->data.x),
                  "seed", (json_int_t)settings->learn.learn.seed);
    if (whole != NULL && job->trained) {
        json_object_set_new(whole, "net", report_text(settings->classify.net));
        learn_report(whole, &job->done);
    }
    if (whole != NULL && job->judged.n > 0) {
        json_object_set_new(whole, "judgement", judgement_report(&job->made, &job->judged));
    }
    return report_write(call->console, settings->json, whole);
}

static int run_all(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    ptsne_error err = {0};
    const ptsne_device_options where = device_settings_use(&settings->device);
    const ptsne_observer observer = console_observer(call->console);
    int code = data_read(call, job);
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_device_open(&where, &observer, &job->device, &err) != PTSNE_OK) {
        return console_fail(call->console, NULL, &err);
    }
    code = settings->output != NULL ? train(call, job) : load(call, job);
    if (code == EXIT_SUCCESS && (settings->predict != NULL || !job->trained)) { code = ask(call, job); }
    const bool tells = code == EXIT_SUCCESS || job->done.epochs > 0;
    const int reported = tells ? report(call, job, code) : EXIT_SUCCESS;
    return code == EXIT_SUCCESS ? reported : code;
}

static int check_settings(const cli_call *call)
{
    const classify_settings *settings = call->settings;
    if ((settings->output == NULL) == (settings->model == NULL)) {
        return cli_refuse(call, settings->output == NULL
                                    ? "-o MODEL is missing, to train one, or --model MODEL, to ask one"
                                    : "-o trains a new model, --model asks one that is there: one of them alone");
    }
    if (settings->output != NULL && strcmp(settings->output, "-") == 0) {
        return cli_refuse(call, "a model cannot go to standard output, only to a file");
    }
    if (settings->predict != NULL && settings->json != NULL && strcmp(settings->predict, "-") == 0 &&
        strcmp(settings->json, "-") == 0) {
        return cli_refuse(call, "--predict - and --json - both go to standard output: one of them needs a file");
    }
    if (settings->validation_labels != NULL && settings->learn.validation_data == NULL) {
        return cli_refuse(call, "--validation-labels has an effect with --validation-data only");
    }
    if (settings->model == NULL) { return learn_check(call, &settings->learn); }
    if (cli_given(call, "net")) { return cli_refuse(call, "--net has no effect with --model: nothing is trained"); }
    return learn_refuse(call, "with --model: nothing is trained");
}

static int classify_run(const cli_call *call)
{
    const classify_settings *settings = call->settings;
    const learn_settings *learn = &settings->learn;
    const char *const files[] = {settings->input, settings->labels, settings->model, learn->validation_data,
                                 settings->validation_labels};
    const char *const outputs[] = {settings->output, settings->predict, learn->history};
    int code = check_settings(call);
    if (code == EXIT_SUCCESS) {
        code = outputs_check(call->console, outputs, CLI_LENGTH(outputs), settings->json, settings->force, files,
                             CLI_LENGTH(files));
    }
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    classify_job job = {0};
    code = run_all(call, &job);
    judgement_release(&job.judged);
    predictions_release(&job.made);
    ptsne_model_destroy(job.model);
    ptsne_device_destroy(job.device);
    labelled_release(&job.held);
    labelled_release(&job.data);
    return code;
}

/* ---- the options ---- */

#define AT(member) offsetof(classify_settings, member)

static const cli_option data_options[] = {
    {.name = "X",
     .kind = CLI_OPERAND,
     .member = AT(input),
     .required = true,
     .help = "data: .npy, IDX, CSV, TSV or word vectors, also gzipped; - is standard input"},
    {.name = "labels",
     .kind = CLI_TEXT,
     .member = AT(labels),
     .argument = "Y",
     .help = "the class of each row",
     .shown = "the label column of X"},
    {.name = "validation-labels",
     .kind = CLI_TEXT,
     .member = AT(validation_labels),
     .argument = "Y",
     .help = "the class of each row of --validation-data",
     .shown = "their label column"},
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .argument = "MODEL",
     .help = "train, and write the model here (safetensors)"},
    {.name = "model", .kind = CLI_TEXT, .member = AT(model), .argument = "MODEL", .help = "do not train: ask this one"},
    {.name = "predict",
     .kind = CLI_TEXT,
     .member = AT(predict),
     .argument = "FILE",
     .help = "write the classes of X and their log-probabilities: .csv or .npy",
     .more = "CSV: the class of each row in a column \"class\", and the log-probabilities of all classes; .npy: the "
             "log-probabilities alone. - is standard output, as CSV."},
    {.name = "force", .letter = 'f', .kind = CLI_FLAG, .member = AT(force), .help = "overwrite files that exist"},
    {.name = "json", .kind = CLI_TEXT, .member = AT(json), .argument = "FILE", .help = "write a report as JSON"},
};

static const cli_option network_options[] = {
    {.name = "net",
     .kind = CLI_TEXT,
     .member = AT(classify.net),
     .argument = "LAYERS",
     .help = "layers before the one of the classes; empty for none",
     .more = NET_GRAMMAR},
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"The network", network_options, CLI_LENGTH(network_options), 0, false},
    {"Training", learn_options, CLI_LENGTH(learn_options), AT(learn), false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void classify_defaults(void *given)
{
    classify_settings *settings = given;
    ptsne_classify_options_default(&settings->classify);
    settings->learn.learn = settings->classify.learn;
    read_settings_default(&settings->read);
}

const cli_verb verb_classify = {
    .name = "classify",
    .summary = "train a network that tells classes, or ask one",
    .usage = "X --labels Y -o MODEL | X --model MODEL [--predict FILE]",
    .description =
        "With -o, trains a network on the rows of X and their labels and writes it as a safetensors file. With "
        "--model, "
        "asks a model that is there: --predict writes what it says of each row, and where there are labels, a table on "
        "standard output says how often it is right.\n\n"
        "Without --batches: 5 epochs of batches of 64 rows, then 7 of 512; of few rows, as many of the first as make "
        "1000 "
        "steps, in smaller batches. Ctrl-C stops and keeps the model so far.",
    .examples = "  ptsne classify train.idx.gz --labels train-labels.idx.gz -o digits.safetensors \\\n"
                "      --net \"conv 20 5x5 same, bn, relu, pool 2, conv 40 5x5 same, bn, relu, pool 2, \\\n"
                "             dense 200, bn, relu\"\n"
                "  ptsne classify test.idx.gz --model digits.safetensors --labels test-labels.idx.gz\n"
                "  ptsne classify new.npy --model digits.safetensors --predict new.csv\n"
                "  ptsne classify x.csv -o kinds.safetensors --net 50 --patience 5 --history kinds.csv\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(classify_settings),
    .defaults = classify_defaults,
    .console = AT(console),
    .run = classify_run,
};
