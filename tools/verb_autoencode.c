/* Two ways through: with --model an autoencoder that is there is used, else one is trained. */
#include "verb_autoencode.h"

#include <stdlib.h>

#include "learning.h"
#include "outputs.h"
#include "report.h"

typedef struct autoencode_settings {
    console_settings console;
    const char *codes, *reconstructions;
    int to;                              /* table_format */
    ptsne_autoencode_options autoencode; /* but its learn */
    learn_settings learn;
} autoencode_settings;

/* Everything that one run makes. */
typedef struct autoencode_job {
    learn_job learn;
    ptsne_writer *codes, *reconstructions;
    double loss; /* of the rows of X */
} autoencode_job;

static const size_t block_rows = 4096;

static int train(const cli_call *call, learn_job *job)
{
    const autoencode_settings *settings = call->settings;
    ptsne_autoencode_options options = settings->autoencode;
    ptsne_error err = {0};
    const int code = learn_begin(job, options.input, &options.learn);
    if (code != EXIT_SUCCESS) { return code; }
    const ptsne_table *x = job->data.x;
    const ptsne_observer observer = console_observer(call->console);
    const ptsne_status status =
        ptsne_autoencode(job->device, ptsne_table_values(x), ptsne_table_rows(x), ptsne_table_columns(x), &options,
                         &observer, &job->model, &job->done, &err);
    return learn_end(job, status, &err);
}

/* Has the model that is there what reconstructions take? */
static int check_model(const cli_call *call, const learn_job *job)
{
    ptsne_error err = {0};
    if (ptsne_reconstruct(job->model, NULL, 0, NULL, NULL, NULL, &err) == PTSNE_OK) { return EXIT_SUCCESS; }
    return console_fail(call->console, job->settings->model, &err);
}

/* ---- codes and reconstructions ---- */

static int writer_open(const cli_call *call, const char *path, const char *stem, size_t rows, size_t columns,
                       ptsne_writer **writer)
{
    const autoencode_settings *settings = call->settings;
    if (path == NULL) { return EXIT_SUCCESS; }
    const char **names = column_names(call, stem, columns);
    if (names == NULL) { return EXIT_FAILED; }
    const table_file file = {path, settings->to, settings->learn.force, rows, columns, names, false};
    const int code = table_begin(call, &file, writer);
    free(names);
    return code;
}

