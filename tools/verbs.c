/* From main to a verb's run. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

/* A closed standard stream would make the next file we open take its place, and messages end up in that file. */
static void keep_streams_open(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) != -1) { continue; }
        /* the wrong way round, so that using it still fails */
        const int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
        if (opened != -1 && opened != fd) { close(opened); }
    }
}

static int print_version(const cli_program *program)
{
    printf("%s %s\n%s", program->name, ptsne_version(), ptsne_build_info());
    return EXIT_SUCCESS;
}

static const cli_verb *find_verb(const cli_program *program, const char *name)
{
    for (size_t v = 0; v < program->n_verbs; v++) {
        if (strcmp(program->verbs[v]->name, name) == 0) { return program->verbs[v]; }
    }
    return NULL;
}

static int refuse_verb(const cli_program *program, const char *word, cli_console *console)
{
    const char *names[32] = {NULL};
    for (size_t v = 0; v < program->n_verbs && v + 1 < CLI_LENGTH(names); v++) { names[v] = program->verbs[v]->name; }
    const char *near = cli_nearest(word, names);
    if (word[0] == '-') {
        console_error(console, "there is no option %s here; options come after the verb", word);
    } else if (near != NULL) {
        console_error(console, "there is no verb \"%s\"; did you mean %s?", word, near);
    } else {
        console_error(console, "there is no verb \"%s\"", word);
    }
    fprintf(stderr, "Try '%s --help'.\n", program->name);
    return EXIT_USAGE;
}

/* "-h", "--help": 1 and 2; anything else 0. */
static int help_wanted(const char *word)
{
    return strcmp(word, "-h") == 0 ? 1 : strcmp(word, "--help") == 0 ? 2 : 0;
}

/* Parse the words after the verb and run it. */
static int run_verb(const cli_program *program, const cli_verb *verb, int argc, char **argv, cli_console *console)
{
    void *settings = calloc(1, verb->settings_size);
    bool *given = calloc(cli_count(verb) + 1, sizeof *given);
    int code = EXIT_FAILED;
    if (settings == NULL || given == NULL) {
        console_error(console, "not enough memory");
        goto done;
    }
    if (verb->defaults != NULL) { verb->defaults(settings); }
    code = cli_parse(program, verb, argc - 2, argv + 2, settings, given, console);
    if (code != EXIT_SUCCESS) { goto done; }
    const console_settings *looks = (const console_settings *)(const void *)((const char *)settings + verb->console);
    console_open(console, program->name, looks);
    const cli_call call = {program, verb, settings, console, argc, argv, given};
    code = verb->run(&call);
    console_clear(console);
done:
    free(given);
    free(settings);
    return code;
}

static int dispatch(const cli_program *program, int argc, char **argv, cli_console *console)
{
    const char *word = argc < 2 ? "--help" : argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) { return print_version(program); }
    if (help_wanted(word) || (strcmp(word, "help") == 0 && argc == 2)) {
        cli_print_overview(program, argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_SUCCESS;
    }
    if (strcmp(word, "--generate") == 0) { return cli_generate(program, argc < 3 ? "" : argv[2], console); }
    const bool helping = strcmp(word, "help") == 0;
    const cli_verb *verb = find_verb(program, helping ? argv[2] : word);
    if (verb == NULL) { return refuse_verb(program, helping ? argv[2] : word, console); }
    for (int i = 2; !helping && i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (help_wanted(argv[i])) {
            cli_print_help(program, verb, help_wanted(argv[i]) == 2, stdout);
            return EXIT_SUCCESS;
        }
    }
    if (helping) {
        cli_print_help(program, verb, true, stdout);
        return EXIT_SUCCESS;
    }
    return run_verb(program, verb, argc, argv, console);
}

int cli_main(const cli_program *program, int argc, char **argv)
{
    keep_streams_open();
    cli_console console;
    console_open(&console, program->name, &(console_settings){0});
    const int code = dispatch(program, argc, argv, &console);
    const bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || failed) {
        console_error(&console, "standard output: cannot be written: %s", strerror(errno));
        return code == EXIT_SUCCESS ? EXIT_FAILED : code;
    }
    return code;
}
