/* Small files of every format, made in memory, and what is in them. Shared by the tests of the readers and by the
 * seeds of the fuzzers. */
#ifndef DATA_SAMPLES_H
#define DATA_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct sample {
    const char *name;
    unsigned char bytes[1024];
    size_t length;
    bool labels; /* to be read as labels */
    bool binary; /* cut anywhere, it is no longer whole */
    size_t rows, columns;
} sample;

static inline void sample_append(sample *s, const void *bytes, size_t n)
{
    memcpy(s->bytes + s->length, bytes, n);
    s->length += n;
}

/* A .npy file of a version; the dictionary as written, padded as NumPy pads. */
static inline sample sample_npy(const char *name, int version, const char *dictionary, const void *data, size_t n)
{
    sample s = {.name = name, .binary = true};
    const size_t prefix = version == 1 ? 10 : 12, text = strlen(dictionary);
    const size_t header = (prefix + text + 1 + 63) / 64 * 64 - prefix;
    const unsigned char head[] = {0x93,
                                  'N',
                                  'U',
                                  'M',
                                  'P',
                                  'Y',
                                  (unsigned char)version,
                                  0,
                                  (unsigned char)(header & 255),
                                  (unsigned char)(header >> 8),
                                  0,
                                  0};
    sample_append(&s, head, prefix);
    sample_append(&s, dictionary, text);
    while (s.length < prefix + header - 1) { sample_append(&s, " ", 1); }
    sample_append(&s, "\n", 1);
    sample_append(&s, data, n);
    return s;
}

static inline sample sample_text(const char *name, const char *text)
{
    sample s = {.name = name};
    sample_append(&s, text, strlen(text));
    return s;
}

static inline sample sample_gzip(const char *name, const sample *plain)
{
    sample s = {.name = name, .binary = true, .labels = plain->labels, .rows = plain->rows, .columns = plain->columns};
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) { abort(); }
    unsigned char in[sizeof plain->bytes];
    memcpy(in, plain->bytes, plain->length);
    z.next_in = in;
    z.avail_in = (uInt)plain->length;
    z.next_out = s.bytes;
    z.avail_out = sizeof s.bytes;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) { abort(); }
    s.length = sizeof s.bytes - z.avail_out;
    deflateEnd(&z);
    return s;
}

static inline sample sample_shaped(sample s, size_t rows, size_t columns, bool labels)
{
    s.rows = rows;
    s.columns = columns;
    s.labels = labels;
    return s;
}

enum { SAMPLES = 30 };

