/* Moments of columns, and batch normalisation by them (Ioffe and Szegedy, ICML 2015); x n x d,
 * xhat = (x - mean) / sqrt(variance + epsilon).
 *
 * moments_parts: parts[c][0][j] and parts[c][1][j] = sums over the rows of chunk c of x[i][j] - shift[j] and of its square.
 * moments_total: from those, mean[j] = shift[j] + sum / n and variance[j]; mean may be shift. A first round about the first row and a
 * second one about the mean leave no cancellation.
 * normalize_apply (`normalize` is a function of the language): y = activation(gain xhat + shift), element by element.
 * normalize_parts: the same sums of g and of g xhat; normalize_total: those of all chunks, shift_gradient and gain_gradient.
 * normalize_gradient: g = gain / sqrt(variance + epsilon) (g - (shift_gradient + xhat gain_gradient) / n), element by element.
 *
 * Parts: a group takes some columns of one chunk of `chunk` rows (columns.clh); total: the same of the chunks. */
#include "activation.clh"
#include "columns.clh"
#include "ptsne.clh"

/* The two sums of the column and the chunk `at`. */
static void store_parts(global float *parts, const uint2 at, const uint d, const float first, const float second)
{
    if (PT_LANE < COLUMNS && at.x < d) {
        parts += (size_t)at.y * 2 * d;
        parts[at.x] = first;
        parts[(size_t)d + at.x] = second;
    }
}

PT_KERNEL void moments_parts(global const float *x, const ulong x_at, const uint n, const uint d, const uint chunk,
                             global const float *shift, const ulong shift_at, global float *parts, const ulong parts_at)
{
    local float2 part[WG];
    const uint2 at = column_chunk(d);
    const uint j = at.x, from = at.y * chunk, to = from + min(n - from, chunk);
    float2 sum = 0.0f, squares = 0.0f;
    if (j < d) {
        const float origin = shift[shift_at + j];
        for (uint i = from + PT_LANE / COLUMNS; i < to; i += SLICES) {
            const float apart = x[x_at + (size_t)i * d + j] - origin;
            sum = pt_two_add(sum, apart);
            squares = pt_two_add(squares, apart * apart);
        }
    }
    const float first = join_slices(sum, part), second = join_slices(squares, part);
    store_parts(parts + parts_at, at, d, first, second);
}

/* Over all chunks, sum `which` (0 or 1) of column j. */
static float total_of(global const float *parts, const uint chunks, const uint d, const uint j, const uint which,
                      local float2 *part)
{
    float2 sum = 0.0f;
    if (j < d) {
        for (uint c = PT_LANE / COLUMNS; c < chunks; c += SLICES) {
            sum = pt_two_add(sum, parts[((size_t)c * 2 + which) * d + j]);
        }
    }
    return join_slices(sum, part);
}

PT_KERNEL void moments_total(global const float *parts, const ulong parts_at, const uint chunks, const uint n,
                             const uint d, global const float *shift, const ulong shift_at, global float *mean,
                             const ulong mean_at, global float *variance, const ulong variance_at)
{
    local float2 part[WG];
    const uint j = column_chunk(d).x;
    const float sum = total_of(parts + parts_at, chunks, d, j, 0, part) / (float)n;
    const float square = total_of(parts + parts_at, chunks, d, j, 1, part) / (float)n;
    if (PT_LANE < COLUMNS && j < d) {
        const float spread = square - sum * sum;
        mean[mean_at + j] = shift[shift_at + j] + sum;
        variance[variance_at + j] = spread < 0.0f ? 0.0f : spread; /* a NaN stays one */
    }
}

PT_KERNEL void normalize_apply(global const float *x, const ulong x_at, const ulong count, const uint d,
                               global const float *mean, const ulong mean_at, global const float *variance,
                               const ulong variance_at, global const float *gain, const ulong gain_at,
                               global const float *shift, const ulong shift_at, const float epsilon,
                               const uint activation, global float *y, const ulong y_at)
{
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint j = pt_row_column(t, d).y;
        const float apart = x[x_at + t] - mean[mean_at + j];
        const float scaled = gain[gain_at + j] * apart / sqrt(variance[variance_at + j] + epsilon);
        y[y_at + t] = activate(scaled + shift[shift_at + j], activation);
    }
}

PT_KERNEL void normalize_parts(global const float *x, const ulong x_at, const uint n, const uint d, const uint chunk,
                               global const float *mean, const ulong mean_at, global const float *variance,
                               const ulong variance_at, const float epsilon, global const float *g, const ulong g_at,
                               global float *parts, const ulong parts_at)
{
    local float2 part[WG];
    const uint2 at = column_chunk(d);
    const uint j = at.x, from = at.y * chunk, to = from + min(n - from, chunk);
    float2 sum = 0.0f, scaled = 0.0f;
    if (j < d) {
        const float origin = mean[mean_at + j], width = sqrt(variance[variance_at + j] + epsilon);
        for (uint i = from + PT_LANE / COLUMNS; i < to; i += SLICES) {
            const size_t t = (size_t)i * d + j;
            sum = pt_two_add(sum, g[g_at + t]);
            scaled = pt_two_add(scaled, g[g_at + t] * ((x[x_at + t] - origin) / width));
        }
    }
    const float first = join_slices(sum, part), second = join_slices(scaled, part);
    store_parts(parts + parts_at, at, d, first, second);
}

PT_KERNEL void normalize_total(global const float *parts, const ulong parts_at, const uint chunks, const uint d,
                               global float *gain_gradient, const ulong gain_at, global float *shift_gradient,
                               const ulong shift_at)
{
    local float2 part[WG];
    const uint j = column_chunk(d).x;
    const float first = total_of(parts + parts_at, chunks, d, j, 0, part);
    const float second = total_of(parts + parts_at, chunks, d, j, 1, part);
    if (PT_LANE < COLUMNS && j < d) {
        shift_gradient[shift_at + j] = first;
        gain_gradient[gain_at + j] = second;
    }
}

PT_KERNEL void normalize_gradient(global const float *x, const ulong x_at, const ulong count, const uint n,
                                  const uint d, global const float *mean, const ulong mean_at,
                                  global const float *variance, const ulong variance_at, global const float *gain,
                                  const ulong gain_at, const float epsilon, global const float *gain_gradient,
                                  const ulong gain_gradient_at, global const float *shift_gradient,
                                  const ulong shift_gradient_at, global float *g, const ulong g_at)
{
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint j = pt_row_column(t, d).y;
        const float width = sqrt(variance[variance_at + j] + epsilon);
        const float scaled = (x[x_at + t] - mean[mean_at + j]) / width;
        const float common = shift_gradient[shift_gradient_at + j] + scaled * gain_gradient[gain_gradient_at + j];
        g[g_at + t] = gain[gain_at + j] / width * (g[g_at + t] - common / (float)n);
    }
}
