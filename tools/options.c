/* Parsing by the table, in the manner of GNU: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -ab for two flags,
 * operands anywhere, "--" ends the options, "-" is an operand. Names are never abbreviated: an
 * abbreviation that works today would break when the next option is added. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_console_options[2] = {
    {.name = "quiet",
     .letter = 'q',
     .kind = CLI_FLAG,
     .member = offsetof(console_settings, quiet),
     .help = "print errors only"},
    {.name = "color",
     .kind = CLI_CHOICE,
     .member = offsetof(console_settings, color),
     .argument = "WHEN",
     .help = "colour messages: auto, always or never",
     .choices = "auto,always,never",
     .more = "auto: on a terminal, unless NO_COLOR is set or TERM is dumb."},
};

typedef struct parser {
    const cli_program *program;
    const cli_verb *verb;
    void *settings;
    bool *given;
    cli_console *console;
    int argc, at; /* argv[at] is looked at next */
    char **argv;
} parser;

size_t cli_count(const cli_verb *verb)
{
    size_t count = 0;
    for (size_t s = 0; s < verb->n_sections; s++) { count += verb->sections[s].n_options; }
    return count;
}

/* The section that has the index-th row; index becomes the place in it. */
static const cli_section *section_of(const cli_verb *verb, size_t *index)
{
    const cli_section *section = verb->sections;
    while (*index >= section->n_options) { *index -= section++->n_options; }
    return section;
}

const cli_option *cli_row(const cli_verb *verb, size_t index)
{
    const cli_section *section = section_of(verb, &index);
    return &section->options[index];
}

void *cli_member(const cli_verb *verb, size_t index, void *settings)
{
    const cli_section *section = section_of(verb, &index);
    return (char *)settings + section->settings + section->options[index].member;
}

/* Place of the option with that name, or letter where name is NULL; cli_count if there is none. */
static size_t find(const cli_verb *verb, const char *name, size_t length, char letter)
{
    const size_t count = cli_count(verb);
    for (size_t i = 0; i < count; i++) {
        const cli_option *row = cli_row(verb, i);
        if (row->kind == CLI_OPERAND) { continue; }
        if (name == NULL ? row->letter == letter
                         : strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
            return i;
        }
    }
    return count;
}

bool cli_given(const cli_call *call, const char *name)
{
    const size_t at = find(call->verb, name, strlen(name), 0);
    return at < cli_count(call->verb) && call->given[at];
}

/* ---- near misses ---- */

/* Insertions, deletions, changes and swaps of neighbours that lead from a to b (optimal string alignment). */
static size_t edits(const char *a, const char *b)
{
    enum { LONGEST = 31 };
    const size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST) { return SIZE_MAX; }
    size_t cost[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            size_t least = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (cost[i - 1][j] + 1 < least) { least = cost[i - 1][j] + 1; }
            if (cost[i][j - 1] + 1 < least) { least = cost[i][j - 1] + 1; }
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < least) { least = cost[i - 2][j - 2] + 1; }
            cost[i][j] = least;
        }
    }
    return cost[n][m];
}

const char *cli_nearest(const char *word, const char *const *names)
{
    const size_t length = strlen(word);
    const size_t allowed = length <= 3 ? 1 : length <= 6 ? 2 : 3;
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (; *names != NULL; names++) {
        size_t distance = edits(word, *names);
        if (length >= 3 && strncmp(*names, word, length) == 0) { distance = 0; } /* abbreviated */
        if (distance <= allowed && distance < length && distance < least) { nearest = *names, least = distance; }
    }
    return nearest;
}

/* ---- what went wrong ---- */

/* "ptsne: MESSAGE", then where help is. Returns EXIT_USAGE. */
static int refuse(const parser *p, const char *format, ...) CONSOLE_PRINTF(2, 3);

/* ... with the arguments of format. */
static int refuse_list(cli_console *console, const char *program, const char *verb, const char *format, va_list args)
{
    char message[512];
    vsnprintf(message, sizeof message, format, args);
    console_error(console, "%s", message);
    fprintf(stderr, "Try '%s %s --help'.\n", program, verb);
    return EXIT_USAGE;
}

static int refuse(const parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int code = refuse_list(p->console, p->program->name, p->verb->name, format, args);
    va_end(args);
    return code;
}

int cli_refuse(const cli_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int code = refuse_list(call->console, call->program->name, call->verb->name, format, args);
    va_end(args);
    return code;
}

