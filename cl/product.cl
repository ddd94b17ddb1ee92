/* product: c = alpha op(a) op(b) + beta c; op(a) m x k, op(b) k x n, strides as stored. With beta 0 c is not read.
 *
 * product_tiled: any shape; a group computes a tile of TILE_M x TILE_N through local memory, a work-item 4 x 4 of it.
 * product_narrow: n <= 4, a as it is; a group sums one row of c along k.
 * product_narrow_transposed: n <= 4, a transposed; a group has ROWS rows of c and SLICES of k side by side.
 * product_shallow: k <= 4; element by element of c.
 * product_slices: a transposed, b as it is, long k; the products of slices of k apart: parts slices x m x n, tiles as above. */
#include "ptsne.clh"

#define TILE_M (4 * PT_HIGH)
#define TILE_N (4 * PT_WIDE)
#define DEPTH  16

#if WG < 16
#define ROWS WG
#else
#define ROWS 16
#endif
#define SLICES (WG / ROWS)

static void store(global float *c, const float value, const float alpha, const float beta)
{
    *c = beta == 0.0f ? alpha * value : alpha * value + beta * *c;
}

/* Entry (row, column) of op(x). */
static float entry(global const float *x, const uint transpose, const ulong stride, const uint row, const uint column)
{
    return transpose ? x[column * stride + row] : x[row * stride + column];
}

static void store_row(global float *c, const uint left, const float4 row, const float alpha, const float beta)
{
    if (left > 0) { store(c, row.x, alpha, beta); }
    if (left > 1) { store(c + 1, row.y, alpha, beta); }
    if (left > 2) { store(c + 2, row.z, alpha, beta); }
    if (left > 3) { store(c + 3, row.w, alpha, beta); }
}

/* Where a group's tile lies, and a work-item's part of it. */
typedef struct place {
    uint i0, j0;      /* the tile's first row and column */
    uint row, column; /* the item's, in the tile */
} place;

static place place_of(const uint tile, const uint n)
{
    const uint across = (n + TILE_N - 1) / TILE_N;
    const place at = {tile / across * TILE_M, tile % across * TILE_N, PT_LANE / PT_WIDE * 4, PT_LANE % PT_WIDE * 4};
    return at;
}

