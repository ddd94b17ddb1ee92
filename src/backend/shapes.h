/* What the dispatchers ask of shapes and buffers. */
#ifndef PT_BACKEND_SHAPES_H
#define PT_BACKEND_SHAPES_H

#include "backend/backend.h"

/* Devices count in 32 bits along one side, where a group's step may go beyond the end. */
#define MOST_SIDE ((size_t)UINT32_MAX - 4096)

/* An op of no size is a fault of the caller. */
static inline bool side(size_t n)
{
    return n > 0 && n <= MOST_SIDE;
}

/* Whether the buffer has room for rows x columns. */
static inline bool holds(const pt_buffer *buffer, size_t n_rows, size_t columns)
{
    return buffer->count / columns >= n_rows;
}

/* A map has two or three columns. */
static inline bool map_columns(size_t d)
{
    return d == 2 || d == 3;
}

#endif