/* Every data sample of 2 x 3 holds 1 2 3 / 4 5 6. Returns how many there are. */
static inline size_t samples_make(sample out[SAMPLES])
{
    static const unsigned char f4[] = {0, 0, 128, 63, 0, 0, 0,   64, 0, 0, 64,  64,
                                       0, 0, 128, 64, 0, 0, 160, 64, 0, 0, 192, 64};
    static const unsigned char f8_big[] = {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x40, 0,  0, 0, 0, 0, 0, 0,
                                           0x40, 8,    0, 0, 0, 0, 0, 0, 0x40, 16, 0, 0, 0, 0, 0, 0,
                                           0x40, 20,   0, 0, 0, 0, 0, 0, 0x40, 24, 0, 0, 0, 0, 0, 0};
    static const unsigned char f2[] = {0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45, 0, 0x46};
    static const unsigned char i2_by_column[] = {1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0};
    static const unsigned char u1[] = {1, 2, 3, 4, 5, 6};
    static const unsigned char words[] = {
        'b', 0, 0, 0, '1', 0, 0,    0, '0', 0, 0, 0, 'b', 0, 0, 0, '9', 0,
        0,   0, 0, 0, 0,   0, 0xfc, 0, 0,   0, 0, 0, 0,   0, 0, 0, 0,   0}; /* b10, b9, u with two dots */
    static const unsigned char i8[] = {10, 0, 0, 0, 0,   0,   0,   0,   2,   0,   0,   0,
                                       0,  0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
    size_t n = 0;
    out[n++] = sample_shaped(
        sample_npy("f4", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", f4, sizeof f4), 2, 3, false);
    out[n++] = sample_shaped(
        sample_npy("f8-big", 2, "{\"shape\":(2L,3L),\"fortran_order\":False,\"descr\":\">f8\"}", f8_big, sizeof f8_big),
        2, 3, false);
    out[n++] = sample_shaped(
        sample_npy("f2", 3, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }", f2, sizeof f2), 2, 3, false);
    out[n++] = sample_shaped(sample_npy("fortran", 1, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }",
                                        i2_by_column, sizeof i2_by_column),
                             2, 3, false);
    out[n++] = sample_shaped(
        sample_npy("image", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 3), }", u1, sizeof u1), 2, 3,
        false);
    out[n++] = sample_shaped(
        sample_npy("vector", 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", u1, sizeof u1), 6, 1,
        false);
    out[n++] = sample_shaped(
        sample_npy("words", 1, "{'descr': '<U3', 'fortran_order': False, 'shape': (3,), }", words, sizeof words), 3, 1,
        true);
    out[n++] = sample_shaped(
        sample_npy("bytes", 1, "{'descr': '|S2', 'fortran_order': False, 'shape': (3,), }", "b\0a\0b\0", 6), 3, 1,
        true);
    out[n++] = sample_shaped(
        sample_npy("classes", 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", i8, sizeof i8), 3, 1,
        true);

    sample idx = {.name = "idx", .binary = true, .rows = 2, .columns = 3};
    sample_append(&idx, "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03\x01\x02\x03\x04\x05\x06", 22);
    out[n++] = idx;
    out[n++] = sample_gzip("idx-gz", &idx);
    sample idx_float = {.name = "idx-f4", .binary = true, .rows = 2, .columns = 3};
    sample_append(&idx_float, "\0\0\x0d\x02\0\0\0\x02\0\0\0\x03", 12);
    for (size_t i = 0; i < sizeof f4; i++) { idx_float.bytes[idx_float.length++] = f4[i / 4 * 4 + 3 - i % 4]; }
    out[n++] = idx_float;
    sample idx_labels = {.name = "idx-labels", .binary = true, .labels = true, .rows = 3, .columns = 1};
    sample_append(&idx_labels, "\0\0\x08\x01\0\0\0\x03\x0a\x02\x0a", 11);
    out[n++] = idx_labels;

    out[n++] = sample_shaped(sample_text("csv", "a,b,c\n1,2,3\n4,5,6\n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("csv-full",
                                         "\xef\xbb\xbf# made by hand\r\na,name,b,\"c \"\"x\"\"\",label\r\n"
                                         "1,n1,2,\"3\",\"two\r\nlines\"\r\n\r\n4,n2,5,6,\"say \"\"so\"\", then\"\r\n"),
                             2, 3, false);
    out[n++] = sample_shaped(sample_text("tsv", "1\t2\t3\n4\t5\t6"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("semicolons", "a;b;c\n+1;2.0;.3e1\n4.;5E0;6e+00\n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("blanks", "  1.000e+00  2 3 \n  4.000e+00 \t5 6\n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("index", ",a,b,c\n0,1,2,3\n1,4,5,6\n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("column", "value\n1\n2\n"), 2, 1, false);
    const sample *column = &out[n - 1];
    out[n++] = sample_gzip("column-gz", column);
    out[n++] = sample_shaped(sample_text("vec", "2 3\nthe 1 2 3 \nNew York 4 5 6 \n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("glove", "the 1 2 3\n\" 4 5 6\n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("sentences", "1 2 3 \n4 5 6 \n"), 2, 3, false);
    out[n++] = sample_shaped(sample_text("lines", "New York\n#1\n\"quoted, once\"\n"), 3, 1, true);
    out[n++] = sample_shaped(sample_text("tagged", "__label__b some text\n__label__a __label__c\n"), 2, 1, true);
    out[n++] = sample_shaped(sample_text("label-column", "id,Species\n1,\"a, b\"\n2,c\n"), 2, 1, true);
    return n;
}

#endif
