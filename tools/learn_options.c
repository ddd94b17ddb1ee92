#include "learn_options.h"

#include <math.h>
#include <stdlib.h>

#include "models.h"

#define AT(member)    offsetof(learn_settings, member)
#define LEARN(member) offsetof(learn_settings, learn.member)

const cli_option learn_options[16] = {
    {.name = "epochs",
     .kind = CLI_COUNT,
     .member = AT(epochs),
     .least = 1,
     .argument = "N",
     .help = "passes over the data, at most",
     .shown = "by the number of rows"},
    {.name = "batch-size",
     .kind = CLI_COUNT,
     .member = AT(batch_size),
     .least = 1,
     .argument = "N",
     .help = "rows of a step",
     .shown = "by the number of rows"},
    {.name = "batches",
     .kind = CLI_RUNS,
     .member = AT(batches),
     .least = 1,
     .most = 1e6,
     .argument = "EPOCHS:ROWS",
     .help = "epochs with batches of one size, then of another: 5:64,7:512",
     .shown = "by the number of rows"},
    {.name = "input",
     .kind = CLI_TEXT,
     .member = AT(shape),
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
     .least = 1e-12,
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

void learn_settings_default(learn_settings *settings, const ptsne_learn_options *learn)
{
    settings->learn = *learn;
    read_settings_default(&settings->read);
}

/* What training would do twice. */
static int training_check(const cli_call *call, const learn_settings *settings)
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

/* With a model that is there nothing is trained. */
static int given_refuse(const cli_call *call, const char *name)
{
    if (!cli_given(call, name)) { return EXIT_SUCCESS; }
    return cli_refuse(call, "--%s has no effect with --model: nothing is trained", name);
}

int learn_check(const cli_call *call, const learn_settings *settings, const char *const *own, size_t n_own)
{
    if (settings->output != NULL && settings->model != NULL) {
        return cli_refuse(call, "-o trains a new model, --model uses one that is there: one of them alone");
    }
    int code = model_output_check(call, settings->output);
    if (code == EXIT_SUCCESS && settings->model == NULL) { return training_check(call, settings); }
    for (size_t i = 0; i < n_own && code == EXIT_SUCCESS; i++) { code = given_refuse(call, own[i]); }
    for (size_t i = 0; i < CLI_LENGTH(learn_options) && code == EXIT_SUCCESS; i++) {
        code = given_refuse(call, learn_options[i].name);
    }
    return code;
}
