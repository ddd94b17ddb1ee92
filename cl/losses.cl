/* cross_entropy: with p = softmax(z), z n x k, of `chunk` rows a group: parts[group] = sum of -log p[i][class i],
 * parts[groups + group] = how many rows' largest z, the first of equal ones, is not that of their class; gradient =
 * share (p - onehot(class)) where wanted.
 * squared_error: parts[group] = sum of (y - target)^2 over `chunk` of the count elements; gradient = share (y - target).
 * cauchy_error: with r = y[i] - target[i], parts[group] = sum of log(h^2 + |r|^2) over `chunk` of the n rows; gradient =
 * share r / (h^2 + |r|^2).
 * loss_total: one group adds `count` parts: loss[0] = scale sum. Sums are compensated. */
#include "ptsne.clh"

/* One row: x its loss, y 1 where it is wrong; with its gradient where that is not NULL. */
static float2 entropy_row(global const float *z, const uint own, const uint k, const float share,
                          global float *gradient, local float4 *part)
{
    float4 most = -INFINITY;
    for (uint j = PT_LANE; j < k; j += WG) { most.x = fmax(most.x, z[j]); }
    const float top = pt_group_max(most, part).x;
    float4 sum = 0.0f; /* x: the other classes' part; y: how many before it are as large as any */
    for (uint j = PT_LANE; j < k; j += WG) {
        if (j != own) { sum.x += exp(z[j] - top); }
        if (j < own && z[j] == top) { sum.y += 1.0f; }
    }
    sum = pt_group_sum(sum, part);
    const float apart = z[own] - top, whole = sum.x + exp(apart);
    for (uint j = PT_LANE; j < k && gradient != 0; j += WG) {
        gradient[j] = share * ((j == own ? -sum.x : exp(z[j] - top)) / whole);
    }
    /* of a class that is the largest: nothing of a small loss is lost beside the 1 */
    return (float2)(apart == 0.0f ? log1p(sum.x) : log(whole) - apart, apart == 0.0f && sum.y == 0.0f ? 0.0f : 1.0f);
}

PT_KERNEL void cross_entropy(global const float *z, const ulong z_at, global const uint *class_of, const ulong class_at,
                             const uint n, const uint k, const uint chunk, const uint groups, const float share,
                             const uint want_gradient, global float *parts, const ulong parts_at,
                             global float *gradient, const ulong gradient_at)
{
    local float4 part[WG];
    const uint first = (uint)PT_GROUP * chunk, end = first + min(n - first, chunk);
    float2 sum = 0.0f;
    float wrong = 0.0f;
    for (size_t i = first; i < end; i++) {
        global float *row = want_gradient ? gradient + gradient_at + i * k : 0;
        const float2 told = entropy_row(z + z_at + i * k, class_of[class_at + i], k, share, row, part);
        sum = pt_two_add(sum, told.x);
        wrong += told.y;
    }
    if (PT_LANE == 0) {
        parts[parts_at + PT_GROUP] = sum.x + sum.y;
        parts[parts_at + groups + PT_GROUP] = wrong;
    }
}

PT_KERNEL void squared_error(global const float *y, const ulong y_at, global const float *target, const ulong target_at,
                             const ulong count, const ulong chunk, const float share, const uint want_gradient,
                             global float *parts, const ulong parts_at, global float *gradient, const ulong gradient_at)
{
    local float2 part[WG];
    const ulong first = (ulong)PT_GROUP * chunk, end = first + min(count - first, chunk);
    float2 sum = 0.0f;
    for (ulong t = first + PT_LANE; t < end; t += WG) {
        const float apart = y[y_at + t] - target[target_at + t];
        sum = pt_two_add(sum, apart * apart);
        if (want_gradient) { gradient[gradient_at + t] = share * apart; }
    }
    sum = pt_group_two_sum(sum, part);
    if (PT_LANE == 0) { parts[parts_at + PT_GROUP] = sum.x + sum.y; }
}

PT_KERNEL void cauchy_error(global const float *y, const ulong y_at, global const float *target, const ulong target_at,
                            const uint n, const uint d, const uint chunk, const float h, const float share,
                            const uint want_gradient, global float *parts, const ulong parts_at, global float *gradient,
                            const ulong gradient_at)
{
    local float2 part[WG];
    const ulong first = (ulong)PT_GROUP * chunk, end = min((ulong)n, first + chunk);
    float2 sum = 0.0f;
    for (ulong i = first + PT_LANE; i < end; i += WG) {
        const float4 apart = pt_map_row(y + y_at, i, d) - pt_map_row(target + target_at, i, d);
        const float away = h * h + dot(apart, apart);
        sum = pt_two_add(sum, log(away));
        if (want_gradient) { pt_map_store(gradient + gradient_at, i, d, share * apart / away); }
    }
    sum = pt_group_two_sum(sum, part);
    if (PT_LANE == 0) { parts[parts_at + PT_GROUP] = sum.x + sum.y; }
}

PT_KERNEL void loss_total(global const float *parts, const ulong parts_at, const uint count, const float scale,
                          global float *loss, const ulong loss_at)
{
    local float2 part[WG];
    float2 sum = 0.0f;
    for (uint t = PT_LANE; t < count; t += WG) { sum = pt_two_add(sum, parts[parts_at + t]); }
    sum = pt_group_two_sum(sum, part);
    if (PT_LANE == 0) { loss[loss_at] = scale * (sum.x + sum.y); }
}
