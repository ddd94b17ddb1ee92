/* Data: vectors and labels in, maps and labels out. */
#ifndef PTSNE_DATA_H
#define PTSNE_DATA_H

#include "ptsne/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data in -------------------------------------------------------------------------------- */

#define PTSNE_UNKNOWN SIZE_MAX

typedef struct ptsne_reader ptsne_reader;
typedef struct ptsne_table ptsne_table;
typedef struct ptsne_labels ptsne_labels;

typedef struct ptsne_read_options {
    const char *format;       /* "npy", "idx", "csv", "tsv", "vec", "lines" (labels); NULL: told by the content */
    const char *label_column; /* name or 1-based number; NULL: label, class, target, species, or y without x; "" none */
    const char *columns;      /* "a,b,5-20": the columns to use; NULL: every numeric one */
    int header;               /* 1 yes, 0 no, -1 told by the content */
    size_t first_row;         /* rows skipped at the start */
    size_t n_rows;            /* rows read at most; PTSNE_UNKNOWN: all */
} ptsne_read_options;

/**
 * Format told by the content, every numeric column, label column and header found, all rows; options may not be NULL.
 */
PTSNE_API void ptsne_read_options_default(ptsne_read_options *options);

/**
 * Open a file of vectors for reading row by row, in constant memory.
 *
 * .npy (v1 to v3, either order, f2 f4 f8 and integers), IDX and IDX.gz, CSV/TSV, word vectors (.vec, GloVe, sentence
 * vectors); gzip is seen through. Arrays of more than two dimensions are flattened to rows. Of delimited text the
 * columns of numbers are used, the label column and an unnamed first one (a row index) apart. A first line 0,1,2,3 ...
 * is a header (pandas). Of word vectors every line is a row, `</s>` too.
 *
 * @param path     "-" is standard input.
 * @param options  May be NULL.
 * @return PTSNE_OK, PTSNE_ERR_IO, or PTSNE_ERR_DATA: the message names file, line or row, column and value.
 */
PTSNE_API ptsne_status ptsne_reader_open(const char *path, const ptsne_read_options *options, ptsne_reader **reader,
                                         ptsne_error *err);

/** Close the file and release the reader; NULL does nothing. */
PTSNE_API void ptsne_reader_destroy(ptsne_reader *reader);

/** Columns of a row. */
PTSNE_API size_t ptsne_reader_columns(const ptsne_reader *reader);

/** Rows in all, or PTSNE_UNKNOWN where only reading to the end tells (text, pipes). */
PTSNE_API size_t ptsne_reader_rows(const ptsne_reader *reader);

/**
 * Read up to `capacity` rows.
 *
 * @param rows  capacity x columns; the caller's.
 * @param got   Rows read; 0 at the end.
 * @return PTSNE_OK, PTSNE_ERR_IO, PTSNE_ERR_DATA (truncated, ragged, not a number, NaN, infinity),
 *         PTSNE_ERR_STOPPED (a signal whose handler was installed without SA_RESTART came while the source was silent).
 */
PTSNE_API ptsne_status ptsne_reader_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got,
                                         ptsne_error *err);

/**
 * Read a whole file; a float32 .npy in C order is mapped and used in place, and must not be cut short while the table
 * lives (writing it anew by rename does no harm). Arguments as for ptsne_reader_open.
 */
PTSNE_API ptsne_status ptsne_table_read(const char *path, const ptsne_read_options *options, ptsne_table **table,
                                        ptsne_error *err);

/** Release the table, its values and the labels that came with it; NULL does nothing. */
PTSNE_API void ptsne_table_destroy(ptsne_table *table);

/** Rows of the table. */
PTSNE_API size_t ptsne_table_rows(const ptsne_table *table);

/** Columns of a row. */
PTSNE_API size_t ptsne_table_columns(const ptsne_table *table);

/** rows x columns; lives as long as the table. */
PTSNE_API const float *ptsne_table_values(const ptsne_table *table);

/** Height, width and channels of a row that is an image (IDX, .npy of 3 or 4 dimensions); else all 0. */
PTSNE_API void ptsne_table_image_shape(const ptsne_table *table, size_t shape[3]);

/** Labels that came in a column of the same file; NULL if none. Lives as long as the table. */
PTSNE_API const ptsne_labels *ptsne_table_labels(const ptsne_table *table);

