#include "resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *resume_state_path(const char *output)
{
    const size_t bytes = strlen(output) + sizeof ".state";
    char *path = malloc(bytes);
    if (path != NULL) { snprintf(path, bytes, "%s.state", output); }
    return path;
}

int resume_look_around(const cli_call *call, const char *output, const char *state, bool force, int *resume)
{
    const bool has_state = access(state, F_OK) == 0, has_output = access(output, F_OK) == 0;
    if (*resume && !has_state && has_output && !force) {
        console_error(call->console, "%s is there, but %s is not: nothing to go on from (-f begins anew)", output,
                      state);
        return EXIT_USAGE;
    }
    if (*resume && !has_state) {
        console_note(call->console, "there is no %s to resume from: beginning anew", state);
        *resume = 0;
    }
    if (!*resume && has_state && !force) {
        console_error(call->console, "%s: an unfinished %s (--resume goes on with it, -f begins anew)", state,
                      call->verb->name);
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}

/* Print word so that a shell reads it as one. */
static void print_quoted(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%^";
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fprintf(stderr, " %s", word);
        return;
    }
    fputs(" '", stderr);
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            fputs("'\\''", stderr);
        } else {
            fputc(*word, stderr);
        }
    }
    fputc('\'', stderr);
}

void resume_print_command(const cli_call *call)
{
    fputs("To go on:\n ", stderr);
    bool resume = false, options = true;
    for (int i = 0; i < call->argc; i++) {
        if (options && strcmp(call->argv[i], "--") == 0) {
            if (!resume) { fputs(" --resume", stderr); }
            resume = true, options = false;
        }
        resume = resume || strcmp(call->argv[i], "--resume") == 0;
        print_quoted(call->argv[i]);
    }
    fputs(resume ? "\n" : " --resume\n", stderr);
}

void resume_remove(const cli_call *call, const char *state)
{
    if (unlink(state) != 0 && errno != ENOENT) {
        console_warning(call->console, "%s: cannot be removed: %s", state, strerror(errno));
    }
}
