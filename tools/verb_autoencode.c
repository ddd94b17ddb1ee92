/* Two ways through: with --model an autoencoder that is there is used, else one is trained. */
#include "verb_autoencode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn_options.h"
#include "report.h"

typedef struct autoencode_settings {
    console_settings console;
    const char *input, *output, *model, *codes, *reconstructions, *json;
    bool force;
    ptsne_autoencode_options autoencode; /* but its learn */
    learn_settings learn;
    device_settings device;
    read_settings read;
} autoencode_settings;

/* Everything that one run opens. */
typedef struct autoencode_job {
    ptsne_table *x, *held;
    ptsne_device *device;
    ptsne_model *model;
    ptsne_learn_report done;
    bool trained;
    ptsne_writer *codes, *reconstructions;
    double loss; /* of the rows of X */
} autoencode_job;

static const size_t block_rows = 4096;

/* ---- what is read ---- */

static int table_read(const cli_call *call, const char *path, ptsne_table **table)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error err = {0};
    const ptsne_read_options read = read_settings_use(&settings->read);
    if (ptsne_table_read(path, &read, table, &err) == PTSNE_OK) { return EXIT_SUCCESS; }
    return console_fail(call->console, path, &err);
}

static int data_read(const cli_call *call, autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    const char *held = settings->learn.validation_data;
    int code = table_read(call, settings->input, &job->x);
    if (code != EXIT_SUCCESS || held == NULL) { return code; }
    if ((code = table_read(call, held, &job->held)) != EXIT_SUCCESS) { return code; }
    const size_t columns = ptsne_table_columns(job->x), others = ptsne_table_columns(job->held);
    if (columns == others) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu columns, but %s has %zu", held, others, settings->input, columns);
    return EXIT_DATA;
}

/* ---- training ---- */

static void say_trained(const cli_call *call, const autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    const ptsne_learn_report *done = &job->done;
    console_note(call->console, "%s%scodes of %zu, %zu parameters, epoch %zu of %zu%s, loss %.4g, %.1f s",
                 settings->output == NULL ? "" : settings->output, settings->output == NULL ? "" : ": ",
                 ptsne_model_code_size(job->model), done->n_parameters, done->kept.epoch, done->epochs,
                 done->ended_early ? " (nothing got better)" : "", done->kept.loss, done->seconds);
    if (done->n_validation == 0) { return; }
    console_note(call->console, "validation: %zu rows, loss %.4g", done->n_validation, done->kept.validation_loss);
}

/* What came out of the training, to the model's file and to people. Returns the exit code. */
static int keep(const cli_call *call, autoencode_job *job, ptsne_status status, const ptsne_error *err)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error saving = {0};
    int saved = EXIT_SUCCESS;
    if (job->model != NULL && settings->output != NULL &&
        ptsne_model_save(job->model, settings->output, settings->force, &saving) != PTSNE_OK) {
        saved = console_fail(call->console, NULL, &saving);
    }
    if (status == PTSNE_OK) {
        if (saved == EXIT_SUCCESS) { say_trained(call, job); }
        return saved;
    }
    const bool has_model = job->model != NULL && settings->output != NULL && saved == EXIT_SUCCESS;
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

static int train(const cli_call *call, autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    ptsne_autoencode_options options = settings->autoencode;
    ptsne_error err = {0};
    learn_ear ear = {.classes = false};
    int code = learn_shape(call, &settings->learn, job->x, options.input);
    if (code != EXIT_SUCCESS) { return code; }
    code = learn_begin(call, &settings->learn, job->held != NULL, settings->force, &ear, &options.learn);
    if (code != EXIT_SUCCESS) { return code; }
    if (job->held != NULL) {
        options.learn.x_validation = ptsne_table_values(job->held);
        options.learn.n_validation = ptsne_table_rows(job->held);
    }
    const ptsne_observer observer = console_observer(call->console);
    const ptsne_status status =
        ptsne_autoencode(job->device, ptsne_table_values(job->x), ptsne_table_rows(job->x), ptsne_table_columns(job->x),
                         &options, &observer, &job->model, &job->done, &err);
    job->trained = true;
    const int history = learn_end(&ear);
    code = keep(call, job, status, &err);
    return code == EXIT_SUCCESS ? history : code;
}