static int refuse_unknown(const parser *p, const char *word)
{
    const size_t count = cli_count(p->verb);
    const char **names = calloc(count + 2, sizeof *names);
    const char *near = NULL;
    if (names != NULL && strncmp(word, "--", 2) == 0) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            const cli_option *row = cli_row(p->verb, i);
            if (row->kind != CLI_OPERAND) { names[n++] = row->name; }
        }
        names[n] = "help";
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
        near = cli_nearest(name, names);
    }
    free(names);
    const int length = (int)strcspn(word, "=");
    if (near == NULL) { return refuse(p, "there is no option %.*s", length, word); }
    return refuse(p, "there is no option %.*s; did you mean --%s?", length, word, near);
}

/* ---- values ---- */

/* Is value within the row's range? Says so otherwise. */
static int check_range(const parser *p, const cli_option *row, double value, const char *text)
{
    if (row->least == 0.0 && row->most == 0.0 && (value >= 0.0 || row->kind == CLI_NUMBER)) { return EXIT_SUCCESS; }
    if (value < row->least) {
        return refuse(p, "--%s: %s is too small: it must be at least %.10g", row->name, text, row->least);
    }
    if (row->most > row->least && value > row->most) {
        return refuse(p, "--%s: %s is too large: it must be at most %.10g", row->name, text, row->most);
    }
    return EXIT_SUCCESS;
}

/* A whole number below 2^64; false if text is none. */
static bool read_whole(const char *text, uint64_t *value)
{
    if (text[0] < '0' || text[0] > '9') { return false; }
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool read_number(const char *text, double *value)
{
    if (strpbrk(text, "xXpP") != NULL) { return false; } /* no hexadecimal floats */
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* 1500, 512M, 4GiB: bytes; false if text is none. */
static bool read_bytes(const char *text, size_t *value)
{
    char *end;
    const double number = strtod(text, &end);
    if (end == text || !(number >= 0.0)) { return false; }
    static const char units[] = "KMGT";
    double factor = 1.0;
    const char *unit = *end == '\0' ? NULL : strchr(units, *end & ~0x20);
    if (unit != NULL) {
        for (const char *u = units; u <= unit; u++) { factor *= 1024.0; }
        end++;
    }
    if (strcmp(end, "") != 0 && strcmp(end, "B") != 0 && strcmp(end, "iB") != 0) { return false; }
    if (number * factor >= (double)SIZE_MAX) { return false; }
    *value = (size_t)(number * factor);
    return true;
}

static int fill_choice(const parser *p, const cli_option *row, const char *text, int *member)
{
    char list[128];
    const char *names[16] = {NULL};
    size_t n = 0;
    snprintf(list, sizeof list, "%s", row->choices);
    for (char *rest = list, *name; n + 1 < CLI_LENGTH(names) && rest != NULL; names[n++] = name) {
        name = rest;
        rest = strchr(rest, ',');
        if (rest != NULL) { *rest++ = '\0'; }
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], text) == 0) {
            *member = (int)i;
            return EXIT_SUCCESS;
        }
    }
    const char *near = cli_nearest(text, names);
    if (near != NULL) {
        return refuse(p, "--%s: \"%s\" is none of its choices; did you mean %s?", row->name, text, near);
    }
    return refuse(p, "--%s: \"%s\" is none of its choices: %s", row->name, text, row->choices);
}

static int fill_numbers(const parser *p, const cli_option *row, const char *text, cli_numbers *numbers)
{
    numbers->count = 0;
    for (const char *from = text;; from++) {
        char item[64];
        const size_t length = strcspn(from, ",");
        snprintf(item, sizeof item, "%.*s", (int)length, from);
        if (numbers->count == CLI_MAX_NUMBERS) {
            return refuse(p, "--%s: more than %d numbers", row->name, CLI_MAX_NUMBERS);
        }
        double *value = &numbers->values[numbers->count++];
        if (!read_number(item, value)) { return refuse(p, "--%s: \"%s\" is not a number", row->name, item); }
        const int code = check_range(p, row, *value, item);
        if (code != EXIT_SUCCESS) { return code; }
        from += length;
        if (*from == '\0') { return EXIT_SUCCESS; }
    }
}

