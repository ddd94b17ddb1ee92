#define _POSIX_C_SOURCE 200809L /* fileno */

/* The command line's table: what is taken, what is refused with which words, what help shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

typedef struct fruit_settings {
    console_settings console;
    bool force;
    int header, mode;
    size_t epochs, memory;
    uint64_t seed;
    double rate;
    cli_numbers list;
    cli_runs runs;
    const char *output, *input, *second, *zest;
} fruit_settings;

static void fruit_defaults(void *settings)
{
    fruit_settings *fruit = settings;
    fruit->header = -1;
    fruit->epochs = 28;
    fruit->rate = 0.001;
    fruit->list = (cli_numbers){{30.0}, 1};
    fruit->runs = (cli_runs){{250, 500}, {12.0, 0.5}, 2};
}

#define AT(member) offsetof(fruit_settings, member)

static const cli_option fruit_options[] = {
    {.name = "X", .kind = CLI_OPERAND, .member = AT(input), .help = "data", .required = true},
    {.name = "Z", .kind = CLI_OPERAND, .member = AT(second), .help = "more data"},
    {.name = "output", .letter = 'o', .kind = CLI_TEXT, .member = AT(output), .argument = "FILE", .help = "result"},
    {.name = "force", .letter = 'f', .kind = CLI_FLAG, .member = AT(force), .help = "overwrite"},
    {.name = "header", .kind = CLI_SET, .set = 1, .member = AT(header), .help = "yes"},
    {.name = "no-header", .kind = CLI_SET, .set = 0, .member = AT(header), .help = "no"},
    {.name = "mode",
     .kind = CLI_CHOICE,
     .member = AT(mode),
     .argument = "MODE",
     .choices = "edges,batch,core",
     .help = "which"},
    {.name = "zest",
     .kind = CLI_TEXT,
     .member = AT(zest),
     .argument = "WORD",
     .help = "taste",
     .only = "mode=batch|core"},
    {.name = "epochs",
     .kind = CLI_COUNT,
     .member = AT(epochs),
     .least = 1,
     .most = 1000,
     .argument = "N",
     .help = "passes"},
    {.name = "memory",
     .kind = CLI_BYTES,
     .member = AT(memory),
     .argument = "SIZE",
     .help = "room",
     .environment = "ROOM"},
    {.name = "seed", .kind = CLI_SEED, .member = AT(seed), .argument = "N", .help = "seed"},
    {.name = "rate", .kind = CLI_NUMBER, .member = AT(rate), .argument = "R", .help = "step"},
    {.name = "list",
     .kind = CLI_NUMBERS,
     .member = AT(list),
     .least = 2,
     .argument = "LIST",
     .help = "several",
     .only = "mode=batch"},
    {.name = "runs",
     .kind = CLI_RUNS,
     .member = AT(runs),
     .least = 0.1,
     .most = 100,
     .argument = "N:A,...",
     .help = "in turn"},
};

static const cli_section fruit_sections[] = {
    {"Fruit", fruit_options, CLI_LENGTH(fruit_options), 0, false},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static int fruit_run(const cli_call *call)
{
    return cli_given(call, "epochs") ? 7 : 8;
}

static const cli_verb press = {
    .name = "press",
    .summary = "make juice",
    .usage = "X [Z]",
    .examples = "  pulp press apples\n",
    .sections = fruit_sections,
    .n_sections = CLI_LENGTH(fruit_sections),
    .settings_size = sizeof(fruit_settings),
    .defaults = fruit_defaults,
    .console = AT(console),
    .run = fruit_run,
};

static const cli_verb *const fruit_verbs[] = {&press};

static const cli_program fruit_program = {
    .name = "pulp", .summary = "fruit", .verbs = fruit_verbs, .n_verbs = CLI_LENGTH(fruit_verbs)};

enum { MAX_WORDS = 12 };

/* Words of a command line, cut at spaces; line is changed. */
static int cut(char *line, char **argv)
{
    int argc = 0;
    for (char *word = strtok(line, " "); word != NULL && argc < MAX_WORDS; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return argc;
}

/* Run with standard output and error in `said`. */
static int run_captured(const char *line, char *said, size_t size)
{
    char words[256], *argv[MAX_WORDS];
    snprintf(words, sizeof words, "%s", line);
    const int argc = cut(words, argv);
    FILE *capture = tmpfile();
    assert_non_null(capture);
    fflush(stdout), fflush(stderr);
    const int out = dup(1), err = dup(2);
    dup2(fileno(capture), 1), dup2(fileno(capture), 2);
    const int code = cli_main(&fruit_program, argc, argv);
    fflush(stdout), fflush(stderr);
    dup2(out, 1), dup2(err, 2);
    close(out), close(err);
    rewind(capture);
    said[fread(said, 1, size - 1, capture)] = '\0';
    fclose(capture);
    return code;
}

static char line_words[256];

static int parse(const char *line, fruit_settings *fruit)
{
    bool given[32] = {false};
    char *argv[MAX_WORDS];
    cli_console console;
    snprintf(line_words, sizeof line_words, "%s", line);
    *fruit = (fruit_settings){0};
    fruit_defaults(fruit);
    console_open(&console, "pulp", &(console_settings){0});
    return cli_parse(&fruit_program, &press, cut(line_words, argv), argv, fruit, given, &console);
}

static void test_values(void **state)
{
    (void)state;
    fruit_settings fruit;
    assert_int_equal(parse("x", &fruit), 0);
    assert_string_equal(fruit.input, "x");
    assert_int_equal(fruit.epochs, 28);
    assert_int_equal(fruit.header, -1);
    assert_int_equal(parse("--epochs=5 x -fo out z --mode batch --list 5,10.5 --no-header", &fruit), 0);
    assert_int_equal(fruit.epochs, 5);
    assert_true(fruit.force);
    assert_string_equal(fruit.output, "out");
    assert_string_equal(fruit.second, "z");
    assert_int_equal(fruit.mode, 1);
    assert_int_equal(fruit.list.count, 2);
    assert_true(fruit.list.values[1] == 10.5);
    assert_int_equal(fruit.header, 0);
    assert_int_equal(parse("x --runs 250:12,1:0.5,3:1e1", &fruit), 0);
    assert_int_equal(fruit.runs.count, 3);
    assert_int_equal(fruit.runs.lengths[0], 250);
    assert_int_equal(fruit.runs.lengths[2], 3);
    assert_true(fruit.runs.values[1] == 0.5 && fruit.runs.values[2] == 10.0);
    assert_int_equal(parse("-oout -q -- -x", &fruit), 0);
    assert_string_equal(fruit.output, "out");
    assert_string_equal(fruit.input, "-x");
    assert_true(fruit.console.quiet);
    assert_int_equal(parse("- --seed 9223372036854775807 --memory 1.5G --rate -2e-3 -o -", &fruit), 0);
    assert_string_equal(fruit.input, "-");
    assert_string_equal(fruit.output, "-");
    assert_true(fruit.seed == INT64_MAX);
    assert_int_equal(fruit.memory, (size_t)3 << 29);
    assert_true(fruit.rate == -2e-3);
}

static void test_refusals(void **state)
{
    (void)state;
    const struct {
        const char *line, *words;
    } cases[] = {
        {"pulp press x --epohcs 3", "there is no option --epohcs; did you mean --epochs?"},
        {"pulp press x --epo=3", "there is no option --epo; did you mean --epochs?"},
        {"pulp press x --zzzz", "there is no option --zzzz\n"},
        {"pulp press x -k", "there is no option -k\n"},
        {"pulp press x -epochs 3", "there is no option -epochs; did you mean --epochs?"},
        {"pulp press x --epochs 0", "--epochs: 0 is too small: it must be at least 1"},
        {"pulp press x --epochs 1001", "--epochs: 1001 is too large: it must be at most 1000"},
        {"pulp press x --epochs 3.5", "--epochs: \"3.5\" is not a whole number"},
        {"pulp press x --epochs -3", "--epochs: \"-3\" is not a whole number"},
        {"pulp press x --epochs", "--epochs needs a value: N"},
        {"pulp press x -o --force", "-o needs a value (FILE), and --force is an option; write --output=--force"},
        {"pulp press x --force=1", "--force takes no value"},
        {"pulp press x --rate nan", "--rate: \"nan\" is not a number"},
        {"pulp press x --rate 0x10", "--rate: \"0x10\" is not a number"},
        {"pulp press x --mode batsch", "--mode: \"batsch\" is none of its choices; did you mean batch?"},
        {"pulp press x --mode qq", "--mode: \"qq\" is none of its choices: edges,batch,core"},
        {"pulp press x --memory 4X", "--memory: \"4X\" is not a size such as 512M or 4G"},
        {"pulp press x --seed 9223372036854775808", "\"9223372036854775808\" is not a whole number from 0 to 2^63 - 1"},
        {"pulp press x --seed -1", "--seed: \"-1\" is not a whole number"},
        {"pulp press x --mode batch --list 5,,6", "--list: \"\" is not a number"},
        {"pulp press x --mode batch --list 5,1", "--list: 1 is too small: it must be at least 2"},
        {"pulp press x --runs 5", "--runs: \"5\" is not of the form N:A,...\n"},
        {"pulp press x --runs 5:1,", "--runs: \"\" is not of the form N:A,...\n"},
        {"pulp press x --runs 0:1", "--runs: \"0\" is not a whole number from 1\n"},
        {"pulp press x --runs 2.5:1", "--runs: \"2.5\" is not a whole number from 1\n"},
        {"pulp press x --runs 5:1:2", "--runs: \"1:2\" is not a number\n"},
        {"pulp press x --runs 5:", "--runs: \"\" is not a number\n"},
        {"pulp press x --runs 1:2,5:101", "--runs: 101 is too large: it must be at most 100\n"},
        {"pulp press x --runs 1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1",
         "--runs: more than 16 parts\n"},
        {"pulp press x --list 5", "--list has an effect with --mode batch only (it is edges)"},
        {"pulp press x --zest sour", "--zest has an effect with --mode batch or core only (it is edges)"},
        {"pulp press x y z", "one argument too many: \"z\" (usage: pulp press X [Z])"},
        {"pulp press", "X is missing (data)"},
        {"pulp pres x", "there is no verb \"pres\"; did you mean press?"},
        {"pulp --epochs 3 press x", "there is no option --epochs here; options come after the verb"},
    };
    for (size_t i = 0; i < CLI_LENGTH(cases); i++) {
        char said[4096];
        const int code = run_captured(cases[i].line, said, sizeof said);
        if (code != EXIT_USAGE || strncmp(said, "pulp: ", 6) != 0 || strstr(said, cases[i].words) == NULL ||
            strstr(said, "--help'.\n") == NULL) {
            fail_msg("%s: code %d, said: %s", cases[i].line, code, said);
        }
    }
}

static void test_help(void **state)
{
    (void)state;
    char said[8192];
    assert_int_equal(run_captured("pulp press --epochs 3 --help", said, sizeof said), 0);
    assert_non_null(strstr(said, "Usage: pulp press X [Z]\n"));
    assert_non_null(strstr(said, "      --epochs N              passes [28]\n"));
    assert_non_null(strstr(said, "      --mode MODE             which [edges]\n"));
    assert_non_null(strstr(said, "      --list LIST             several [30] (with --mode batch)\n"));
    assert_non_null(strstr(said, "      --zest WORD             taste (with --mode batch or core)\n"));
    assert_non_null(strstr(said, "      --runs N:A,...          in turn [250:12,500:0.5]\n"));
    assert_non_null(strstr(said, "(also $ROOM)"));
    assert_non_null(strstr(said, "Examples:\n  pulp press apples\n"));
    assert_int_equal(run_captured("pulp press -h", said, sizeof said), 0);
    assert_null(strstr(said, "Examples:"));
    assert_non_null(strstr(said, "--force"));
    assert_null(strstr(said, "--color"));
    assert_non_null(strstr(said, "More options with --help: Messages.\n"));
    assert_int_equal(run_captured("pulp help press", said, sizeof said), 0);
    assert_non_null(strstr(said, "Examples:"));
    assert_int_equal(run_captured("pulp --help", said, sizeof said), 0);
    assert_non_null(strstr(said, "press        make juice\n"));
    assert_int_equal(run_captured("pulp", said, sizeof said), EXIT_USAGE);
    assert_non_null(strstr(said, "make juice"));
}

static void test_run(void **state)
{
    (void)state;
    char said[256];
    assert_int_equal(run_captured("pulp press x --epochs 3", said, sizeof said), 7);
    assert_int_equal(run_captured("pulp press x", said, sizeof said), 8);
    assert_string_equal(said, "");
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(console_exit_code(PTSNE_OK), 0);
    assert_int_equal(console_exit_code(PTSNE_ERR_ARGUMENT), 2);
    assert_int_equal(console_exit_code(PTSNE_ERR_UNAVAILABLE), 3);
    assert_int_equal(console_exit_code(PTSNE_ERR_DATA), 4);
    assert_int_equal(console_exit_code(PTSNE_ERR_STOPPED), 130);
    assert_int_equal(console_exit_code(PTSNE_ERR_IO), 1);
    assert_int_equal(console_exit_code(PTSNE_ERR_DIVERGED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_refusals),   cmocka_unit_test(test_help),
        cmocka_unit_test(test_run),    cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
