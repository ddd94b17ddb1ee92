/* Two ways through: with -o a classifier is trained, with --model one that is there is asked. */
#include "verb_classify.h"

#include <stdlib.h>

#include "learning.h"
#include "outputs.h"
#include "predictions.h"
#include "report.h"

typedef struct classify_settings {
    console_settings console;
    const char *predict;
    int to;                          /* table_format */
    ptsne_classify_options classify; /* but its learn */
    learn_settings learn;
} classify_settings;

/* Everything that one run makes. */
typedef struct classify_job {
    learn_job learn;
    predictions made;
    judgement judged;
} classify_job;

/* ---- training and asking ---- */

static int train(const cli_call *call, learn_job *job)
{
    const classify_settings *settings = call->settings;
    ptsne_classify_options options = settings->classify;
    ptsne_error err = {0};
    const int code = learn_begin(job, options.input, &options.learn);
    if (code != EXIT_SUCCESS) { return code; }
    const ptsne_table *x = job->data.x;
    const ptsne_observer observer = console_observer(call->console);
    const ptsne_status status =
        ptsne_classify(job->device, ptsne_table_values(x), job->data.labels, ptsne_table_rows(x),
                       ptsne_table_columns(x), &options, &observer, &job->model, &job->done, &err);
    return learn_end(job, status, &err);
}

static int ask(const cli_call *call, classify_job *job)
{
    const classify_settings *settings = call->settings;
    const ptsne_labels *labels = job->learn.data.labels;
    if (labels == NULL && settings->predict == NULL) {
        return cli_refuse(call, "nothing to do: --predict FILE writes classes, --labels Y counts how many are right");
    }
    int code = predictions_make(call, job->learn.model, job->learn.data.x, &job->made);
    if (code == EXIT_STOPPED) { return console_say_stopped(call->console, settings->predict, NULL); }
    if (code == EXIT_SUCCESS && settings->predict != NULL) {
        code = predictions_write(call, &job->made, settings->predict, settings->to, settings->learn.force);
    }
    if (code != EXIT_SUCCESS || job->learn.trained || labels == NULL) { return code; }
    code = predictions_judge(call, &job->made, labels, &job->judged);
    const bool taken = output_streams(settings->predict) || output_streams(settings->learn.json);
    if (code == EXIT_SUCCESS && !taken) { judgement_print(&job->made, &job->judged); }
    return code;
}

/* ---- the run ---- */

static int report(const cli_call *call, const classify_job *job, int code)
{
    const classify_settings *settings = call->settings;
    if (!learn_reports(&job->learn, code)) { return EXIT_SUCCESS; }
    json_t *whole = learn_report(&job->learn, code);
    if (whole != NULL && job->learn.trained) { json_object_set_new(whole, "net", report_text(settings->classify.net)); }
    if (whole != NULL && job->judged.n > 0) {
        json_object_set_new(whole, "judgement", judgement_report(&job->made, &job->judged));
    }
    return report_write(call->console, settings->learn.json, whole);
}

static int check_settings(const cli_call *call)
{
    static const char *const trains[] = {"net"};
    const classify_settings *settings = call->settings;
    const learn_settings *learn = &settings->learn;
    const char *const files[] = {learn->input, learn->labels, learn->model, learn->validation_data,
                                 learn->validation_labels};
    const output_file outputs[] = {{"-o", learn->output, learn->force},
                                   {"--predict", settings->predict, learn->force},
                                   {"--history", learn->history, learn->force},
                                   {"--json", learn->json, true}};
    const char *format;
    if (learn->output == NULL && learn->model == NULL) {
        return cli_refuse(call, "-o MODEL is missing, to train one, or --model MODEL, to ask one");
    }
    if (learn->validation_labels != NULL && learn->validation_data == NULL) {
        return cli_refuse(call, "--validation-labels has an effect with --validation-data only");
    }
    if (cli_given(call, "to") && settings->predict == NULL) {
        return cli_refuse(call, "--to has an effect with --predict only");
    }
    int code = learn_check(call, learn, trains, CLI_LENGTH(trains));
    if (code == EXIT_SUCCESS && settings->predict != NULL) {
        code = table_format_choose(call, settings->predict, settings->to, false, &format);
    }
    if (code != EXIT_SUCCESS) { return code; }
    return outputs_check(call, outputs, CLI_LENGTH(outputs), files, CLI_LENGTH(files));
}

static int classify_run(const cli_call *call)
{
    const classify_settings *settings = call->settings;
    int code = check_settings(call);
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    classify_job job = {.learn = {.call = call, .settings = &settings->learn, .classes = true}};
    code = learn_open(&job.learn);
    if (code == EXIT_SUCCESS && job.learn.model == NULL) { code = train(call, &job.learn); }
    if (code == EXIT_SUCCESS && (settings->predict != NULL || !job.learn.trained)) { code = ask(call, &job); }
    const int reported = report(call, &job, code);
    judgement_release(&job.judged);
    predictions_release(&job.made);
    learn_close(&job.learn);
    return code == EXIT_SUCCESS ? reported : code;
}

/* ---- the options ---- */

#define AT(member) offsetof(classify_settings, member)

static const cli_option data_options[] = {
    INPUT_OPERAND("X", AT(learn.input), true),
    {.name = "labels",
     .kind = CLI_TEXT,
     .member = AT(learn.labels),
     .argument = "Y",
     .help = "the class of each row",
     .shown = "the label column of X"},
    {.name = "validation-labels",
     .kind = CLI_TEXT,
     .member = AT(learn.validation_labels),
     .argument = "Y",
     .help = "the class of each row of --validation-data",
     .shown = "their label column"},
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(learn.output),
     .argument = "MODEL",
     .help = "train, and write the model here (safetensors)"},
    {.name = "model",
     .kind = CLI_TEXT,
     .member = AT(learn.model),
     .argument = "MODEL",
     .help = "do not train: ask this one"},
    {.name = "predict",
     .kind = CLI_TEXT,
     .member = AT(predict),
     .argument = "FILE",
     .help = "write the classes of X and their log-probabilities: .csv or .npy",
     .more = "CSV: the class of each row in a column \"class\", and the log-probabilities of all classes; .npy: the "
             "log-probabilities alone. - is standard output."},
    TABLE_FORMAT_OPTION(AT(to), TABLE_FORMAT_TEXT),
    FORCE_OPTION(AT(learn.force), "overwrite files that exist"),
    REPORT_OPTION(AT(learn.json), "write a report as JSON"),
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
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(learn.read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(learn.device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void classify_defaults(void *given)
{
    classify_settings *settings = given;
    ptsne_classify_options_default(&settings->classify);
    learn_settings_default(&settings->learn, &settings->classify.learn);
}

const cli_verb verb_classify = {
    .name = "classify",
    .summary = "train a classifier, or ask one",
    .usage = "X --labels Y -o MODEL | X --model MODEL [--predict FILE]",
    .description =
        "With -o, trains a network on the rows of X and their labels and writes it as a safetensors file. With "
        "--model, asks a model that is there: --predict writes what it says of each row, and where there are labels, a "
        "table on standard output says how often it is right.\n\n"
        "Without --batches: 5 epochs of batches of 64 rows, then 7 of 512; of few rows, as many of the first as make "
        "1000 steps, in smaller batches. Ctrl-C stops and keeps the model so far.",
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
