#include "learn_options.h"

#include <math.h>
#include <string.h>

#include "report.h"

#define AT(member)    offsetof(learn_settings, member)
#define LEARN(member) offsetof(learn_settings, learn.member)

const cli_option learn_options[16] = {
    {.name = "epochs",
     .kind = CLI_COUNT,
     .member = AT(epochs),
     .least = 1,
     .argument = "N",
     .help = "passes over the data, at most",
     .shown = "see above"},
    {.name = "batch-size",
     .kind = CLI_COUNT,
     .member = AT(batch_size),
     .least = 1,
     .argument = "N",
     .help = "rows of a step",
     .shown = "see above"},
    {.name = "batches",
     .kind = CLI_RUNS,
     .member = AT(batches),
     .least = 1,
     .most = 1e6,
     .argument = "EPOCHS:ROWS",
     .help = "epochs with batches of one size, then of another: 5:64,7:512",
     .shown = "see above"},
    {.name = "input",
     .kind = CLI_TEXT,
     .member = AT(input),
     .argument = "SHAPE",
     .help = "height, width and channels of a row that is an image: 28x28x1",
     .shown = "what the file says"},
    {.name = "seed",
     .kind = CLI_SEED,
     .member = LEARN(seed),
     .argument = "N",
     .help = "the same seed gives the same model, bit for bit"},
    {.name = "optimizer",
     .kind = CLI_CHOICE,
     .member = LEARN(optimizer),
     .argument = "NAME",
     .choices = "adam,sgd",
     .help = "adam or sgd"},
    {.name = "learning-rate",
     .kind = CLI_NUMBER,
     .member = LEARN(learning_rate),
     .most = 1e6,
     .argument = "R",
     .help = "learning rate at its height",
     .shown = "0.001; sgd: 0.1"},
    {.name = "schedule",
     .kind = CLI_CHOICE,
     .member = LEARN(schedule),
     .argument = "NAME",
     .choices = "cosine,linear,constant",
     .help = "way of the learning rate down: cosine, linear or constant"},
    {.name = "warmup",
     .kind = CLI_COUNT,
     .member = LEARN(warmup_steps),
     .argument = "STEPS",
     .help = "steps in which the learning rate rises to its height"},
    {.name = "momentum",
     .kind = CLI_NUMBER,
     .member = LEARN(momentum),
     .most = 1,
     .argument = "M",
     .help = "momentum of the steps",
     .only = "optimizer=sgd"},
    {.name = "l2",
     .kind = CLI_NUMBER,
     .member = LEARN(kernel_l2),
     .most = 1e6,
     .argument = "L",
     .help = "times the squares of all weights, added to what is minimised"},
    {.name = "validation",
     .kind = CLI_NUMBER,
     .member = LEARN(validation),
     .most = 1,
     .argument = "SHARE",
     .help = "share of the rows that is not learnt from, but judged after each epoch"},
    {.name = "validation-data",
     .kind = CLI_TEXT,
     .member = AT(validation_data),
     .argument = "X",
     .help = "rows to judge by in their place"},
    {.name = "patience",
     .kind = CLI_COUNT,
     .member = LEARN(patience),
     .argument = "EPOCHS",
     .help = "end after so many without improvement; 0: never",
     .more = "The model is then that of the best epoch, by the validation rows where there are any; with 0 that of the "
             "last one."},
    {.name = "min-delta",
     .kind = CLI_NUMBER,
     .member = LEARN(min_delta),
     .most = 1e9,
     .argument = "D",
     .help = "the loss has to fall by more than this to count"},
    {.name = "history",
     .kind = CLI_TEXT,
     .member = AT(history),
     .argument = "FILE.csv",
     .help = "write a line about each epoch: losses, accuracies, seconds"},
};

int learn_check(const cli_call *call, const learn_settings *settings)
{
    const size_t most = PTSNE_MAX_STRETCHES;
    if (settings->batches.count > most) { return cli_refuse(call, "--batches: more than %zu parts", most); }
    for (size_t i = 0; i < settings->batches.count; i++) {
        const double rows = settings->batches.values[i];
        if (rows != floor(rows)) { return cli_refuse(call, "--batches: %g is not a whole number of rows", rows); }
    }
    if (cli_given(call, "batches") && (cli_given(call, "epochs") || cli_given(call, "batch-size"))) {
        return cli_refuse(call, "--batches says the epochs and their rows: no --epochs and no --batch-size with it");
    }
    if (cli_given(call, "validation") && settings->validation_data != NULL) {
        return cli_refuse(call, "--validation is a share of X, --validation-data takes its place: one of them alone");
    }
    return EXIT_SUCCESS;
}

int learn_refuse(const cli_call *call, const char *why)
{
    for (size_t i = 0; i < CLI_LENGTH(learn_options); i++) {
        const char *name = learn_options[i].name;
        if (cli_given(call, name)) { return cli_refuse(call, "--%s has no effect %s", name, why); }
    }
    return EXIT_SUCCESS;
}

int learn_shape(const cli_call *call, const learn_settings *settings, const ptsne_table *x, size_t shape[3])
{
    return shape_choose(call, settings->input, x, shape);
}

/* ---- epochs ---- */