/**
 * Read one label a row: .npy of integers or strings, IDX, a CSV column, text lines, fastText lines (the first
 * `__label__` token of each). The caller destroys the labels.
 */
PTSNE_API ptsne_status ptsne_labels_read(const char *path, const ptsne_read_options *options, ptsne_labels **labels,
                                         ptsne_error *err);

/**
 * Labels from an array of class numbers; names are the numbers in decimal. codes: n, borrowed during the call. The
 * caller destroys the labels.
 */
PTSNE_API ptsne_status ptsne_labels_create(const int64_t *codes, size_t n, ptsne_labels **labels, ptsne_error *err);

/** Release the labels, their codes and names; NULL does nothing. Those of a table go with the table, and not here. */
PTSNE_API void ptsne_labels_destroy(ptsne_labels *labels);

/** Rows that have a label. */
PTSNE_API size_t ptsne_labels_count(const ptsne_labels *labels);

/** Distinct labels, in natural order of their names ("2" before "10"). */
PTSNE_API size_t ptsne_labels_classes(const ptsne_labels *labels);

/** Class of each row, count entries, each below classes; lives as long as the labels. */
PTSNE_API const uint32_t *ptsne_labels_codes(const ptsne_labels *labels);

/** Name of a class, UTF-8; class_index below classes. Lives as long as the labels. */
PTSNE_API const char *ptsne_labels_name(const ptsne_labels *labels, size_t class_index);

/* ---- data out ------------------------------------------------------------------------------- */

typedef struct ptsne_writer ptsne_writer;

/**
 * Open a file for writing rows. What was there before stays until ptsne_writer_commit: rows go to
 * a temporary name beside it, which is synced and renamed.
 *
 * @param path     "-" is standard output.
 * @param format   "npy" or "csv"; NULL: by the path's ending, .npy if it says nothing.
 * @param columns  Of a row, at least 1.
 * @param rows     PTSNE_UNKNOWN if not known: then .npy needs a path that can be sought in.
 * @param names    columns names for the CSV header, borrowed during the call; NULL: x, y, z or tsne_1 ...
 * @param force    Not 0: an existing file may be replaced.
 * @return PTSNE_OK, PTSNE_ERR_IO, PTSNE_ERR_ARGUMENT (file exists and force is 0; format unknown).
 */
PTSNE_API ptsne_status ptsne_writer_open(const char *path, const char *format, size_t columns, size_t rows,
                                         const char *const *names, int force, ptsne_writer **writer, ptsne_error *err);

/**
 * The same for frames of equal size, one after the other, in an .npy of 3 dimensions: frames x rows x columns. There
 * are as many as have been written at the commit; path has to be one that can be sought in.
 */
PTSNE_API ptsne_status ptsne_writer_open_frames(const char *path, size_t rows, size_t columns, int force,
                                                ptsne_writer **writer, ptsne_error *err);

/**
 * The same for whole numbers, as labels are: .npy of int32, of one dimension where columns is 1 and else rows x
 * columns. Its rows are written by ptsne_writer_labels.
 */
PTSNE_API ptsne_status ptsne_writer_open_labels(const char *path, const char *format, size_t columns, size_t rows,
                                                const char *const *names, int force, ptsne_writer **writer,
                                                ptsne_error *err);

/**
 * Append n rows of n x columns numbers, borrowed during the call, to a writer of labels; as ptsne_writer_rows
 * otherwise.
 */
PTSNE_API ptsne_status ptsne_writer_labels(ptsne_writer *writer, const int32_t *rows, size_t n, ptsne_error *err);

/** Append n rows of n x columns floats, borrowed during the call; more than were announced are PTSNE_ERR_ARGUMENT. */
PTSNE_API ptsne_status ptsne_writer_rows(ptsne_writer *writer, const float *rows, size_t n, ptsne_error *err);

/** Sync, rename to the final name, and destroy the writer, also after a failure; fewer rows than announced are one. */
PTSNE_API ptsne_status ptsne_writer_commit(ptsne_writer *writer, ptsne_error *err);

/** Drop what was written and destroy the writer; NULL does nothing. */
PTSNE_API void ptsne_writer_discard(ptsne_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
