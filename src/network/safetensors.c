#define _POSIX_C_SOURCE 200809L

#include "network/safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/output.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the arrays of a safetensors file are little-endian; this machine's are not"
#endif

#define MAX_HEADER ((uint64_t)100000000) /* as the reference implementation has it */

size_t pt_tensor_count(const pt_tensor *tensor)
{
    size_t count = 1;
    for (size_t i = 0; i < tensor->n_dimensions; i++) { count *= tensor->shape[i]; }
    return count;
}

/* ---- writing ---- */

/* {"dtype":"F32","shape":[..],"data_offsets":[from,to]}; NULL when there is no room. */
static json_t *tensor_entry(const pt_tensor *tensor, size_t from)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->n_dimensions; i++) {
        if (json_array_append_new(shape, json_integer((json_int_t)tensor->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    }
    const size_t to = from + pt_tensor_count(tensor) * sizeof(float);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)from,
                     (json_int_t)to);
}

/* Written twice, for its length and into place: json_dumps may leave out a part, and say nothing, where memory is short. */
static char *text_of(const json_t *header)
{
    const size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT);
    char *text = length > 0 ? malloc(length + 1) : NULL;
    if (text == NULL) { return NULL; }
    if (json_dumpb(header, text, length, JSON_COMPACT) != length) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* The header's text, released by free(); NULL when there is no room. */
static char *header_text(const pt_tensor *tensors, size_t n_tensors, const pt_metadata *metadata)
{
    char *text = NULL;
    json_t *header = json_object(), *pairs = json_object();
    for (size_t i = 0; i < metadata->keys.count; i++) {
        if (json_object_set_new(pairs, metadata->keys.text[i], json_string(metadata->values[i])) != 0) { goto done; }
    }
    if (json_object_set(header, "__metadata__", pairs) != 0) { goto done; }
    size_t from = 0;
    for (size_t i = 0; i < n_tensors; i++) {
        if (json_object_set_new(header, tensors[i].name, tensor_entry(&tensors[i], from)) != 0) { goto done; }
        from += pt_tensor_count(&tensors[i]) * sizeof(float);
    }
    text = text_of(header);
done:
    json_decref(pairs);
    json_decref(header);
    return text;
}

ptsne_status pt_safetensors_write(const char *path, bool force, const pt_tensor *tensors, size_t n_tensors,
                                  const pt_metadata *metadata, ptsne_error *err)
{
    char *header = header_text(tensors, n_tensors, metadata);
    if (header == NULL) { return pt_fail_memory(err, "a model's header", 0.0); }
    const size_t length = strlen(header), padding = (8 - length % 8) % 8;
    uint8_t prefix[8];
    for (size_t i = 0; i < 8; i++) { prefix[i] = (uint8_t)((uint64_t)(length + padding) >> (8 * i)); }
    pt_output output;
    ptsne_status status = pt_output_open(path, force, &output, err);
    if (status != PTSNE_OK) { goto done; }
    if ((status = pt_output_write(&output, prefix, sizeof prefix, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_output_write(&output, header, length, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_output_write(&output, "        ", padding, err)) != PTSNE_OK) { goto done; }
    for (size_t i = 0; i < n_tensors && status == PTSNE_OK; i++) {
        status = pt_output_write(&output, tensors[i].values, pt_tensor_count(&tensors[i]) * sizeof(float), err);
    }
    if (status == PTSNE_OK) { status = pt_output_commit(&output, err); }
done:
    pt_output_discard(&output);
    free(header);
    return status;
}

/* ---- reading ---- */

/* One tensor's claims: where its bytes are said to lie. */
typedef struct tensor_claim {
    pt_tensor tensor;
    uint64_t from, to;
} tensor_claim;

static ptsne_status refuse(ptsne_error *err, const char *name, const char *reason)
{
    return pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: tensor \"%.63s\": %s", name, reason);
}

static ptsne_status shape_read(const char *name, const json_t *shape, pt_tensor *tensor, ptsne_error *err)
{
    if (!json_is_array(shape)) { return refuse(err, name, "no shape"); }
    tensor->n_dimensions = json_array_size(shape);
    if (tensor->n_dimensions > PT_TENSOR_DIMENSIONS) { return refuse(err, name, "more than 4 dimensions"); }
    uint64_t count = 1;
    for (size_t i = 0; i < tensor->n_dimensions; i++) {
        const json_t *side = json_array_get(shape, i);
        const json_int_t value = json_is_integer(side) ? json_integer_value(side) : -1;
        if (value < 0) { return refuse(err, name, "its shape holds something else than a count"); }
        if (value != 0 && count > (uint64_t)(SIZE_MAX / sizeof(float)) / (uint64_t)value) {
            return refuse(err, name, "too large");
        }
        count *= (uint64_t)value;
        tensor->shape[i] = (size_t)value;
    }
    return PTSNE_OK;
}

static ptsne_status claim_read(const char *name, const json_t *entry, tensor_claim *claim, ptsne_error *err)
{
    const json_t *type = json_object_get(entry, "dtype"), *offsets = json_object_get(entry, "data_offsets");
    if (strlen(name) >= PT_TENSOR_NAME) { return refuse(err, name, "its name is too long"); }
    snprintf(claim->tensor.name, sizeof claim->tensor.name, "%s", name);
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !json_is_string(type)) {
        return refuse(err, name, "expected dtype, shape and data_offsets");
    }
    if (strcmp(json_string_value(type), "F32") != 0) { return refuse(err, name, "its dtype is not F32"); }
    const ptsne_status status = shape_read(name, json_object_get(entry, "shape"), &claim->tensor, err);
    if (status != PTSNE_OK) { return status; }
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to) ||
        json_integer_value(from) < 0 || json_integer_value(to) < json_integer_value(from)) {
        return refuse(err, name, "its data_offsets are not two rising counts");
    }
    claim->from = (uint64_t)json_integer_value(from);
    claim->to = (uint64_t)json_integer_value(to);
    if (claim->to - claim->from != (uint64_t)pt_tensor_count(&claim->tensor) * sizeof(float)) {
        return refuse(err, name, "its data_offsets do not fit its shape");
    }
    return PTSNE_OK;
}