/* sum = the item's 4 x 4 entries of op(a) op(b), of the terms from `from` to `to`. */
static void tile_product(global const float *a, global const float *b, const uint transpose_a, const uint transpose_b,
                         const uint m, const uint n, const uint from, const uint to, const ulong stride_a,
                         const ulong stride_b, const place at, local float (*tile_a)[TILE_M + 1],
                         local float (*tile_b)[TILE_N + 1], float4 *sum)
{
    const uint lane = PT_LANE, i0 = at.i0, j0 = at.j0, row = at.row, column = at.column;
    sum[0] = sum[1] = sum[2] = sum[3] = 0.0f;
    for (uint k0 = from; k0 < to; k0 += DEPTH) {
        for (uint t = lane; t < DEPTH * TILE_M; t += WG) { /* neighbours read neighbours, either way */
            const uint i = transpose_a ? t % TILE_M : t / DEPTH, z = transpose_a ? t / TILE_M : t % DEPTH;
            tile_a[z][i] = i0 + i < m && k0 + z < to ? entry(a, transpose_a, stride_a, i0 + i, k0 + z) : 0.0f;
        }
        for (uint t = lane; t < DEPTH * TILE_N; t += WG) {
            const uint j = transpose_b ? t / DEPTH : t % TILE_N, z = transpose_b ? t % DEPTH : t / TILE_N;
            tile_b[z][j] = j0 + j < n && k0 + z < to ? entry(b, transpose_b, stride_b, k0 + z, j0 + j) : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint deep = min(to - k0, (uint)DEPTH); /* padding times infinity would be NaN */
        for (uint z = 0; z < deep; z++) {
            const float4 right =
                (float4)(tile_b[z][column], tile_b[z][column + 1], tile_b[z][column + 2], tile_b[z][column + 3]);
            sum[0] += tile_a[z][row] * right;
            sum[1] += tile_a[z][row + 1] * right;
            sum[2] += tile_a[z][row + 2] * right;
            sum[3] += tile_a[z][row + 3] * right;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

static void store_tile(global float *c, const place at, const uint m, const uint n, const ulong stride,
                       const float4 *sum, const float alpha, const float beta)
{
    const uint i = at.i0 + at.row, j = at.j0 + at.column;
    if (j >= n) { return; }
    if (i < m) { store_row(c + i * stride + j, n - j, sum[0], alpha, beta); }
    if (i + 1 < m) { store_row(c + (i + 1) * stride + j, n - j, sum[1], alpha, beta); }
    if (i + 2 < m) { store_row(c + (i + 2) * stride + j, n - j, sum[2], alpha, beta); }
    if (i + 3 < m) { store_row(c + (i + 3) * stride + j, n - j, sum[3], alpha, beta); }
}

PT_KERNEL void product_tiled(global const float *a, const ulong a_at, global const float *b, const ulong b_at,
                             global float *c, const ulong c_at, const uint transpose_a, const uint transpose_b,
                             const uint m, const uint n, const uint k, const float alpha, const float beta,
                             const ulong stride_a, const ulong stride_b, const ulong stride_c)
{
    local float tile_a[DEPTH][TILE_M + 1];
    local float tile_b[DEPTH][TILE_N + 1];
    float4 sum[4];
    const place at = place_of((uint)PT_GROUP, n);
    tile_product(a + a_at, b + b_at, transpose_a, transpose_b, m, n, 0, k, stride_a, stride_b, at, tile_a, tile_b, sum);
    store_tile(c + c_at, at, m, n, stride_c, sum, alpha, beta);
}

PT_KERNEL void product_slices(global const float *a, const ulong a_at, global const float *b, const ulong b_at,
                              const uint m, const uint n, const uint k, const uint slice, const ulong stride_a,
                              const ulong stride_b, global float *parts, const ulong parts_at)
{
    local float tile_a[DEPTH][TILE_M + 1];
    local float tile_b[DEPTH][TILE_N + 1];
    float4 sum[4];
    const uint tiles = ((m + TILE_M - 1) / TILE_M) * ((n + TILE_N - 1) / TILE_N);
    const uint number = (uint)PT_GROUP / tiles, from = number * slice;
    const place at = place_of((uint)PT_GROUP % tiles, n);
    tile_product(a + a_at, b + b_at, 1, 0, m, n, from, from + min(k - from, slice), stride_a, stride_b, at, tile_a,
                 tile_b, sum);
    store_tile(parts + parts_at + (size_t)number * m * n, at, m, n, n, sum, 1.0f, 0.0f);
}

/* Row z of op(b), n <= 4 entries. */
static float4 narrow_row(global const float *b, const uint transpose, const ulong stride, const uint z, const uint n)
{
    return (float4)(entry(b, transpose, stride, z, 0), n > 1 ? entry(b, transpose, stride, z, 1) : 0.0f,
                    n > 2 ? entry(b, transpose, stride, z, 2) : 0.0f, n > 3 ? entry(b, transpose, stride, z, 3) : 0.0f);
}

PT_KERNEL void product_narrow(global const float *a, const ulong a_at, global const float *b, const ulong b_at,
                              global float *c, const ulong c_at, const uint transpose_a, const uint transpose_b,
                              const uint m, const uint n, const uint k, const float alpha, const float beta,
                              const ulong stride_a, const ulong stride_b, const ulong stride_c)
{
    local float4 part[WG];
    (void)m; /* one group a row */
    a += a_at;
    b += b_at;
    c += c_at;
    const uint lane = PT_LANE;
    const uint i = (uint)PT_GROUP;
    float4 sum = 0.0f;
    for (uint z = lane; z < k; z += WG) {
        sum += entry(a, transpose_a, stride_a, i, z) * narrow_row(b, transpose_b, stride_b, z, n);
    }
    sum = pt_group_sum(sum, part);
    if (lane == 0) { store_row(c + i * stride_c, n, sum, alpha, beta); }
}

PT_KERNEL void product_narrow_transposed(global const float *a, const ulong a_at, global const float *b,
                                         const ulong b_at, global float *c, const ulong c_at, const uint transpose_a,
                                         const uint transpose_b, const uint m, const uint n, const uint k,
                                         const float alpha, const float beta, const ulong stride_a,
                                         const ulong stride_b, const ulong stride_c)
{
    local float4 part[WG];
    a += a_at;
    b += b_at;
    c += c_at;
    const uint lane = PT_LANE;
    const uint i = (uint)PT_GROUP * ROWS + lane % ROWS;
    float4 sum = 0.0f;
    if (i < m) {
        for (uint z = lane / ROWS; z < k; z += SLICES) {
            sum += entry(a, transpose_a, stride_a, i, z) * narrow_row(b, transpose_b, stride_b, z, n);
        }
    }
    part[lane] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < ROWS && i < m) {
        for (uint slice = 1; slice < SLICES; slice++) { sum += part[slice * ROWS + lane]; }
        store_row(c + i * stride_c, n, sum, alpha, beta);
    }
}

PT_KERNEL void product_shallow(global const float *a, const ulong a_at, global const float *b, const ulong b_at,
                               global float *c, const ulong c_at, const uint transpose_a, const uint transpose_b,
                               const uint m, const uint n, const uint k, const float alpha, const float beta,
                               const ulong stride_a, const ulong stride_b, const ulong stride_c)
{
    a += a_at;
    b += b_at;
    c += c_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= (ulong)m * n) { continue; }
        const uint2 place = pt_row_column(t, n);
        float sum = 0.0f;
        for (uint z = 0; z < k; z++) {
            sum += entry(a, transpose_a, stride_a, place.x, z) * entry(b, transpose_b, stride_b, z, place.y);
        }
        store(c + place.x * stride_c + place.y, sum, alpha, beta);
    }
}