static int load(const cli_call *call, autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error err = {0};
    if (ptsne_model_load(job->device, settings->model, &job->model, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->model, &err);
    }
    if (ptsne_model_code_size(job->model) == 0) {
        console_error(call->console, "%s: is no autoencoder: ptsne autoencode X -o MODEL makes one", settings->model);
        return EXIT_DATA;
    }
    if (ptsne_reconstruct(job->model, NULL, 0, NULL, NULL, NULL, &err) != PTSNE_OK) { /* it lacks what that takes */
        return console_fail(call->console, settings->model, &err);
    }
    const size_t columns = ptsne_table_columns(job->x), wanted = ptsne_model_features(job->model);
    if (columns == wanted) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: rows of %zu columns, but %s was trained on %zu", settings->input, columns,
                  settings->model, wanted);
    return EXIT_DATA;
}

/* ---- codes and reconstructions ---- */

static int writer_open(const cli_call *call, const char *path, const char *stem, size_t columns, size_t rows,
                       ptsne_writer **writer)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error err = {0};
    char *texts = malloc(columns * 32 + 1);
    const char **names = malloc((columns + 1) * sizeof *names);
    int code = EXIT_SUCCESS;
    if (texts == NULL || names == NULL) {
        console_error(call->console, "not enough memory for the names of %zu columns", columns);
        code = EXIT_FAILED;
    }
    for (size_t c = 0; c < columns && code == EXIT_SUCCESS; c++) {
        names[c] = texts + 32 * c;
        snprintf(texts + 32 * c, 32, "%s_%zu", stem, c + 1);
    }
    if (code == EXIT_SUCCESS &&
        ptsne_writer_open(path, NULL, columns, rows, names, settings->force, writer, &err) != PTSNE_OK) {
        code = console_fail(call->console, NULL, &err);
    }
    free(names);
    free(texts);
    return code;
}

/* All rows of X through the model, a block at a time; PTSNE_ERR_STOPPED, without a message, after Ctrl-C. */
static ptsne_status pump(autoencode_job *job, float *codes, float *y, ptsne_error *err)
{
    const size_t n = ptsne_table_rows(job->x), d = ptsne_table_columns(job->x);
    double sum = 0.0;
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < n && status == PTSNE_OK; from += block_rows) {
        const size_t count = n - from < block_rows ? n - from : block_rows;
        double loss = 0.0;
        status = ptsne_reconstruct(job->model, ptsne_table_values(job->x) + from * d, count,
                                   job->codes == NULL ? NULL : codes, y, &loss, err);
        sum += loss * (double)count;
        if (status == PTSNE_OK && job->codes != NULL) { status = ptsne_writer_rows(job->codes, codes, count, err); }
        if (status == PTSNE_OK && job->reconstructions != NULL) {
            status = ptsne_writer_rows(job->reconstructions, y, count, err);
        }
        if (status == PTSNE_OK && console_stopped()) { status = PTSNE_ERR_STOPPED; }
    }
    job->loss = sum / (double)n;
    return status;
}

static ptsne_status commit(ptsne_writer **writer, ptsne_error *err)
{
    ptsne_writer *whole = *writer;
    *writer = NULL;
    return whole == NULL ? PTSNE_OK : ptsne_writer_commit(whole, err);
}

static int use(const cli_call *call, autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error err = {0};
    const size_t n = ptsne_table_rows(job->x), d = ptsne_table_columns(job->x);
    const size_t code_size = ptsne_model_code_size(job->model), most = n < block_rows ? n : block_rows;
    int code = EXIT_SUCCESS;
    if (settings->codes != NULL) { code = writer_open(call, settings->codes, "code", code_size, n, &job->codes); }
    if (code == EXIT_SUCCESS && settings->reconstructions != NULL) {
        code = writer_open(call, settings->reconstructions, "value", d, n, &job->reconstructions);
    }
    if (code != EXIT_SUCCESS) { return code; }
    float *codes = calloc(most * code_size, sizeof *codes), *y = calloc(most * d, sizeof *y);
    if (codes == NULL || y == NULL) {
        console_error(call->console, "%s: not enough memory for %zu rows", settings->input, most);
        code = EXIT_FAILED;
    } else {
        ptsne_status status = pump(job, codes, y, &err);
        if (status == PTSNE_OK) { status = commit(&job->codes, &err); }
        if (status == PTSNE_OK) { status = commit(&job->reconstructions, &err); }
        if (status == PTSNE_ERR_STOPPED) {
            code = console_say_stopped(call->console, settings->codes, settings->reconstructions);
        } else if (status != PTSNE_OK) {
            code = console_fail(call->console, NULL, &err);
        }
    }
    free(codes);
    free(y);
    return code;
}

