/* What is made from the tables for other programs: the man page and the shells' completions. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

/* ---- man page ---- */

/* Text as roff: backslashes and leading dots lose their meaning, and "-" stays a hyphen-minus that can be copied. */
static void print_roff(FILE *to, const char *text)
{
    bool line_begins = true;
    for (; *text != '\0'; text++) {
        if (line_begins && (*text == '.' || *text == '\'')) { fputs("\\&", to); }
        line_begins = *text == '\n';
        if (*text == '\\') {
            fputs("\\e", to);
        } else if (*text == '-') {
            fputs("\\-", to);
        } else {
            fputc(*text, to);
        }
    }
}

static void print_man_row(FILE *to, const cli_option *row, const void *member)
{
    char text[1024];
    fputs(".TP\n", to);
    if (row->kind == CLI_OPERAND) {
        fprintf(to, ".I %s\n", row->name);
    } else {
        fputs(".B ", to);
        if (row->letter != 0) { fprintf(to, "\\-%c\\fR, \\fB", row->letter); }
        fputs("\\-\\-", to);
        print_roff(to, row->name);
        if (row->argument != NULL) { fprintf(to, " \\fI%s\\fR", row->argument); }
        fputc('\n', to);
    }
    cli_describe(row, member, false, text, sizeof text);
    print_roff(to, text);
    if (row->more != NULL) {
        fputs("\n.br\n", to);
        print_roff(to, row->more);
    }
    fputc('\n', to);
}

static bool print_man_verb(FILE *to, const cli_program *program, const cli_verb *verb)
{
    char *settings = calloc(1, verb->settings_size);
    if (settings == NULL) { return false; }
    if (verb->defaults != NULL) { verb->defaults(settings); }
    fprintf(to, ".SH %s %s\n.B %s %s\n", program->name, verb->name, program->name, verb->name);
    print_roff(to, verb->usage);
    fputs("\n.PP\n", to);
    if (verb->description != NULL) {
        const char *paragraph = verb->description;
        for (const char *end; (end = strstr(paragraph, "\n\n")) != NULL; paragraph = end + 2) {
            fprintf(to, "%.*s\n.PP\n", (int)(end - paragraph), paragraph);
        }
        print_roff(to, paragraph);
        fputc('\n', to);
    }
    size_t index = 0;
    for (size_t s = 0; s < verb->n_sections; s++) {
        fprintf(to, ".SS %s\n", verb->sections[s].title);
        for (size_t i = 0; i < verb->sections[s].n_options; i++, index++) {
            print_man_row(to, cli_row(verb, index), cli_member(verb, index, settings));
        }
    }
    if (verb->examples != NULL) {
        fputs(".SS Examples\n.nf\n", to);
        print_roff(to, verb->examples);
        fputs(".fi\n", to);
    }
    free(settings);
    return true;
}

static int print_man(const cli_program *program, FILE *to)
{
    fprintf(to, ".TH %s 1 \"\" \"ptsne %s\" \"User Commands\"\n.SH NAME\n%s \\- ", program->name, ptsne_version(),
            program->name);
    print_roff(to, program->summary);
    fprintf(to, "\n.SH SYNOPSIS\n.B %s\n.I VERB\n\\&...\n.SH DESCRIPTION\n", program->name);
    if (program->description != NULL) { print_roff(to, program->description); }
    fputc('\n', to);
    for (size_t v = 0; v < program->n_verbs; v++) {
        fprintf(to, ".TP\n.B %s\n", program->verbs[v]->name);
        print_roff(to, program->verbs[v]->summary);
        fputc('\n', to);
    }
    for (size_t v = 0; v < program->n_verbs; v++) {
        if (!print_man_verb(to, program, program->verbs[v])) { return EXIT_FAILED; }
    }
    fputs(".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 1\nFailed while running.\n.TP\n.B 2\nWrong usage.\n"
          ".TP\n.B 3\nNot built in, or no such device.\n.TP\n.B 4\nBad input data.\n.TP\n.B 130\nInterrupted.\n"
          ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nNo colours, whatever the terminal.\n"
          ".TP\n.B PTSNE_DEVICE\nThe device where \\-\\-device is not given.\n"
          ".TP\n.B PTSNE_KERNEL_PATH\nThe directory of kernels where \\-\\-kernels is not given.\n",
          to);
    return EXIT_SUCCESS;
}

