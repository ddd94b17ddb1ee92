#include "data/npy_header.h"

#include <stdio.h>
#include <string.h>

#include "data/text.h"

typedef struct cursor {
    const char *at, *end;
    const char *name;
    ptsne_error *err;
} cursor;

static ptsne_status bad(const cursor *c, const char *what)
{
    char quoted[PT_QUOTED_SIZE];
    return pt_fail(c->err, PTSNE_ERR_DATA, "%s: damaged .npy header: %s at %s", c->name, what,
                   c->at < c->end ? pt_quoted(c->at, (size_t)(c->end - c->at), quoted) : "its end");
}

static void blanks_skip(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) { c->at++; }
}

/* The next character, blanks apart, if it is this one. */
static bool take(cursor *c, char wanted)
{
    blanks_skip(c);
    if (c->at == c->end || *c->at != wanted) { return false; }
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    blanks_skip(c);
    const size_t length = strlen(word);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) { return false; }
    c->at += length;
    return true;
}

static ptsne_status string_parse(cursor *c, char *out, size_t room)
{
    blanks_skip(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) { return bad(c, "a string is missing"); }
    const char *begin = c->at + 1;
    const char *close = memchr(begin, *c->at, (size_t)(c->end - begin));
    if (close == NULL || (size_t)(close - begin) >= room) { return bad(c, "a string is wrong"); }
    memcpy(out, begin, (size_t)(close - begin));
    out[close - begin] = '\0';
    c->at = close + 1;
    return PTSNE_OK;
}

static ptsne_status size_parse(cursor *c, size_t *size)
{
    blanks_skip(c);
    const char *begin = c->at;
    *size = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        const size_t digit = (size_t)(*c->at - '0');
        if (*size > (SIZE_MAX - digit) / 10) { return bad(c, "the shape is too large"); }
        *size = *size * 10 + digit;
    }
    if (c->at == begin) { return bad(c, "the shape is wrong"); }
    if (c->at < c->end && *c->at == 'L') { c->at++; } /* Python 2 wrote 3L */
    return PTSNE_OK;
}

static ptsne_status shape_parse(cursor *c, pt_npy_header *header)
{
    if (!take(c, '(')) { return bad(c, "the shape is missing"); }
    header->axes = 0;
    while (!take(c, ')')) {
        if (header->axes == PT_NPY_MAX_AXES) { return bad(c, "more than 32 axes"); }
        const ptsne_status status = size_parse(c, &header->dims[header->axes]);
        if (status != PTSNE_OK) { return status; }
        header->axes++;
        if (!take(c, ',')) {
            if (!take(c, ')')) { return bad(c, "the shape is wrong"); }
            break;
        }
    }
    return PTSNE_OK;
}

static ptsne_status descr_refuse(const cursor *c, const char *descr)
{
    const char *kind = strchr("<>=|", descr[0]) != NULL && descr[0] != '\0' ? descr + 1 : descr;
    const char *advice = "numbers (f2 f4 f8, i1 to i8, u1 to u8, b1) or labels (U, S) are";
    char quoted[PT_QUOTED_SIZE];
    pt_quoted(descr, strlen(descr), quoted);
    if (kind[0] == 'O') {
        return pt_fail(c->err, PTSNE_ERR_DATA,
                       "%s: Python objects (dtype %s) are not read, that could run code: re-save with "
                       "np.save(f, np.asarray(labels, dtype=str)), or dtype=np.float32 for numbers",
                       c->name, quoted);
    }
    if (kind[0] == 'c') { advice = "save the real or absolute part: np.save(f, abs(x))"; }
    if (kind[0] == 'M' || kind[0] == 'm') { advice = "save numbers: np.save(f, x.astype('int64'))"; }
    return pt_fail(c->err, PTSNE_ERR_DATA, "%s: dtype %s is not read: %s", c->name, quoted, advice);
}

