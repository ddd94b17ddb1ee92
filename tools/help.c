/* Help texts from the table. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { WIDTH = 96, INDENT = 30 };

void cli_value_text(const cli_option *row, const void *member, char *text, size_t size)
{
    text[0] = '\0';
    switch (row->kind) {
    case CLI_FLAG:
    case CLI_SET:
        break;
    case CLI_TEXT:
    case CLI_OPERAND:
        snprintf(text, size, "%s", *(const char *const *)member == NULL ? "" : *(const char *const *)member);
        break;
    case CLI_COUNT:
        snprintf(text, size, "%zu", *(const size_t *)member);
        break;
    case CLI_SEED:
        snprintf(text, size, "%llu", (unsigned long long)*(const uint64_t *)member);
        break;
    case CLI_BYTES:
        snprintf(text, size, "%zu", *(const size_t *)member);
        break;
    case CLI_NUMBER:
        snprintf(text, size, "%g", *(const double *)member);
        break;
    case CLI_NUMBERS: {
        const cli_numbers *numbers = member;
        size_t used = 0;
        for (size_t i = 0; i < numbers->count && used < size; i++) {
            used += (size_t)snprintf(text + used, size - used, i == 0 ? "%g" : ",%g", numbers->values[i]);
        }
        break;
    }
    case CLI_RUNS: {
        const cli_runs *runs = member;
        size_t used = 0;
        for (size_t i = 0; i < runs->count && used < size; i++) {
            used += (size_t)snprintf(text + used, size - used, i == 0 ? "%zu:%g" : ",%zu:%g", runs->lengths[i],
                                     runs->values[i]);
        }
        break;
    }
    case CLI_CHOICE: {
        const char *choice = row->choices;
        for (int skip = *(const int *)member; skip > 0; skip--) { choice = strchr(choice, ',') + 1; }
        snprintf(text, size, "%.*s", (int)strcspn(choice, ","), choice);
        break;
    }
    }
}

/* Print text from column `column` on, breaking lines at spaces so that they start at `indent`. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, " \n");
        if (column > indent && column + 1 + length > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (column > indent) { fputc(' ', to), column++; }
        fprintf(to, "%.*s", (int)length, text);
        column += length;
        text += length;
        if (*text == '\n') {
            fprintf(to, "\n%*s", text[1] == '\n' ? 0 : (int)indent, "");
            column = indent;
        }
        if (*text != '\0') { text++; }
    }
    fputc('\n', to);
}

/* "  -o, --output FILE", padded to the help column. Returns the column reached. */
static size_t print_left(FILE *to, const cli_option *row)
{
    char left[96];
    if (row->kind == CLI_OPERAND) {
        snprintf(left, sizeof left, "  %s", row->name);
    } else {
        char letter[8] = "    ";
        if (row->letter != 0) { snprintf(letter, sizeof letter, "-%c, ", row->letter); }
        snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name, row->argument == NULL ? "" : " ",
                 row->argument == NULL ? "" : row->argument);
    }
    fputs(left, to);
    size_t column = strlen(left);
    if (column + 2 > INDENT) { fputc('\n', to), column = 0; }
    fprintf(to, "%*s", (int)(INDENT - column), "");
    return INDENT;
}

void cli_describe(const cli_option *row, const void *member, bool full, char *text, size_t size)
{
    char value[128];
    cli_value_text(row, member, value, sizeof value);
    const char *shown = row->shown != NULL ? row->shown : value;
    size_t used = (size_t)snprintf(text, size, "%s", row->help);
    if (row->kind != CLI_OPERAND && *shown != '\0') {
        used += (size_t)snprintf(text + used, size - used, " [%s]", shown);
    }
    if (row->only != NULL) {
        char only[128];
        cli_only_text(row->only, only, sizeof only);
        used += (size_t)snprintf(text + used, size - used, " (with %s)", only);
    }
    if (row->environment != NULL) {
        used += (size_t)snprintf(text + used, size - used, " (also $%s)", row->environment);
    }
    if (full && row->more != NULL) { snprintf(text + used, size - used, "\n%s", row->more); }
}

static void print_section(const cli_section *section, const void *settings, bool full, FILE *to)
{
    fprintf(to, "\n%s:\n", section->title);
    for (size_t i = 0; i < section->n_options; i++) {
        const cli_option *row = &section->options[i];
        char text[1024];
        cli_describe(row, (const char *)settings + section->settings + row->member, full, text, sizeof text);
        print_wrapped(to, text, print_left(to, row), INDENT);
    }
}

static void print_left_out(const cli_verb *verb, FILE *to)
{
    const char *between = "\nMore options with --help: ";
    for (size_t s = 0; s < verb->n_sections; s++) {
        if (!verb->sections[s].rare) { continue; }
        fprintf(to, "%s%s", between, verb->sections[s].title);
        between = ", ";
    }
    fputs(".\n", to);
}

void cli_print_help(const cli_program *program, const cli_verb *verb, bool full, FILE *to)
{
    void *settings = calloc(1, verb->settings_size);
    if (settings == NULL) { return; }
    if (verb->defaults != NULL) { verb->defaults(settings); }
    fprintf(to, "%s %s: %s\n\nUsage: %s %s %s\n", program->name, verb->name, verb->summary, program->name, verb->name,
            verb->usage);
    if (full && verb->description != NULL) {
        fputc('\n', to);
        print_wrapped(to, verb->description, 0, 0);
    }
    size_t left_out = 0;
    for (size_t s = 0; s < verb->n_sections; s++) {
        if (full || !verb->sections[s].rare) {
            print_section(&verb->sections[s], settings, full, to);
        } else {
            left_out++;
        }
    }
    free(settings);
    if (left_out > 0) { print_left_out(verb, to); }
    if (full) {
        fputs("\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 not built in or no such device, 4 bad input data,\n"
              "130 interrupted.\n",
              to);
    }
    if (full && verb->examples != NULL) { fprintf(to, "\nExamples:\n%s", verb->examples); }
}

void cli_print_overview(const cli_program *program, FILE *to)
{
    fprintf(to, "%s: %s\n\nUsage: %s VERB ...\n\n", program->name, program->summary, program->name);
    for (size_t v = 0; v < program->n_verbs; v++) {
        fprintf(to, "  %-12s %s\n", program->verbs[v]->name, program->verbs[v]->summary);
    }
    fprintf(to, "\n  %-12s %s\n  %-12s %s\n", "--help", "this overview; after a verb: its options (-h in short)",
            "--version", "version, and what this build can do");
    fprintf(to, "  %-12s %s\n", "--generate", "man, complete-bash or complete-fish, to standard output");
    if (program->description != NULL) {
        fputc('\n', to);
        print_wrapped(to, program->description, 0, 0);
    }
    if (program->examples != NULL) { fprintf(to, "\nExamples:\n%s", program->examples); }
}