static int fill_runs(const parser *p, const cli_option *row, const char *text, cli_runs *runs)
{
    runs->count = 0;
    for (const char *from = text;; from++) {
        char item[64], *value;
        const size_t length = strcspn(from, ",");
        uint64_t times;
        snprintf(item, sizeof item, "%.*s", (int)length, from);
        if (runs->count == CLI_MAX_NUMBERS) {
            return refuse(p, "--%s: more than %d parts", row->name, CLI_MAX_NUMBERS);
        }
        value = strchr(item, ':');
        if (value == NULL) { return refuse(p, "--%s: \"%s\" is not of the form %s", row->name, item, row->argument); }
        *value++ = '\0';
        if (!read_whole(item, &times) || times == 0 || times >= SIZE_MAX) {
            return refuse(p, "--%s: \"%s\" is not a whole number from 1", row->name, item);
        }
        if (!read_number(value, &runs->values[runs->count])) {
            return refuse(p, "--%s: \"%s\" is not a number", row->name, value);
        }
        const int code = check_range(p, row, runs->values[runs->count], value);
        if (code != EXIT_SUCCESS) { return code; }
        runs->lengths[runs->count++] = (size_t)times;
        from += length;
        if (*from == '\0') { return EXIT_SUCCESS; }
    }
}

static int fill_count(const parser *p, const cli_option *row, const char *text, size_t *member)
{
    uint64_t whole;
    if (!read_whole(text, &whole)) { return refuse(p, "--%s: \"%s\" is not a whole number", row->name, text); }
    if (whole >= SIZE_MAX) { return refuse(p, "--%s: %s is too large", row->name, text); }
    *member = (size_t)whole;
    return check_range(p, row, (double)whole, text);
}

static int fill(const parser *p, const cli_option *row, const char *text, void *member)
{
    switch (row->kind) {
    case CLI_FLAG:
        *(bool *)member = true;
        return EXIT_SUCCESS;
    case CLI_SET:
        *(int *)member = row->set;
        return EXIT_SUCCESS;
    case CLI_OPERAND:
    case CLI_TEXT:
        *(const char **)member = text;
        return EXIT_SUCCESS;
    case CLI_COUNT:
        return fill_count(p, row, text, member);
    case CLI_NUMBERS:
        return fill_numbers(p, row, text, member);
    case CLI_RUNS:
        return fill_runs(p, row, text, member);
    case CLI_CHOICE:
        return fill_choice(p, row, text, member);
    case CLI_SEED:
        if (read_whole(text, member) && *(uint64_t *)member <= INT64_MAX) { return EXIT_SUCCESS; }
        return refuse(p, "--%s: \"%s\" is not a whole number from 0 to 2^63 - 1", row->name, text);
    case CLI_BYTES:
        if (read_bytes(text, member)) { return EXIT_SUCCESS; }
        return refuse(p, "--%s: \"%s\" is not a size such as 512M or 4G", row->name, text);
    case CLI_NUMBER:
        if (read_number(text, member)) { return check_range(p, row, *(double *)member, text); }
        return refuse(p, "--%s: \"%s\" is not a number", row->name, text);
    }
    return EXIT_USAGE;
}

/* ---- words ---- */

static bool takes_value(const cli_option *row)
{
    return row->kind != CLI_FLAG && row->kind != CLI_SET;
}

/* Is word an option of this verb? Then it is hardly meant as the value of another. */
static bool is_option(const cli_verb *verb, const char *word)
{
    if (strncmp(word, "--", 2) == 0 && word[2] != '\0') {
        return find(verb, word + 2, strcspn(word + 2, "="), 0) < cli_count(verb);
    }
    return word[0] == '-' && word[1] != '\0' && word[2] == '\0' && find(verb, NULL, 0, word[1]) < cli_count(verb);
}

/* Give the index-th row its value: `value` if it came in the same word, else the next word. */
static int take(parser *p, size_t index, const char *value, const char *written)
{
    const cli_option *row = cli_row(p->verb, index);
    if (takes_value(row) && value == NULL) {
        if (p->at == p->argc) { return refuse(p, "%s needs a value: %s", written, row->argument); }
        value = p->argv[p->at++];
        if (is_option(p->verb, value)) {
            return refuse(p, "%s needs a value (%s), and %s is an option; write --%s=%s if it is meant", written,
                          row->argument, value, row->name, value);
        }
    }
    p->given[index] = true;
    return fill(p, row, value, cli_member(p->verb, index, p->settings));
}

static int take_long(parser *p, const char *word)
{
    const size_t length = strcspn(word + 2, "=");
    const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
    const size_t index = find(p->verb, word + 2, length, 0);
    if (index == cli_count(p->verb)) { return refuse_unknown(p, word); }
    const cli_option *row = cli_row(p->verb, index);
    if (value != NULL && !takes_value(row)) { return refuse(p, "--%s takes no value", row->name); }
    char written[64];
    snprintf(written, sizeof written, "--%s", row->name);
    return take(p, index, value, written);
}

