#include "network/state_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/c_locale.h"
#include "base/memory.h"

#define FORMAT        "1"
#define POSITION_TEXT ((size_t)128)

ptsne_status pt_state_create(size_t n_parameters, size_t n_moments, size_t n_order, pt_state *state, ptsne_error *err)
{
    *state = (pt_state){.position = {.last_loss = (double)NAN}, .n_parameters = n_parameters, .n_order = n_order};
    bool full = (state->parameters = pt_array_zeroed(n_parameters, sizeof(float))) != NULL;
    for (size_t i = 0; i < n_moments; i++) {
        full = (state->moments[i] = pt_array_zeroed(n_parameters, sizeof(float))) != NULL && full;
    }
    if (n_order > 0) { full = (state->order = pt_array_zeroed(n_order, sizeof(float))) != NULL && full; }
    if (full) { return PTSNE_OK; }
    pt_state_destroy(state);
    return pt_fail_memory(err, "the state of a run", (double)(n_moments + 1) * (double)n_parameters * sizeof(float));
}

ptsne_status pt_state_extend(pt_state *state, size_t n_target, bool average, ptsne_error *err)
{
    bool full = true;
    state->n_target = n_target;
    if (n_target > 0) { full = (state->target = pt_array_zeroed(n_target, sizeof(float))) != NULL; }
    if (average) { full = (state->average = pt_array_zeroed(state->n_parameters, sizeof(float))) != NULL && full; }
    if (full) { return PTSNE_OK; }
    return pt_fail_memory(err, "the state of a run", (double)(n_target + state->n_parameters) * sizeof(float));
}

void pt_state_destroy(pt_state *state)
{
    free(state->parameters);
    for (size_t i = 0; i < PT_STATE_MOMENTS; i++) { free(state->moments[i]); }
    free(state->order);
    free(state->target);
    free(state->average);
    *state = (pt_state){0};
}

#define ARRAYS (4 + PT_STATE_MOMENTS)

/* The arrays that there are, in the file's order; `values` gets where each lies in the state. */
static size_t tensors_describe(const pt_state *state, pt_tensor tensors[ARRAYS], float *values[ARRAYS])
{
    const struct {
        const char *name;
        float *values;
        size_t count;
    } all[ARRAYS] = {
        {"parameters", state->parameters, state->n_parameters},
        {"moment.0", state->moments[0], state->n_parameters},
        {"moment.1", state->moments[1], state->n_parameters},
        {"order", state->order, state->n_order},
        {"target", state->target, state->n_target},
        {"average", state->average, state->n_parameters},
    };
    size_t count = 0;
    for (size_t i = 0; i < ARRAYS; i++) {
        if (all[i].values == NULL) { continue; }
        tensors[count] = (pt_tensor){.n_dimensions = 1, .shape = {all[i].count}, .values = all[i].values};
        snprintf(tensors[count].name, sizeof tensors[count].name, "%s", all[i].name);
        values[count++] = all[i].values;
    }
    return count;
}

/* Hexadecimal, because these have to come back bit for bit. */
static ptsne_status position_print(const pt_position *position, char text[POSITION_TEXT], ptsne_error *err)
{
    const int length = pt_c_print(text, POSITION_TEXT, "%zu %zu %a %a", position->epoch, position->step,
                                  position->loss_sum, position->last_loss);
    return length < 0 ? pt_fail_memory(err, "the state of a run", (double)POSITION_TEXT) : PTSNE_OK;
}

static uLong check_sum(const pt_state *state, const char *position)
{
    pt_tensor tensors[ARRAYS];
    float *values[ARRAYS];
    const size_t count = tensors_describe(state, tensors, values);
    uLong crc = crc32_z(0, (const Bytef *)position, strlen(position));
    for (size_t i = 0; i < count; i++) {
        crc = crc32_z(crc, tensors[i].values, pt_tensor_count(&tensors[i]) * sizeof(float));
    }
    return crc;
}

ptsne_status pt_state_write(const char *path, const pt_state *state, const pt_metadata *run, ptsne_error *err)
{
    pt_metadata metadata = {0};
    char position[POSITION_TEXT];
    ptsne_status status = position_print(&state->position, position, err);
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.state", FORMAT); }
    if (status == PTSNE_OK) { status = pt_metadata_copy(run, &metadata, err); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.position", "%s", position); }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(&metadata, err, "ptsne.crc32", "%08lx", check_sum(state, position));
    }
    if (status == PTSNE_OK) {
        pt_tensor tensors[ARRAYS];
        float *values[ARRAYS];
        const size_t count = tensors_describe(state, tensors, values);
        status = pt_safetensors_write(path, true, tensors, count, &metadata, err);
    }
    pt_metadata_destroy(&metadata);
    return status;
}

