/* tsne_gradient: with w_ij = 1 / (1 + |y_i - y_j|^2), 0 on the diagonal, Z = sum of all w, q = w / Z:
 *   gradient[i] = 4 sum_j (exaggeration p_ij - q_ij) w_ij (y_i - y_j), loss[0] = sum of p_ij log(p_ij / q_ij) over p_ij > 0.
 *
 * Three launches. tsne_rows: a group per row reads p once, along the row, and leaves in `gradient` the pull
 * sum p w (y_i - y_j), in `push` (n x d) sum w^2 (y_i - y_j), and in `sums` (n x 3) the sums of w, of p log(p pairs (1 + d^2)), of p.
 * tsne_total: one group adds the rows' sums, compensated, into total: Z and the loss. tsne_finish: a work-item per entry.
 *
 * pairs = n (n - 1) stands for Z until Z is known: without it the terms of the loss would be some ten times larger than their
 * sum. */
#include "ptsne.clh"

PT_KERNEL void tsne_rows(global const float *p, const ulong p_at, global const float *y, const ulong y_at, const uint n,
                         const uint d, const float pairs, global float *gradient, const ulong gradient_at,
                         global float *push, const ulong push_at, global float *sums, const ulong sums_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    p += p_at + i * n;
    y += y_at;
    const float4 mine = pt_map_row(y, i, d);
    float4 pulls = 0.0f, pushes = 0.0f; /* w of pulls: sum of w; w of pushes: the loss's terms */
    float4 share = 0.0f;                /* x: sum of p */
    for (uint j = PT_LANE; j < n; j += WG) {
        if (j == i) { continue; }
        const float4 apart = mine - pt_map_row(y, j, d);
        const float away = 1.0f + dot(apart, apart);
        const float w = 1.0f / away;
        const float near = p[j];
        pulls += near * w * apart;
        pushes += w * w * apart;
        pulls.w += w;
        if (near > 0.0f) {
            pushes.w += near * log(near * pairs * away);
            share.x += near;
        }
    }
    pulls = pt_group_sum(pulls, part);
    pushes = pt_group_sum(pushes, part);
    share = pt_group_sum(share, part);
    if (PT_LANE == 0) {
        pt_map_store(gradient + gradient_at, i, d, pulls);
        pt_map_store(push + push_at, i, d, pushes);
        sums += sums_at + 3 * i;
        sums[0] = pulls.w;
        sums[1] = pushes.w;
        sums[2] = share.x;
    }
}

PT_KERNEL void tsne_total(global const float *sums, const ulong sums_at, const uint n, const float pairs,
                          global float *total, const ulong total_at, global float *loss, const ulong loss_at)
{
    local float2 part[WG];
    sums += sums_at;
    float2 z = 0.0f, terms = 0.0f, share = 0.0f;
    for (size_t i = PT_LANE; i < n; i += WG) {
        z = pt_two_add(z, sums[3 * i]);
        terms = pt_two_add(terms, sums[3 * i + 1]);
        share = pt_two_add(share, sums[3 * i + 2]);
    }
    z = pt_group_two_sum(z, part);
    terms = pt_group_two_sum(terms, part);
    share = pt_group_two_sum(share, part);
    if (PT_LANE == 0) {
        const float all = z.x + z.y;
        const float whole = all == 0.0f ? 1.0f : all; /* one point alone */
        total[total_at] = whole;
        loss[loss_at] = share.x > 0.0f ? terms.x + (terms.y + (share.x + share.y) * log(whole / pairs)) : 0.0f;
    }
}

PT_KERNEL void tsne_finish(global const float *total, const ulong total_at, global const float *push,
                           const ulong push_at, const ulong count, const float exaggeration, global float *gradient,
                           const ulong gradient_at)
{
    push += push_at;
    gradient += gradient_at;
    const float z = total[total_at];
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t < count) { gradient[t] = 4.0f * (exaggeration * gradient[t] - push[t] / z); }
    }
}