/* All rows of X through the model, a block at a time; PTSNE_ERR_STOPPED, without a message, after Ctrl-C. */
static ptsne_status pump(autoencode_job *job, float *codes, float *y, ptsne_error *err)
{
    const ptsne_table *x = job->learn.data.x;
    const size_t n = ptsne_table_rows(x), d = ptsne_table_columns(x);
    double sum = 0.0;
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < n && status == PTSNE_OK; from += block_rows) {
        const size_t count = n - from < block_rows ? n - from : block_rows;
        double loss = 0.0;
        status = ptsne_reconstruct(job->learn.model, ptsne_table_values(x) + from * d, count,
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
    const learn_job *learn = &job->learn;
    ptsne_error err = {0};
    const size_t n = ptsne_table_rows(learn->data.x), d = ptsne_table_columns(learn->data.x);
    const size_t code_size = ptsne_model_code_size(learn->model), most = n < block_rows ? n : block_rows;
    int code = writer_open(call, settings->codes, "code", n, code_size, &job->codes);
    if (code == EXIT_SUCCESS) {
        code = writer_open(call, settings->reconstructions, "value", n, d, &job->reconstructions);
    }
    if (code != EXIT_SUCCESS) { return code; }
    float *codes = calloc(most * code_size, sizeof *codes), *y = calloc(most * d, sizeof *y);
    if (codes == NULL || y == NULL) {
        console_error(call->console, "%s: not enough memory for %zu rows", input_name(settings->learn.input), most);
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
    const learn_job *learn = &job->learn;
    if (!learn_reports(learn, code)) { return EXIT_SUCCESS; }
    json_t *whole = learn_report(learn, code);
    if (whole != NULL && learn->model != NULL) {
        json_object_set_new(whole, "code_size", report_count(ptsne_model_code_size(learn->model)));
    }
    if (whole != NULL && code == EXIT_SUCCESS) { json_object_set_new(whole, "loss_of_data", report_number(job->loss)); }
    return report_write(call->console, learn->settings->json, whole);
}

static int check_settings(const cli_call *call)
{
    static const char *const trains[] = {"encoder", "decoder", "scale", "activity-l2"};
    const autoencode_settings *settings = call->settings;
    const learn_settings *learn = &settings->learn;
    const char *const results[] = {settings->codes, settings->reconstructions};
    const char *const files[] = {learn->input, learn->model, learn->validation_data};
    const output_file outputs[] = {{"-o", learn->output, learn->force},
                                   {"--codes", settings->codes, learn->force},
                                   {"--reconstructions", settings->reconstructions, learn->force},
                                   {"--history", learn->history, learn->force},
                                   {"--json", learn->json, true}};
    const char *format;
    if (learn->output == NULL && learn->model == NULL && settings->codes == NULL && settings->reconstructions == NULL) {
        return cli_refuse(call, "-o MODEL is missing, or --codes FILE, or --reconstructions FILE");
    }
    if (cli_given(call, "to") && settings->codes == NULL && settings->reconstructions == NULL) {
        return cli_refuse(call, "--to has an effect with --codes and --reconstructions only");
    }
    int code = learn_check(call, learn, trains, CLI_LENGTH(trains));
    for (size_t i = 0; i < CLI_LENGTH(results) && code == EXIT_SUCCESS; i++) {
        if (results[i] != NULL) { code = table_format_choose(call, results[i], settings->to, true, &format); }
    }
    if (code != EXIT_SUCCESS) { return code; }
    return outputs_check(call, outputs, CLI_LENGTH(outputs), files, CLI_LENGTH(files));
}

static int autoencode_run(const cli_call *call)
{
    const autoencode_settings *settings = call->settings;
    int code = check_settings(call);
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    autoencode_job job = {.learn = {.call = call, .settings = &settings->learn}};
    learn_job *learn = &job.learn;
    code = learn_open(learn);
    if (code == EXIT_SUCCESS) { code = learn->model == NULL ? train(call, learn) : check_model(call, learn); }
    if (code == EXIT_SUCCESS) { code = use(call, &job); }
    if (code == EXIT_SUCCESS && !learn->trained) {
        console_note(call->console, "%s: %zu rows, loss %.4g", input_name(settings->learn.input),
                     ptsne_table_rows(learn->data.x), job.loss);
    }
    const int reported = report(call, &job, code);
    ptsne_writer_discard(job.codes);
    ptsne_writer_discard(job.reconstructions);
    learn_close(learn);
    return code == EXIT_SUCCESS ? reported : code;
}

/* ---- the options ---- */

#define AT(member) offsetof(autoencode_settings, member)

static const cli_option data_options[] = {
    INPUT_OPERAND("X", AT(learn.input), true),
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(learn.output),
     .argument = "MODEL",
     .help = "where the trained model goes (safetensors)"},
    {.name = "codes",
     .kind = CLI_TEXT,
     .member = AT(codes),
     .argument = "FILE",
     .help = "write the codes of X: .npy or .csv; - is standard output"},
    {.name = "reconstructions",
     .kind = CLI_TEXT,
     .member = AT(reconstructions),
     .argument = "FILE",
     .help = "write what the decoder makes of them, in the units of X; files as for --codes"},
    TABLE_FORMAT_OPTION(AT(to), TABLE_FORMAT_BY_ROWS),
    {.name = "model",
     .kind = CLI_TEXT,
     .member = AT(learn.model),
     .argument = "MODEL",
     .help = "do not train: use this one"},
    FORCE_OPTION(AT(learn.force), "overwrite files that exist"),
    REPORT_OPTION(AT(learn.json), "write a report as JSON"),
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
     .least = 1e-30,
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
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(learn.read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(learn.device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void autoencode_defaults(void *given)
{
    autoencode_settings *settings = given;
    ptsne_autoencode_options_default(&settings->autoencode);
    learn_settings_default(&settings->learn, &settings->autoencode.learn);
}

const cli_verb verb_autoencode = {
    .name = "autoencode",
    .summary = "train a network that gives back its input through short codes",
    .usage = "X [-o MODEL] [--codes FILE] [--reconstructions FILE] | X --model MODEL ...",
    .description =
        "Trains an encoder and a decoder by the mean squared error of what comes back, and writes the network, the "
        "codes of X and their reconstructions. With --model, uses one that is there.\n\n"
        "The network sees X divided by its largest magnitude, so that bytes become 0 to 1; losses are in these "
        "units.\n\n"
        "Without --batches: at most 100 epochs of batches of 256 rows, of few rows of a sixteenth of them. Ctrl-C "
        "stops and keeps the model so far.",
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