/* ---- completions ---- */

/* "edges batch" from "edges,batch". */
static void print_choices(const cli_option *row, FILE *to)
{
    for (const char *c = row->choices; *c != '\0'; c++) { fputc(*c == ',' ? ' ' : *c, to); }
}

/* One line of case: what the verb's options are. */
static void print_bash_options(const cli_verb *verb, FILE *to)
{
    fprintf(to, "        %s) words=\"", verb->name);
    for (size_t i = 0; i < cli_count(verb); i++) {
        const cli_option *row = cli_row(verb, i);
        if (row->kind != CLI_OPERAND) { fprintf(to, "--%s ", row->name); }
    }
    fputs("--help\" ;;\n", to);
}

/* A line of case an option that has choices. */
static void print_bash_choices(const cli_verb *verb, FILE *to)
{
    for (size_t i = 0; i < cli_count(verb); i++) {
        const cli_option *row = cli_row(verb, i);
        if (row->kind != CLI_CHOICE) { continue; }
        fprintf(to, "    \"%s --%s\") words=\"", verb->name, row->name);
        print_choices(row, to);
        fputs("\" ;;\n", to);
    }
}

/* Completes verbs, options and choices; where there is none of these, bash completes file names. */
static int print_bash(const cli_program *program, FILE *to)
{
    char function[64];
    snprintf(function, sizeof function, "_%s", program->name);
    for (char *c = function; *c != '\0'; c++) { *c = *c == '-' ? '_' : *c; }
    fprintf(to, "%s()\n{\n", function);
    fputs("    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} words=\n"
          "    case \"$verb $before\" in\n",
          to);
    for (size_t v = 0; v < program->n_verbs; v++) { print_bash_choices(program->verbs[v], to); }
    fputs("    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"", to);
    for (size_t v = 0; v < program->n_verbs; v++) { fprintf(to, "%s ", program->verbs[v]->name); }
    fputs("--help --version\"\n    elif [ -z \"$words\" ] && [ \"${word#-}\" != \"$word\" ]; then\n        case $verb "
          "in\n",
          to);
    for (size_t v = 0; v < program->n_verbs; v++) { print_bash_options(program->verbs[v], to); }
    fputs("        esac\n    fi\n    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n", to);
    fprintf(to, "complete -o default -F %s %s\n", function, program->name);
    return EXIT_SUCCESS;
}

/* Text within single quotes of fish. */
static void print_fish_text(const char *text, FILE *to)
{
    fputc('\'', to);
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\') { fputc('\\', to); }
        fputc(*text, to);
    }
    fputc('\'', to);
}

static int print_fish(const cli_program *program, FILE *to)
{
    for (size_t v = 0; v < program->n_verbs; v++) {
        const cli_verb *verb = program->verbs[v];
        fprintf(to, "complete -c %s -n __fish_use_subcommand -f -a %s -d ", program->name, verb->name);
        print_fish_text(verb->summary, to);
        fputc('\n', to);
        for (size_t i = 0; i < cli_count(verb); i++) {
            const cli_option *row = cli_row(verb, i);
            if (row->kind == CLI_OPERAND) { continue; }
            fprintf(to, "complete -c %s -n '__fish_seen_subcommand_from %s' -l %s", program->name, verb->name,
                    row->name);
            if (row->letter != 0) { fprintf(to, " -s %c", row->letter); }
            if (row->kind == CLI_CHOICE) {
                fputs(" -x -a '", to);
                print_choices(row, to);
                fputc('\'', to);
            } else if (row->argument != NULL) {
                fputs(" -r", to);
            }
            fputs(" -d ", to);
            print_fish_text(row->help, to);
            fputc('\n', to);
        }
    }
    return EXIT_SUCCESS;
}

int cli_generate(const cli_program *program, const char *what, cli_console *console)
{
    if (strcmp(what, "man") == 0) { return print_man(program, stdout); }
    if (strcmp(what, "complete-bash") == 0) { return print_bash(program, stdout); }
    if (strcmp(what, "complete-fish") == 0) { return print_fish(program, stdout); }
    console_error(console, "--generate: \"%s\" is none of its choices: man, complete-bash, complete-fish", what);
    return EXIT_USAGE;
}
