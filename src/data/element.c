#include "data/element.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/sizes.h"

#define BLOCK 512 /* elements brought into order and alignment at a time */

bool pt_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* IEEE half precision; subnormals are multiples of 2^-24. */
static float half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u, mantissa = half & 0x3ffu;
    uint32_t bits;
    if (exponent == 0) {
        const float small = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -small : small;
    }
    bits = sign | ((exponent == 31 ? 255u : exponent + 112u) << 23) | (mantissa << 13);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void block_swap(unsigned char *bytes, size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *element = bytes + i * width;
        for (size_t a = 0, b = width - 1; a < b; a++, b--) {
            const unsigned char kept = element[a];
            element[a] = element[b];
            element[b] = kept;
        }
    }
}

typedef union block {
    unsigned char bytes[BLOCK * 8];
    uint16_t u16[BLOCK];
    int16_t i16[BLOCK];
    uint32_t u32[BLOCK];
    int32_t i32[BLOCK];
    uint64_t u64[BLOCK];
    int64_t i64[BLOCK];
    float f32[BLOCK];
    double f64[BLOCK];
} block;

static void block_convert(const block *b, char kind, size_t width, size_t count, float *to)
{
    if (kind == 'f' && width == 2) {
        for (size_t i = 0; i < count; i++) { to[i] = half_to_float(b->u16[i]); }
    } else if (kind == 'f' && width == 4) {
        memcpy(to, b->f32, count * sizeof *to);
    } else if (kind == 'f') {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->f64[i]; }
    } else if (width == 2 && kind == 'u') {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->u16[i]; }
    } else if (width == 2) {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->i16[i]; }
    } else if (width == 4 && kind == 'u') {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->u32[i]; }
    } else if (width == 4) {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->i32[i]; }
    } else if (kind == 'u') {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->u64[i]; }
    } else {
        for (size_t i = 0; i < count; i++) { to[i] = (float)b->i64[i]; }
    }
}

void pt_elements_float(const pt_element *type, const void *from, size_t count, float *to)
{
    const unsigned char *bytes = from;
    if (type->bytes == 1 && type->kind == 'i') {
        for (size_t i = 0; i < count; i++) { to[i] = (float)(bytes[i] < 128 ? bytes[i] : bytes[i] - 256); }
        return;
    }
    if (type->bytes == 1) {
        for (size_t i = 0; i < count; i++) { to[i] = (float)bytes[i]; }
        return;
    }
    for (size_t done = 0; done < count; done += BLOCK) {
        const size_t n = pt_smaller(count - done, BLOCK);
        block b;
        memcpy(b.bytes, bytes + done * type->bytes, n * type->bytes);
        if (type->swapped) { block_swap(b.bytes, n, type->bytes); }
        block_convert(&b, type->kind, type->bytes, n, to + done);
    }
}

static double block_number(const block *b, char kind, size_t width, size_t i)
{
    switch (width) {
    case 1:
        return kind == 'i' && b->bytes[i] >= 128 ? b->bytes[i] - 256.0 : b->bytes[i];
    case 2:
        return kind == 'f' ? (double)half_to_float(b->u16[i]) : kind == 'u' ? (double)b->u16[i] : (double)b->i16[i];
    case 4:
        return kind == 'f' ? (double)b->f32[i] : kind == 'u' ? (double)b->u32[i] : (double)b->i32[i];
    default:
        return kind == 'f' ? b->f64[i] : kind == 'u' ? (double)b->u64[i] : (double)b->i64[i];
    }
}

void pt_elements_double(const pt_element *type, const void *from, size_t count, double *to)
{
    const unsigned char *bytes = from;
    for (size_t done = 0; done < count; done += BLOCK) {
        const size_t n = pt_smaller(count - done, BLOCK);
        block b;
        memcpy(b.bytes, bytes + done * type->bytes, n * type->bytes);
        if (type->swapped) { block_swap(b.bytes, n, type->bytes); }
        for (size_t i = 0; i < n; i++) { to[done + i] = block_number(&b, type->kind, type->bytes, i); }
    }
}

/* A float class number: 3.0 is "3". */
static int float_text(double value, char text[PT_ELEMENT_TEXT])
{
    if (value == floor(value) && fabs(value) < 0x1p53) {
        return snprintf(text, PT_ELEMENT_TEXT, "%" PRId64, (int64_t)value);
    }
    const int length = snprintf(text, PT_ELEMENT_TEXT, "%.9g", value);
    for (int i = 0; i < length; i++) {
        if (text[i] == ',') { text[i] = '.'; } /* as a caller's locale may have it */
    }
    return length;
}

size_t pt_element_text(const pt_element *type, const void *from, char text[PT_ELEMENT_TEXT])
{
    block b = {{0}};
    memcpy(b.bytes, from, type->bytes);
    if (type->swapped) { block_swap(b.bytes, 1, type->bytes); }
    int length;
    if (type->kind == 'b') {
        length = snprintf(text, PT_ELEMENT_TEXT, "%s", b.bytes[0] != 0 ? "True" : "False");
    } else if (type->kind == 'f' && type->bytes == 8) {
        length = float_text(b.f64[0], text);
    } else if (type->kind == 'f') {
        length = float_text(type->bytes == 4 ? (double)b.f32[0] : (double)half_to_float(b.u16[0]), text);
    } else if (type->kind == 'u') {
        const uint64_t value = type->bytes == 1   ? b.bytes[0]
                               : type->bytes == 2 ? b.u16[0]
                               : type->bytes == 4 ? b.u32[0]
                                                  : b.u64[0];
        length = snprintf(text, PT_ELEMENT_TEXT, "%" PRIu64, value);
    } else {
        const int64_t value = type->bytes == 1   ? (b.bytes[0] < 128 ? b.bytes[0] : b.bytes[0] - 256)
                              : type->bytes == 2 ? b.i16[0]
                              : type->bytes == 4 ? b.i32[0]
                                                 : b.i64[0];
        length = snprintf(text, PT_ELEMENT_TEXT, "%" PRId64, value);
    }
    return (size_t)length;
}