static ptsne_status descr_parse(cursor *c, pt_npy_header *header)
{
    blanks_skip(c);
    if (c->at < c->end && *c->at == '[') {
        return pt_fail(c->err, PTSNE_ERR_DATA,
                       "%s: a structured dtype (fields with names) is not read: save one array of numbers, "
                       "np.save(f, np.column_stack([x[k] for k in x.dtype.names]))",
                       c->name);
    }
    const ptsne_status status = string_parse(c, header->descr, sizeof header->descr);
    if (status != PTSNE_OK) { return status; }
    const char *text = header->descr;
    char order = '=';
    if (*text != '\0' && strchr("<>=|", *text) != NULL) { order = *text++; }
    const char kind = *text;
    if (kind == '\0' || strchr("fiubUS", kind) == NULL) { return descr_refuse(c, header->descr); }
    size_t bytes = 0;
    for (text++; *text >= '0' && *text <= '9' && bytes < 100000000; text++) {
        bytes = bytes * 10 + (size_t)(*text - '0');
    }
    const bool number = kind == 'f'   ? bytes == 2 || bytes == 4 || bytes == 8
                        : kind == 'b' ? bytes == 1
                                      : bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    const bool words = kind == 'U' || kind == 'S';
    if (*text != '\0' || (!words && !number) || (words && bytes == 0)) { return descr_refuse(c, header->descr); }
    const bool little = order == '<' || (order != '>' && pt_little_endian());
    header->type = (pt_element){kind, kind == 'U' ? bytes * 4 : bytes, little != pt_little_endian()};
    return PTSNE_OK;
}

static ptsne_status value_parse(cursor *c, const char *key, unsigned *seen, pt_npy_header *header)
{
    unsigned bit;
    ptsne_status status = PTSNE_OK;
    if (strcmp(key, "descr") == 0) {
        bit = 1;
        status = descr_parse(c, header);
    } else if (strcmp(key, "fortran_order") == 0) {
        bit = 2;
        header->fortran = take_word(c, "True");
        if (!header->fortran && !take_word(c, "False")) { status = bad(c, "fortran_order is wrong"); }
    } else if (strcmp(key, "shape") == 0) {
        bit = 4;
        status = shape_parse(c, header);
    } else {
        return bad(c, "there is an unknown key");
    }
    if (status == PTSNE_OK && (*seen & bit) != 0) { return bad(c, "a key comes twice"); }
    *seen |= bit;
    return status;
}

ptsne_status pt_npy_header_parse(const char *text, size_t length, const char *name, pt_npy_header *header,
                                 ptsne_error *err)
{
    cursor c = {text, text + length, name, err};
    *header = (pt_npy_header){.axes = 0};
    unsigned seen = 0;
    if (!take(&c, '{')) { return bad(&c, "no dictionary"); }
    while (!take(&c, '}')) {
        char key[32];
        ptsne_status status = string_parse(&c, key, sizeof key);
        if (status == PTSNE_OK && !take(&c, ':')) { status = bad(&c, "a colon is missing"); }
        if (status == PTSNE_OK) { status = value_parse(&c, key, &seen, header); }
        if (status != PTSNE_OK) { return status; }
        if (!take(&c, ',')) {
            if (!take(&c, '}')) { return bad(&c, "a comma is missing"); }
            break;
        }
    }
    if (seen != 7) { return bad(&c, "a key is missing"); }
    blanks_skip(&c);
    return c.at == c.end ? PTSNE_OK : bad(&c, "something follows the dictionary");
}

void pt_npy_header_write(const char *type, const size_t *dims, size_t axes, char out[PT_NPY_HEADER_BYTES])
{
    char text[PT_NPY_HEADER_BYTES]; /* 59 bytes, and the sizes: 41 digits at most */
    size_t used = (size_t)snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                                   pt_little_endian() ? '<' : '>', type);
    for (size_t i = 0; i < axes; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, i == 0 ? "%zu" : ", %zu", dims[i]);
    }
    used += (size_t)snprintf(text + used, sizeof text - used, axes == 1 ? ",), }" : "), }");
    memset(out, ' ', PT_NPY_HEADER_BYTES);
    memcpy(out, "\x93NUMPY\x01\x00\x76\x00", 10); /* version 1.0, 118 bytes follow */
    memcpy(out + 10, text, used);
    out[PT_NPY_HEADER_BYTES - 1] = '\n';
}