/* ---- the run ---- */

static int report(const cli_call *call, const autoencode_job *job, int code)
{
    const autoencode_settings *settings = call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    const char *model = settings->output != NULL ? settings->output : settings->model;
    ptsne_device_info info;
    ptsne_device_describe(job->device, &info);
    json_t *whole =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I}", "version", ptsne_version(), "outcome",
                  code == EXIT_SUCCESS   ? "done"
                  : code == EXIT_STOPPED ? "stopped"
                                         : "failed",
                  "device", info.spec, "data", report_text(settings->input), "model",
                  model == NULL ? json_null() : report_text(model), "rows", (json_int_t)ptsne_table_rows(job->x),
                  "columns", (json_int_t)ptsne_table_columns(job->x), "seed", (json_int_t)settings->learn.learn.seed);
    if (whole != NULL && job->model != NULL) {
        json_object_set_new(whole, "code_size", report_count(ptsne_model_code_size(job->model)));
    }
    if (whole != NULL && code == EXIT_SUCCESS) { json_object_set_new(whole, "loss_of_data", report_number(job->loss)); }
    if (job->trained) { learn_report(whole, &job->done); }
    return report_write(call->console, settings->json, whole);
}

static int run_all(const cli_call *call, autoencode_job *job)
{
    const autoencode_settings *settings = call->settings;
    ptsne_error err = {0};
    const ptsne_device_options where = device_settings_use(&settings->device);
    const ptsne_observer observer = console_observer(call->console);
    int code = data_read(call, job);
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_device_open(&where, &observer, &job->device, &err) != PTSNE_OK) {
        return console_fail(call->console, NULL, &err);
    }
    code = settings->model == NULL ? train(call, job) : load(call, job);
    if (code == EXIT_SUCCESS) { code = use(call, job); }
    if (code == EXIT_SUCCESS && settings->model != NULL) {
        console_note(call->console, "%s: %zu rows, loss %.4g", settings->input, ptsne_table_rows(job->x), job->loss);
    }
    const bool tells = code == EXIT_SUCCESS || job->done.epochs > 0;
    const int reported = tells ? report(call, job, code) : EXIT_SUCCESS;
    return code == EXIT_SUCCESS ? reported : code;
}

/* Is more than one of the outputs standard output? */
static bool streams_clash(const autoencode_settings *settings)
{
    const char *const outputs[] = {settings->codes, settings->reconstructions, settings->json};
    size_t streams = 0;
    for (size_t i = 0; i < CLI_LENGTH(outputs); i++) { streams += outputs[i] != NULL && strcmp(outputs[i], "-") == 0; }
    return streams > 1;
}

static int check_settings(const cli_call *call)
{
    static const char *const trains[] = {"encoder", "decoder", "scale", "activity-l2"};
    const autoencode_settings *settings = call->settings;
    if (settings->output != NULL && settings->model != NULL) {
        return cli_refuse(call, "-o trains a new model, --model uses one that is there: one of them alone");
    }
    if (settings->output == NULL && settings->model == NULL && settings->codes == NULL &&
        settings->reconstructions == NULL) {
        return cli_refuse(call, "-o MODEL is missing, or --codes FILE, or --reconstructions FILE");
    }
    if (settings->output != NULL && strcmp(settings->output, "-") == 0) {
        return cli_refuse(call, "a model cannot go to standard output, only to a file");
    }
    if (streams_clash(settings)) {
        return cli_refuse(call, "two results go to standard output: one of them needs a file");
    }
    if (settings->model == NULL) { return learn_check(call, &settings->learn); }
    for (size_t i = 0; i < CLI_LENGTH(trains); i++) {
        if (cli_given(call, trains[i])) {
            return cli_refuse(call, "--%s has no effect with --model: nothing is trained", trains[i]);
        }
    }
    return learn_refuse(call, "with --model: nothing is trained");
}