static void line_write(learn_ear *ear, const ptsne_epoch *epoch)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%zu,%zu,%.9g", epoch->epoch, epoch->batch_size, epoch->loss);
    const struct {
        bool there;
        double value;
    } figures[] = {{ear->classes, epoch->accuracy},
                   {ear->held, epoch->validation_loss},
                   {ear->held && ear->classes, epoch->validation_accuracy}};
    for (size_t i = 0; i < CLI_LENGTH(figures); i++) {
        if (!figures[i].there) { continue; }
        length += snprintf(line + length, sizeof line - (size_t)length, ",%.9g", figures[i].value);
    }
    length += snprintf(line + length, sizeof line - (size_t)length, ",%.3f\n", epoch->seconds);
    ear->status = pt_output_write(&ear->history, line, (size_t)length, &ear->err);
}

static void line_say(learn_ear *ear, const ptsne_epoch *epoch)
{
    char accuracy[40] = "", held[80] = "", held_accuracy[40] = "";
    if (ear->classes) { snprintf(accuracy, sizeof accuracy, ", accuracy %.2f %%", 100.0 * epoch->accuracy); }
    if (ear->held) { snprintf(held, sizeof held, "; validation: loss %.4g", epoch->validation_loss); }
    if (ear->held && ear->classes) {
        snprintf(held_accuracy, sizeof held_accuracy, ", accuracy %.2f %%", 100.0 * epoch->validation_accuracy);
    }
    console_note(ear->console, "  epoch %3zu %8.1f s   loss %.4g%s%s%s", epoch->epoch, epoch->seconds, epoch->loss,
                 accuracy, held, held_accuracy);
}

/* A line a second at most: of small data, epochs pass faster than they are read. */
static int hear_epoch(const ptsne_epoch *epoch, void *user)
{
    learn_ear *ear = user;
    if (ear->history.file != NULL && ear->status == PTSNE_OK) { line_write(ear, epoch); }
    if (epoch->seconds - ear->spoken >= 1.0) {
        line_say(ear, epoch);
        ear->spoken = epoch->seconds;
    }
    return 0;
}

static ptsne_status history_begin(learn_ear *ear, bool force)
{
    ptsne_status status = pt_output_open(ear->path, force, &ear->history, &ear->err);
    char line[128];
    const int length =
        snprintf(line, sizeof line, "epoch,batch_size,loss%s%s%s,seconds\n", ear->classes ? ",accuracy" : "",
                 ear->held ? ",validation_loss" : "", ear->held && ear->classes ? ",validation_accuracy" : "");
    if (status == PTSNE_OK) { status = pt_output_write(&ear->history, line, (size_t)length, &ear->err); }
    return status;
}

int learn_begin(const cli_call *call, const learn_settings *settings, bool own, bool force, learn_ear *ear,
                ptsne_learn_options *options)
{
    *options = settings->learn;
    if (settings->epochs > 0 || settings->batch_size > 0) { /* a 0 leaves it to the library */
        options->n_stretches = 1;
        options->stretches[0] = (ptsne_stretch){settings->epochs, settings->batch_size};
    }
    for (size_t i = 0; i < settings->batches.count; i++) {
        options->n_stretches = settings->batches.count;
        options->stretches[i] = (ptsne_stretch){settings->batches.lengths[i], (size_t)settings->batches.values[i]};
    }
    options->epoch = hear_epoch;
    options->epoch_user = ear;
    ear->console = call->console;
    ear->path = settings->history;
    ear->held = own || options->validation > 0.0;
    if (ear->path == NULL || history_begin(ear, force) == PTSNE_OK) { return EXIT_SUCCESS; }
    pt_output_discard(&ear->history);
    return console_fail(call->console, NULL, &ear->err);
}

int learn_end(learn_ear *ear)
{
    if (ear->history.file == NULL) { return EXIT_SUCCESS; }
    if (ear->status == PTSNE_OK) {
        ear->status = pt_output_commit(&ear->history, &ear->err);
    } else {
        pt_output_discard(&ear->history);
    }
    return ear->status == PTSNE_OK ? EXIT_SUCCESS : console_fail(ear->console, NULL, &ear->err);
}

void learn_report(json_t *whole, const ptsne_learn_report *done)
{
    const ptsne_epoch *kept = &done->kept;
    const struct {
        const char *key;
        size_t value;
    } counts[] = {
        {"training_rows", done->n_training},
        {"validation_rows", done->n_validation},
        {"parameters", done->n_parameters},
        {"epochs", done->epochs},
        {"steps", done->steps},
        {"epoch_kept", kept->epoch},
        {"constant_columns", done->constant_columns},
    };
    const struct {
        const char *key;
        double value;
    } numbers[] = {
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
    for (size_t i = 0; whole != NULL && i < CLI_LENGTH(counts); i++) {
        json_object_set_new(whole, counts[i].key, report_count(counts[i].value));
    }
    for (size_t i = 0; whole != NULL && i < CLI_LENGTH(numbers); i++) {
        json_object_set_new(whole, numbers[i].key, report_number(numbers[i].value));
    }
    if (whole != NULL) { json_object_set_new(whole, "ended_early", json_boolean(done->ended_early)); }
}