/* The refusal of a file for the value of a key; NULL: it is not set there, or here. */
static ptsne_status other_run(const char *key, const char *there, const char *here, ptsne_error *err)
{
    const char *name = strncmp(key, "ptsne.", 6) == 0 ? key + 6 : key;
    if (strcmp(name, "data") == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "is the state of a run on other data"); }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "is the state of another run: its %s is %s, this one's is %s", name,
                   there == NULL ? "not set" : there, here == NULL ? "not set" : here);
}

/* Whether a pair says how the file is to be read, and nothing of the run. */
static bool is_own(const char *key)
{
    return strcmp(key, "ptsne.state") == 0 || strcmp(key, "ptsne.position") == 0 || strcmp(key, "ptsne.crc32") == 0;
}

/* Whether the file's run is this one; only the library's version and the device may be others. */
static ptsne_status run_compare(const pt_metadata *there, const pt_metadata *run, const ptsne_observer *observer,
                                ptsne_error *err)
{
    for (size_t i = 0; i < run->keys.count; i++) {
        const char *key = run->keys.text[i], *here = run->values[i], *found = pt_metadata_get(there, key);
        if (found != NULL && strcmp(found, here) == 0) { continue; }
        if (strcmp(key, "ptsne.version") != 0 && strcmp(key, "ptsne.device") != 0) {
            return other_run(key, found, here, err);
        }
        pt_warn(observer, "the state to go on from has %s %s, here it is %s: the result can differ in the last digits",
                key + strlen("ptsne."), found == NULL ? "unknown" : found, here);
    }
    for (size_t i = 0; i < there->keys.count; i++) {
        const char *key = there->keys.text[i];
        if (is_own(key) || pt_metadata_get(run, key) != NULL) { continue; }
        return other_run(key, there->values[i], NULL, err);
    }
    return PTSNE_OK;
}

static ptsne_status values_take(const pt_safetensors *file, pt_state *state, ptsne_error *err)
{
    pt_tensor tensors[ARRAYS];
    float *values[ARRAYS];
    const size_t count = tensors_describe(state, tensors, values);
    for (size_t i = 0; i < count; i++) {
        const pt_tensor *found = pt_safetensors_find(file, tensors[i].name);
        if (file->n_tensors != count || found == NULL || found->n_dimensions != 1 ||
            found->shape[0] != tensors[i].shape[0]) {
            return pt_fail(err, PTSNE_ERR_DATA, "is damaged: \"%s\" is not as this run needs it", tensors[i].name);
        }
        memcpy(values[i], found->values, tensors[i].shape[0] * sizeof *values[i]);
    }
    return PTSNE_OK;
}

static ptsne_status state_take(const pt_safetensors *file, const pt_metadata *run, const ptsne_observer *observer,
                               pt_state *state, ptsne_error *err)
{
    const char *format = pt_metadata_get(&file->metadata, "ptsne.state");
    const char *position = pt_metadata_get(&file->metadata, "ptsne.position");
    const char *crc = pt_metadata_get(&file->metadata, "ptsne.crc32");
    if (format == NULL || position == NULL || crc == NULL || strcmp(format, FORMAT) != 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "is not a state that this version reads");
    }
    ptsne_status status = run_compare(&file->metadata, run, observer, err);
    if (status == PTSNE_OK) { status = values_take(file, state, err); }
    if (status != PTSNE_OK) { return status; }
    pt_position *p = &state->position;
    char sum[32];
    snprintf(sum, sizeof sum, "%08lx", check_sum(state, position));
    if (strcmp(sum, crc) != 0 ||
        pt_c_scan(position, "%zu %zu %la %la", &p->epoch, &p->step, &p->loss_sum, &p->last_loss) != 4) {
        return pt_fail(err, PTSNE_ERR_DATA, "is damaged: its check sum is %.20s, its contents have %s", crc, sum);
    }
    return PTSNE_OK;
}

ptsne_status pt_state_read(const char *path, const pt_metadata *run, const ptsne_observer *observer, pt_state *state,
                           ptsne_error *err)
{
    pt_safetensors file;
    ptsne_status status = pt_safetensors_read(path, &file, err);
    if (status != PTSNE_OK) { return status; }
    status = state_take(&file, run, observer, state, err);
    pt_safetensors_destroy(&file);
    return status == PTSNE_OK ? status : pt_within(err, status, "%s", path);
}

ptsne_status pt_state_ask(const char *path, const char *key, char **value, ptsne_error *err)
{
    pt_safetensors file;
    *value = NULL;
    const ptsne_status status = pt_safetensors_read(path, &file, err);
    if (status != PTSNE_OK) { return status; }
    const char *found = pt_metadata_get(&file.metadata, key);
    if (found != NULL) { *value = pt_text_copy(found); }
    const bool full = found == NULL || *value != NULL;
    pt_safetensors_destroy(&file);
    return full ? PTSNE_OK : pt_fail_memory(err, "the state of a run", 0.0);
}