static int autoencode_run(const cli_call *call)
{
    const autoencode_settings *settings = call->settings;
    const learn_settings *learn = &settings->learn;
    const char *const files[] = {settings->input, settings->model, learn->validation_data};
    const char *const outputs[] = {settings->output, settings->codes, settings->reconstructions, learn->history};
    int code = check_settings(call);
    if (code == EXIT_SUCCESS) {
        code = outputs_check(call->console, outputs, CLI_LENGTH(outputs), settings->json, settings->force, files,
                             CLI_LENGTH(files));
    }
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    autoencode_job job = {0};
    code = run_all(call, &job);
    ptsne_writer_discard(job.codes);
    ptsne_writer_discard(job.reconstructions);
    ptsne_model_destroy(job.model);
    ptsne_device_destroy(job.device);
    ptsne_table_destroy(job.held);
    ptsne_table_destroy(job.x);
    return code;
}

/* ---- the options ---- */

#define AT(member) offsetof(autoencode_settings, member)

static const cli_option data_options[] = {
    {.name = "X",
     .kind = CLI_OPERAND,
     .member = AT(input),
     .required = true,
     .help = "data: .npy, IDX, CSV, TSV or word vectors, also gzipped; - is standard input"},
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .argument = "MODEL",
     .help = "where the trained model goes (safetensors)"},
    {.name = "codes",
     .kind = CLI_TEXT,
     .member = AT(codes),
     .argument = "FILE",
     .help = "write the codes of X: .npy or .csv; - is standard output, as .npy"},
    {.name = "reconstructions",
     .kind = CLI_TEXT,
     .member = AT(reconstructions),
     .argument = "FILE",
     .help = "write what the decoder makes of them, in the units of X; files as for --codes"},
    {.name = "model", .kind = CLI_TEXT, .member = AT(model), .argument = "MODEL", .help = "do not train: use this one"},
    {.name = "force", .letter = 'f', .kind = CLI_FLAG, .member = AT(force), .help = "overwrite files that exist"},
    {.name = "json", .kind = CLI_TEXT, .member = AT(json), .argument = "FILE", .help = "write a report as JSON"},
};

static const cli_option network_options[] = {
    {.name = "encoder",
     .kind = CLI_TEXT,
     .member = AT(autoencode.encoder),
     .argument = "LAYERS",
     .help = "layers to the codes; the last one makes them",
     .more = NET_GRAMMAR},
    {.name = "decoder",
     .kind = CLI_TEXT,
     .member = AT(autoencode.decoder),
     .argument = "LAYERS",
     .help = "layers back; the last one has as many values as X has columns",
     .shown = "one linear layer"},
    {.name = "scale",
     .kind = CLI_NUMBER,
     .member = AT(autoencode.scale),
     .most = 1e30,
     .argument = "F",
     .help = "the network learns X times this, and losses are of it",
     .shown = "1 / the largest magnitude in X"},
    {.name = "activity-l2",
     .kind = CLI_NUMBER,
     .member = AT(autoencode.activity_l2),
     .most = 1e6,
     .argument = "L",
     .help = "times the mean square sum of a code, added to what is minimised"},
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"The network", network_options, CLI_LENGTH(network_options), 0, false},
    {"Training", learn_options, CLI_LENGTH(learn_options), AT(learn), false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void autoencode_defaults(void *given)
{
    autoencode_settings *settings = given;
    ptsne_autoencode_options_default(&settings->autoencode);
    settings->learn.learn = settings->autoencode.learn;
    read_settings_default(&settings->read);
}

const cli_verb verb_autoencode = {
    .name = "autoencode",
    .summary = "train a network that gives back its input through short codes",
    .usage = "X [-o MODEL] [--codes FILE] [--reconstructions FILE] | X --model MODEL ...",
    .description = "Trains an encoder and a decoder by the mean squared error of what comes back, and writes the "
                   "network, the codes "
                   "of X and their reconstructions. With --model, uses one that is there.\n\n"
                   "The network sees X divided by its largest magnitude, so that bytes become 0 to 1; losses are in "
                   "these units.\n\n"
                   "Without --batches: at most 100 epochs of batches of 256 rows, of few rows of a sixteenth of them. "
                   "Ctrl-C stops "
                   "and keeps the model so far.",
    .examples = "  ptsne autoencode train.idx.gz -o digits.safetensors --validation-data test.idx.gz \\\n"
                "      --encoder \"196, relu\" --decoder \"784, sigmoid\" --history digits.csv\n"
                "  ptsne autoencode x.npy --codes codes.npy --encoder \"500, 30\" --decoder \"500, dense 784\"\n"
                "  ptsne autoencode new.npy --model digits.safetensors --reconstructions again.npy\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(autoencode_settings),
    .defaults = autoencode_defaults,
    .console = AT(console),
    .run = autoencode_run,
};
