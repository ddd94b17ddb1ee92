/* Sums over rows go by lines, so that narrow rows fill vectors too: a line is as many whole rows as fit into LINE elements, one
 * behind the other, or, of wide rows, up to LINE columns of one row. */
#ifndef PT_BACKEND_CPU_LINES_H
#define PT_BACKEND_CPU_LINES_H

#include <stddef.h>
#include <string.h>

#define LINE       ((size_t)256)
#define LINE_BLOCK ((size_t)64) /* lines summed in float32 before they go into a float64 total */

typedef struct lines {
    size_t first, columns; /* of the rows */
    size_t together;       /* rows in a line */
} lines;

static inline lines lines_of(size_t d, size_t first)
{
    const size_t columns = d - first < LINE ? d - first : LINE;
    return (lines){first, columns, columns == d ? LINE / d : 1};
}

/* Elements of the line that begins at a row, with so many rows left. */
static inline size_t line_width(const lines *l, size_t rows_left)
{
    return (rows_left < l->together ? rows_left : l->together) * l->columns;
}

/* What belongs to each column, along a line. */
static inline void line_repeat(const lines *l, const float *of_column, float line[LINE])
{
    for (size_t r = 0; r < l->together; r++) {
        for (size_t j = 0; j < l->columns; j++) { line[r * l->columns + j] = of_column[l->first + j]; }
    }
}

/* The sums of the columns of a line. */
static inline void line_fold(const lines *l, const double line[LINE], double *of_column)
{
    for (size_t j = 0; j < l->columns; j++) {
        double sum = 0.0;
        for (size_t r = 0; r < l->together; r++) { sum += line[r * l->columns + j]; }
        of_column[l->first + j] = sum;
    }
}

/* total += part, and part = 0. */
static inline void line_settle(double total[LINE], float part[LINE])
{
    for (size_t t = 0; t < LINE; t++) {
        total[t] += (double)part[t];
        part[t] = 0.0f;
    }
}

/* The sums of the columns of so many rows of x, d wide, less `center` each, along a line. */
static inline void lines_sum(const float *x, size_t rows, size_t d, const lines *l, const float center[LINE],
                             double total[LINE])
{
    float part[LINE] = {0};
    memset(total, 0, LINE * sizeof *total);
    size_t n_lines = 0;
    for (size_t i = 0; i < rows; i += l->together) {
        const float *line = x + i * d + l->first;
        const size_t width = line_width(l, rows - i);
        for (size_t t = 0; t < width; t++) { part[t] += line[t] - center[t]; }
        if (++n_lines % LINE_BLOCK == 0) { line_settle(total, part); }
    }
    line_settle(total, part);
}

#endif
