/* affinities_conditional: p[i][j] (+)= weight exp(-beta_i d2_ij) / sum, beta_i so that the entropy of row i is `entropy` nats.
 *
 * d2, p m x k, beta m. A group per row; row i leaves out column self_from + i where that is below k. Distances are
 * taken less their row's minimum and divided by the largest left, so that nothing overflows whatever their unit: in these, beta
 * is searched by Newton steps in log beta, kept inside a bracket. All lanes hold the same sums, so they take the same turns. */
#include "ptsne.clh"

#define TOLERANCE 3.0e-6f /* nats; 1e-5 bits are promised, and log may be off by 1e-6 */
#define STEPS 100         /* Newton takes 4 to 8; bisection in the worst case some 40 */

/* What column j counts: INFINITY for those that get no share. */
static float distance_at(global const float *d2, const uint j, const ulong self)
{
    const float d = d2[j];
    return j == self || !isfinite(d) ? INFINITY : d;
}

PT_KERNEL void affinities_conditional(global const float *d2, const ulong d2_at, const uint k, const ulong self_from,
                                      const uint has_self, const float perplexity, const float entropy,
                                      const float weight, const uint accumulate, global float *p, const ulong p_at,
                                      global float *beta, const ulong beta_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    const uint lane = PT_LANE;
    const ulong self = has_self ? self_from + i : ~0UL;
    d2 += d2_at + i * k;
    p += p_at + i * k;

    float4 ends = -INFINITY; /* x: -least, y: greatest */
    for (uint j = lane; j < k; j += WG) {
        const float d = distance_at(d2, j, self);
        if (d < INFINITY) { ends = fmax(ends, (float4)(-d, d, 0.0f, 0.0f)); }
    }
    ends = pt_group_max(ends, part);
    const float least = -ends.x;
    const float spread = ends.y - least;
    const float unit = spread > 0.0f && spread < INFINITY ? spread : 1.0f;
    float4 counts = 0.0f; /* x: neighbours that can have a share, y: those at the least distance */
    for (uint j = lane; j < k; j += WG) {
        const float d = distance_at(d2, j, self);
        counts.x += d < INFINITY ? 1.0f : 0.0f;
        counts.y += d < INFINITY && d == least ? 1.0f : 0.0f;
    }
    counts = pt_group_sum(counts, part);

    float precision = 1.0f, sum = counts.x, low = 0.0f, high = INFINITY;
    const int flat = counts.x <= perplexity; /* cannot be reached from below: uniform over all */
    const int sharp = !flat && counts.y >= perplexity; /* nor from above: uniform over the least */
    if (flat) { precision = 0.0f; }
    if (sharp) {
        precision = INFINITY;
        sum = counts.y;
    }
    for (uint step = 0; step < STEPS && !flat && !sharp; step++) {
        float4 moments = 0.0f; /* x: sum of e, y: of e d, z: of e d^2 */
        for (uint j = lane; j < k; j += WG) {
            const float d = (distance_at(d2, j, self) - least) / unit;
            if (d < INFINITY) {
                const float e = exp(-precision * d);
                moments += e * (float4)(1.0f, d, d * d, 0.0f);
            }
        }
        moments = pt_group_sum(moments, part);
        sum = moments.x;
        const float mean = precision * (moments.y / sum);
        const float variance = precision * precision * (moments.z / sum) - mean * mean;
        const float excess = log(sum) + mean - entropy;
        if (fabs(excess) <= TOLERANCE) { break; }
        if (excess > 0.0f) {
            low = precision;
        } else {
            high = precision;
        }
        float next = precision * exp(clamp(excess / fmax(variance, 1.0e-6f), -4.0f, 4.0f));
        if (!(next > low && next < high)) {
            if (high == INFINITY) {
                next = low * 16.0f;
            } else {
                next = low > 0.0f ? sqrt(low) * sqrt(high) : high / 16.0f;
            }
        }
        if (next == precision || next == INFINITY || next == 0.0f) { break; }
        precision = next;
    }

    for (uint j = lane; j < k; j += WG) {
        const float d = (distance_at(d2, j, self) - least) / unit;
        float share = 0.0f;
        if (d < INFINITY) {
            const float e = sharp ? (d == 0.0f ? 1.0f : 0.0f) : exp(-precision * d);
            share = weight * (e / sum);
        }
        p[j] = accumulate ? p[j] + share : share;
    }
    if (lane == 0) { beta[beta_at + i] = precision / unit; }
}