static int take_letters(parser *p, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const size_t index = find(p->verb, NULL, 0, *letter);
        if (index == cli_count(p->verb)) {
            const bool long_name = letter == word + 1 && letter[1] != '\0' &&
                                   find(p->verb, letter, strcspn(letter, "="), 0) < cli_count(p->verb);
            if (long_name) { return refuse(p, "there is no option %s; did you mean -%s?", word, word); }
            const char written[] = {'-', *letter, '\0'};
            return refuse_unknown(p, written);
        }
        const cli_option *row = cli_row(p->verb, index);
        const bool rest_is_value = takes_value(row) && letter[1] != '\0';
        const char written[] = {'-', *letter, '\0'};
        const int code = take(p, index, rest_is_value ? letter + 1 : NULL, written);
        if (code != EXIT_SUCCESS || takes_value(row)) { return code; }
    }
    return EXIT_SUCCESS;
}

static int take_operand(const parser *p, const char *word)
{
    const size_t count = cli_count(p->verb);
    for (size_t i = 0; i < count; i++) {
        const cli_option *row = cli_row(p->verb, i);
        if (row->kind != CLI_OPERAND || p->given[i]) { continue; }
        p->given[i] = true;
        return fill(p, row, word, cli_member(p->verb, i, p->settings));
    }
    return refuse(p, "one argument too many: \"%s\" (usage: %s %s %s)", word, p->program->name, p->verb->name,
                  p->verb->usage);
}

/* ---- what goes together ---- */

static int check_required(const parser *p)
{
    const size_t count = cli_count(p->verb);
    for (size_t i = 0; i < count; i++) {
        const cli_option *row = cli_row(p->verb, i);
        if (!row->required || p->given[i]) { continue; }
        if (row->kind == CLI_OPERAND) { return refuse(p, "%s is missing (%s)", row->name, row->help); }
        if (row->letter == 0) { return refuse(p, "--%s %s is missing (%s)", row->name, row->argument, row->help); }
        return refuse(p, "-%c %s is missing (%s)", row->letter, row->argument, row->help);
    }
    return EXIT_SUCCESS;
}

/* Is value one of the words between the bars of list? */
static bool among(const char *value, const char *list)
{
    const size_t length = strlen(value);
    for (;;) {
        const size_t word = strcspn(list, "|");
        if (word == length && strncmp(list, value, length) == 0) { return true; }
        if (list[word] == '\0') { return false; }
        list += word + 1;
    }
}

void cli_only_text(const char *only, char *text, size_t size)
{
    const size_t name = strcspn(only, "=");
    size_t used = (size_t)snprintf(text, size, "--%.*s ", (int)name, only);
    for (const char *word = only + name + 1; used < size;) {
        const size_t length = strcspn(word, "|");
        const bool last = word[length] == '\0';
        used += (size_t)snprintf(text + used, size - used, "%.*s%s", (int)length, word, last ? "" : " or ");
        if (last) { return; }
        word += length + 1;
    }
}

/* An option that would have no effect is a misunderstanding: say so instead of ignoring it. */
static int check_only(const parser *p)
{
    const size_t count = cli_count(p->verb);
    for (size_t i = 0; i < count; i++) {
        const cli_option *row = cli_row(p->verb, i);
        if (row->only == NULL || !p->given[i]) { continue; }
        const size_t length = strcspn(row->only, "=");
        const char *wanted = row->only + length + 1;
        const size_t other = find(p->verb, row->only, length, 0);
        const cli_option *condition = cli_row(p->verb, other);
        char now[64];
        cli_value_text(condition, cli_member(p->verb, other, p->settings), now, sizeof now);
        if (!among(now, wanted)) {
            char text[128];
            cli_only_text(row->only, text, sizeof text);
            return refuse(p, "--%s has an effect with %s only (it is %s)", row->name, text, now);
        }
    }
    return EXIT_SUCCESS;
}

int cli_parse(const cli_program *program, const cli_verb *verb, int argc, char **argv, void *settings, bool *given,
              cli_console *console)
{
    parser p = {program, verb, settings, given, console, argc, 0, argv};
    bool options = true;
    while (p.at < argc) {
        const char *word = argv[p.at++];
        int code;
        if (!options || word[0] != '-' || word[1] == '\0') {
            code = take_operand(&p, word);
        } else if (strcmp(word, "--") == 0) {
            options = false;
            code = EXIT_SUCCESS;
        } else {
            code = word[1] == '-' ? take_long(&p, word) : take_letters(&p, word);
        }
        if (code != EXIT_SUCCESS) { return code; }
    }
    const int code = check_required(&p);
    return code != EXIT_SUCCESS ? code : check_only(&p);
}
