/* edges_gradient: rows 0 .. m - 1 of y are heads, m .. 2m - 1 their tails; edge e joins e and m + e; sample: the point a row shows.
 * Two rows that show one point neither push nor pull, nor do partners push each other. With w_ij = 1 / (1 + |y_i - y_j|^2), Z = sum of w
 * over ordered pairs that push, t the partner:
 *   loss[0] = exaggeration / m sum_e log(1 + d_e^2) + log Z,
 *   gradient[i] = (2 exaggeration / m) w_it (y_i - y_t) - (4 / Z) sum_j w_ij^2 (y_i - y_j).
 *
 * Three launches. edges_rows: a group per row leaves in `gradient` sum_j w^2 (y_i - y_j), in `sums` (2m x 2) the row's sum of w
 * and, for heads, log(1 + d_e^2). edges_total: one group adds them, compensated, into total (Z) and the loss. edges_finish: a
 * work-item per row. */
#include "ptsne.clh"

PT_KERNEL void edges_rows(global const float *y, const ulong y_at, global const uint *sample, const ulong sample_at,
                          const uint m, const uint d, global float *gradient, const ulong gradient_at,
                          global float *sums, const ulong sums_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    const size_t partner = i < m ? i + m : i - m;
    y += y_at;
    sample += sample_at;
    const float4 mine = pt_map_row(y, i, d);
    const uint shown = sample[i];
    float4 pushes = 0.0f; /* w: sum of w */
    for (uint j = PT_LANE; j < 2 * m; j += WG) {
        if (sample[j] == shown || j == partner) { continue; }
        const float4 apart = mine - pt_map_row(y, j, d);
        const float w = 1.0f / (1.0f + dot(apart, apart));
        pushes += w * w * apart;
        pushes.w += w;
    }
    pushes = pt_group_sum(pushes, part);
    if (PT_LANE == 0) {
        const float4 apart = mine - pt_map_row(y, partner, d);
        pt_map_store(gradient + gradient_at, i, d, pushes);
        sums += sums_at + 2 * i;
        sums[0] = pushes.w;
        sums[1] = i < m && sample[partner] != shown ? log1p(dot(apart, apart)) : 0.0f;
    }
}

PT_KERNEL void edges_total(global const float *sums, const ulong sums_at, const uint m, const float exaggeration,
                           global float *total, const ulong total_at, global float *loss, const ulong loss_at)
{
    local float2 part[WG];
    sums += sums_at;
    float2 z = 0.0f, pulls = 0.0f;
    for (size_t i = PT_LANE; i < 2 * (size_t)m; i += WG) {
        z = pt_two_add(z, sums[2 * i]);
        pulls = pt_two_add(pulls, sums[2 * i + 1]);
    }
    z = pt_group_two_sum(z, part);
    pulls = pt_group_two_sum(pulls, part);
    if (PT_LANE == 0) {
        const float whole = z.x + z.y; /* at least 1e-12, but a NaN stays one */
        const float least = whole < 1.0e-12f ? 1.0e-12f : whole;
        total[total_at] = least;
        loss[loss_at] = exaggeration * ((pulls.x + pulls.y) / m) + log(least);
    }
}

PT_KERNEL void edges_finish(global const float *y, const ulong y_at, global const uint *sample, const ulong sample_at,
                            const uint m, const uint d, const float exaggeration, global const float *total,
                            const ulong total_at, global float *gradient, const ulong gradient_at)
{
    const size_t i = get_global_id(0);
    if (i >= 2 * (size_t)m) { return; }
    const size_t partner = i < m ? i + m : i - m;
    y += y_at;
    sample += sample_at;
    gradient += gradient_at;
    const float4 apart = pt_map_row(y, i, d) - pt_map_row(y, partner, d);
    const float w = 1.0f / (1.0f + dot(apart, apart));
    const float pull = sample[i] != sample[partner] ? 2.0f * exaggeration / m * w : 0.0f;
    pt_map_store(gradient, i, d, pull * apart - 4.0f / total[total_at] * pt_map_row(gradient, i, d));
}
