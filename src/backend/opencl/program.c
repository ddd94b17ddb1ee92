#include "backend/opencl/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/opencl/source.h"

const char *pt_cl_error(cl_int code)
{
    static const struct {
        cl_int code;
        const char *name;
    } table[] = {
        {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
        {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
        {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
        {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
        {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
        {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
        {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
        {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
        {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
        {CL_INVALID_CONTEXT, "CL_INVALID_CONTEXT"},
        {CL_INVALID_COMMAND_QUEUE, "CL_INVALID_COMMAND_QUEUE"},
        {CL_INVALID_MEM_OBJECT, "CL_INVALID_MEM_OBJECT"},
        {CL_INVALID_KERNEL_NAME, "CL_INVALID_KERNEL_NAME"},
        {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
        {CL_INVALID_ARG_INDEX, "CL_INVALID_ARG_INDEX"},
        {CL_INVALID_ARG_SIZE, "CL_INVALID_ARG_SIZE"},
        {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
        {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
        {CL_INVALID_GLOBAL_WORK_SIZE, "CL_INVALID_GLOBAL_WORK_SIZE"},
        {-1001, "no platform found"},
        {-9999, "illegal access in a kernel"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].code == code) { return table[i].name; }
    }
    return "OpenCL error";
}

/* A message under construction, in one line. */
typedef struct message {
    char text[900];
    size_t length;
} message;

/* Append characters, spaces run together; what does not fit is left out. */
static void say(message *to, const char *from, size_t count)
{
    for (size_t i = 0; i < count && to->length + 1 < sizeof to->text; i++) {
        const char c = (unsigned char)from[i] < ' ' ? ' ' : from[i];
        if (c == ' ' && to->length > 0 && to->text[to->length - 1] == ' ') { continue; }
        to->text[to->length++] = c;
    }
    to->text[to->length] = '\0';
}

/* One line of a compiler's log. "PLACE:LINE:" becomes the file's own place where the compiler has not followed #line but counts in the
 * whole text. */
static void say_line(message *to, const char *line, size_t count, const char *text)
{
    char place[128], at[192];
    int end = 0;
    unsigned long number = 0;
    if (sscanf(line, "%127[^: \t\n]:%lu:%n", place, &number, &end) == 2 && end > 0 && (size_t)end <= count) {
        char marker[160];
        snprintf(marker, sizeof marker, "\"%s\"\n", place);
        size_t own = 0;
        if (strstr(text, marker) == NULL && pt_source_place(text, number, place, sizeof place, &own)) {
            snprintf(at, sizeof at, "%s:%zu:", place, own);
            say(to, at, strlen(at));
            line += end;
            count -= (size_t)end;
        }
    }
    say(to, line, count);
}

/* The build's log; NULL where there is none. Released by free(). */
static char *build_log(const pt_program_request *request, cl_program program)
{
    size_t bytes = 0;
    if (clGetProgramBuildInfo(program, request->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS ||
        bytes < 2) {
        return NULL;
    }
    char *log = calloc(bytes + 1, 1);
    if (log != NULL &&
        clGetProgramBuildInfo(program, request->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) != CL_SUCCESS) {
        log[0] = '\0';
    }
    return log;
}

/* The compiler's log as one line, from its first error on where it has one. */
static ptsne_status fail_build(const pt_program_request *request, cl_program program, const char *text, cl_int code,
                               ptsne_error *err)
{
    char *log = build_log(request, program);
    const char *from = log == NULL ? "" : log;
    const char *error = strstr(from, "error:");
    while (error != NULL && error > from && error[-1] != '\n') { error--; } /* to the start of its line */
    from = error != NULL ? error : from;
    message told = {.length = 0};
    while (*from != '\0') {
        const size_t count = strcspn(from, "\n");
        if (told.length > 0 && count > 0) { say(&told, " | ", 3); }
        say_line(&told, from, count, text);
        from += count + (from[count] == '\n');
    }
    free(log);
    const char *file = request->metric != NULL ? request->metric : request->file;
    return pt_fail(err, PTSNE_ERR_DEVICE, "%s does not compile: %s", file,
                   told.length > 0 ? told.text : pt_cl_error(code));
}

static ptsne_status build_text(const pt_program_request *request, const char *text, size_t group, cl_program *program,
                               ptsne_error *err)
{
    cl_int code;
    *program = clCreateProgramWithSource(request->context, 1, &text, NULL, &code);
    if (code != CL_SUCCESS) {
        *program = NULL;
        return pt_fail(err, PTSNE_ERR_DEVICE, "%s: creating the program: %s (%d)", request->file, pt_cl_error(code),
                       code);
    }
    const char *more = getenv("PTSNE_OCL_BUILD_OPTIONS");
    char options[512];
    snprintf(options, sizeof options, "-cl-std=CL1.2 -DWG=%zu %s", group, more == NULL ? "" : more);
    code = clBuildProgram(*program, 1, &request->device, options, NULL, NULL);
    return code == CL_SUCCESS ? PTSNE_OK : fail_build(request, *program, text, code, err);
}

static void release_kernels(cl_kernel *kernels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (kernels[i] != NULL) { clReleaseKernel(kernels[i]); }
        kernels[i] = NULL;
    }
}

/* Look up the kernels; *most becomes the largest group that all of them can run in, at most what it was. */
static ptsne_status find_kernels(const pt_program_request *request, cl_program program, cl_kernel *kernels,
                                 size_t *most, ptsne_error *err)
{
    for (size_t i = 0; i < request->n_names; i++) {
        cl_int code;
        kernels[i] = clCreateKernel(program, request->names[i], &code);
        if (code != CL_SUCCESS) {
            kernels[i] = NULL;
            return pt_fail(err, PTSNE_ERR_DEVICE, "%s: kernel %s: %s (%d)", request->file, request->names[i],
                           pt_cl_error(code), code);
        }
        size_t can = 0;
        code = clGetKernelWorkGroupInfo(kernels[i], request->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof can, &can, NULL);
        if (code == CL_SUCCESS && can > 0 && can < *most) { *most = can; }
    }
    return PTSNE_OK;
}

ptsne_status pt_program_build(const pt_program_request *request, size_t *group, cl_program *program, cl_kernel *kernels,
                              ptsne_error *err)
{
    char *text = NULL;
    ptsne_status status = pt_source_assemble(request->directory, request->file, request->metric, &text, err);
    *program = NULL;
    while (status == PTSNE_OK) {
        size_t most = *group;
        status = build_text(request, text, *group, program, err);
        if (status == PTSNE_OK) { status = find_kernels(request, *program, kernels, &most, err); }
        if (status == PTSNE_OK && most >= *group) { break; }
        release_kernels(kernels, request->n_names);
        if (*program != NULL) { clReleaseProgram(*program); }
        *program = NULL;
        while (*group > most && *group > 1) { *group /= 2; } /* groups are powers of two */
    }
    free(text);
    return status;
}
