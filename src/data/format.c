/* Which format is this? Content decides, never the name. What cannot be read is called by its name, with a word on
 * what to do instead. */
#include "data/format.h"

#include <stdio.h>
#include <string.h>

#define LOOK    ((size_t)1 << 16)
#define FORMATS "formats: .npy, IDX, CSV/TSV, word vectors; each also gzipped"

typedef struct foreign {
    size_t offset, length;
    const char *magic, *words;
} foreign;

static const foreign foreigners[] = {
    {0, 4, "PK\3\4",
     "a zip archive (.npz? unpack it: unzip FILE, then read the .npy inside; .xlsx? save as CSV; a "
     ".pt of PyTorch? np.save(f, torch.load(p).numpy()))"},
    {0, 8, "\x89HDF\r\n\x1a\n", "HDF5 (.h5, .h5ad): np.save(f, h5py.File(p)['name'][:])"},
    {0, 4, "PAR1", "Parquet: np.save(f, np.stack(df['column'])), or save as CSV"},
    {0, 6, "ARROW1", "Arrow/Feather: np.save(f, df.to_numpy('float32'))"},
    {0, 4, "\xba\x16\x4f\x2f", "a fastText model: fasttext print-word-vectors MODEL < words > words.vec"},
    {0, 2, "\x80\2", "a Python pickle, which could run code: np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 2, "\x80\3", "a Python pickle, which could run code: np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 2, "\x80\4", "a Python pickle, which could run code: np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 2, "\x80\5", "a Python pickle, which could run code: np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 6, "MATLAB", "a MATLAB file: writematrix(x, 'x.csv')"},
    {0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture"},
    {0, 3, "\xff\xd8\xff", "a JPEG picture"},
    {0, 4, "\x28\xb5\x2f\xfd", "zstd data: unpack it, zstd -d FILE"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "xz data: unpack it, xz -d FILE"},
    {0, 3, "BZh", "bzip2 data: unpack it, bzip2 -d FILE"},
    {0, 2, "\xff\xfe", "text in UTF-16: save it as UTF-8"},
    {0, 2, "\xfe\xff", "text in UTF-16: save it as UTF-8"},
    {0, 1, "<", "HTML or XML"},
    {0, 1, "{", "JSON: save as CSV, or np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 1, "[", "JSON: save as CSV, or np.save(f, np.asarray(x, dtype='float32'))"},
    {0, 14, "%%MatrixMarket", "Matrix Market: np.save(f, scipy.io.mmread(p).toarray())"},
    {8, 1, "{", NULL}, /* safetensors: 8 bytes of length, then JSON */
};

static ptsne_status foreign_refuse(const pt_stream *stream, const unsigned char *bytes, size_t n, ptsne_error *err)
{
    for (size_t i = 0; i < sizeof foreigners / sizeof foreigners[0]; i++) {
        const foreign *f = &foreigners[i];
        if (n < f->offset + f->length || memcmp(bytes + f->offset, f->magic, f->length) != 0) { continue; }
        if (f->words == NULL && bytes[6] + bytes[7] != 0) { continue; }
        return pt_fail(err, PTSNE_ERR_DATA, "%s: not read: %s (" FORMATS ")", stream->name,
                       f->words != NULL ? f->words : "safetensors, a model rather than data");
    }
    return PTSNE_OK;
}

static ptsne_status unknown_refuse(const pt_stream *stream, const unsigned char *bytes, size_t n, ptsne_error *err)
{
    char seen[3 * 8 + 1] = "";
    for (size_t i = 0; i < 8 && i < n; i++) { snprintf(seen + 3 * i, 4, " %02x", bytes[i]); }
    return pt_fail(err, PTSNE_ERR_DATA, "%s: not a known format: begins with%s (" FORMATS ")", stream->name, seen);
}

static const pt_format *format_named(const char *name, bool labels)
{
    static const struct {
        const char *name;
        const pt_format *format;
    } known[] = {
        {"npy", &pt_format_npy},       {"idx", &pt_format_idx},     {"csv", &pt_format_delimited},
        {"tsv", &pt_format_delimited}, {"vec", &pt_format_vectors}, {"lines", &pt_format_delimited},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) == 0 && (labels || strcmp(name, "lines") != 0)) { return known[i].format; }
    }
    return NULL;
}

ptsne_status pt_format_find(pt_stream *stream, const ptsne_read_options *options, bool labels, const pt_format **format,
                            ptsne_error *err)
{
    const char *name = options->format;
    ptsne_status status = pt_stream_fill(stream, LOOK, err);
    if (status != PTSNE_OK) { return status; }
    const unsigned char *bytes = pt_stream_bytes(stream);
    const size_t n = pt_stream_seen(stream);
    if (n == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: empty", stream->name); }
    if (name != NULL) {
        *format = format_named(name, labels);
        if (*format == NULL) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "unknown format \"%s\" (npy, idx, csv, tsv, vec%s)", name,
                           labels ? ", lines" : "");
        }
        return PTSNE_OK;
    }
    static const pt_format *const of_data[] = {&pt_format_npy, &pt_format_idx, &pt_format_vectors,
                                               &pt_format_delimited};
    static const pt_format *const of_labels[] = {&pt_format_npy, &pt_format_idx, &pt_format_tagged,
                                                 &pt_format_delimited};
    if (!labels || memchr(bytes, 0, n < 4096 ? n : 4096) != NULL || bytes[0] >= 0x80) { /* a label may be "<b>" */
        const bool npy = pt_format_npy.recognises(bytes, n) || pt_format_idx.recognises(bytes, n);
        if (!npy && (status = foreign_refuse(stream, bytes, n, err)) != PTSNE_OK) { return status; }
    }
    const bool named_columns =
        options->columns != NULL || (options->label_column != NULL && options->label_column[0] != '\0');
    for (size_t i = 0; i < 4; i++) {
        *format = labels ? of_labels[i] : of_data[i];
        if (*format == &pt_format_vectors && named_columns) { continue; } /* words have no column of theirs */
        if ((*format)->recognises(bytes, n)) { return PTSNE_OK; }
    }
    return unknown_refuse(stream, bytes, n, err);
}