static int claim_order(const void *a, const void *b)
{
    const tensor_claim *left = a, *right = b;
    if (left->from != right->from) { return left->from < right->from ? -1 : 1; }
    return (left->to > right->to) - (left->to < right->to);
}

static ptsne_status metadata_read(const json_t *pairs, pt_metadata *metadata, ptsne_error *err)
{
    if (!json_is_object(pairs)) {
        return pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: __metadata__ is not an object");
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)pairs, key, value)
    {
        if (!json_is_string(value)) {
            return pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: __metadata__ \"%.40s\" is not a text", key);
        }
        const ptsne_status status = pt_metadata_set(metadata, err, key, "%s", json_string_value(value));
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* Take the tensors of the header, whose bytes must follow one another from 0 to `size` without a hole. */
static ptsne_status tensors_read(json_t *header, const uint8_t *data, uint64_t size, pt_safetensors *file,
                                 ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    const char *name;
    json_t *entry;
    size_t n_claims = 0;
    uint64_t at = 0;
    tensor_claim *claims = pt_array_zeroed(json_object_size(header), sizeof *claims);
    file->tensors = pt_array_zeroed(json_object_size(header), sizeof *file->tensors);
    if (claims == NULL || file->tensors == NULL) {
        status = pt_fail_memory(err, "a model's header", (double)json_object_size(header) * (double)sizeof *claims);
        goto done;
    }
    json_object_foreach(header, name, entry)
    {
        status = strcmp(name, "__metadata__") == 0 ? metadata_read(entry, &file->metadata, err)
                                                   : claim_read(name, entry, &claims[n_claims++], err);
        if (status != PTSNE_OK) { goto done; }
    }
    qsort(claims, n_claims, sizeof *claims, claim_order);
    for (size_t i = 0; i < n_claims; i++) {
        if (claims[i].from != at || claims[i].to > size) {
            status = refuse(err, claims[i].tensor.name,
                            claims[i].to > size ? "ends behind the file" : "leaves a hole or overlaps another");
            goto done;
        }
        file->tensors[i] = claims[i].tensor;
        file->tensors[i].values = data + at;
        at = claims[i].to;
    }
    file->n_tensors = n_claims;
    if (at != size) {
        status = pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: %llu bytes after the last tensor",
                         (unsigned long long)(size - at));
    }
done:
    free(claims);
    return status;
}

ptsne_status pt_safetensors_parse(const void *bytes, size_t size, pt_safetensors *file, ptsne_error *err)
{
    *file = (pt_safetensors){0};
    const uint8_t *data = bytes;
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && size >= 8; i++) { length |= (uint64_t)data[i] << (8 * i); }
    if (size < 8 || length > MAX_HEADER || length > size - 8 || length == 0 || data[8] != '{') {
        return pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: no header in its %zu bytes", size);
    }
    json_error_t fault;
    json_t *header = json_loadb((const char *)data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &fault);
    if (header == NULL) {
        if (json_error_code(&fault) == json_error_out_of_memory || fault.text[0] == '\0') {
            return pt_fail_memory(err, "a model's header", (double)length);
        }
        return pt_fail(err, PTSNE_ERR_DATA, "not a safetensors file: header byte %d: %s", fault.position, fault.text);
    }
    const ptsne_status status = tensors_read(header, data + 8 + length, size - 8 - length, file, err);
    json_decref(header);
    if (status != PTSNE_OK) { pt_safetensors_destroy(file); }
    return status;
}

static ptsne_status file_load(const char *path, void **bytes, size_t *size, ptsne_error *err)
{
    FILE *stream = fopen(path, "rb");
    struct stat about;
    if (stream == NULL || fstat(fileno(stream), &about) != 0) {
        const int cause = errno;
        if (stream != NULL) { fclose(stream); }
        return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read: %s", path, strerror(cause));
    }
    ptsne_status status = PTSNE_OK;
    *bytes = NULL;
    *size = S_ISREG(about.st_mode) ? (size_t)about.st_size : 0;
    if (!S_ISREG(about.st_mode)) {
        status = pt_fail(err, PTSNE_ERR_IO, "%s: is not a regular file", path);
    } else if ((*bytes = pt_array_aligned(*size, 1)) == NULL) {
        status = pt_within(err, pt_fail_memory(err, "the file", (double)*size), "%s", path);
    } else if (fread(*bytes, 1, *size, stream) != *size) {
        status = pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read to its end", path);
        free(*bytes);
        *bytes = NULL;
    }
    fclose(stream);
    return status;
}

ptsne_status pt_safetensors_read(const char *path, pt_safetensors *file, ptsne_error *err)
{
    *file = (pt_safetensors){0};
    void *bytes = NULL;
    size_t size = 0;
    ptsne_status status = file_load(path, &bytes, &size, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = pt_safetensors_parse(bytes, size, file, err)) != PTSNE_OK) {
        free(bytes);
        return pt_within(err, status, "%s", path);
    }
    file->bytes = bytes;
    return PTSNE_OK;
}

void pt_safetensors_destroy(pt_safetensors *file)
{
    pt_metadata_destroy(&file->metadata);
    free(file->tensors);
    free(file->bytes);
    *file = (pt_safetensors){0};
}

const pt_tensor *pt_safetensors_find(const pt_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) { return &file->tensors[i]; }
    }
    return NULL;
}
