/* anchors: with z n x (k + d), a k x d: p = softmax of z's first k columns, y = p a + z's last d columns; p n x k, y n x d, d 2 or 3.
 * anchors_gradient: from g = dL/dy, with q = g a': gz's first k columns are p o (q - rowsum(p o q)) + share (p - onehot(class)), its last
 * d are g; without classes the last term is left out.
 *
 * A group per row, which it goes along. */
#include "ptsne.clh"

PT_KERNEL void anchors(global const float *z, const ulong z_at, const uint k, const uint d, global const float *a,
                       const ulong a_at, global float *p, const ulong p_at, global float *y, const ulong y_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    z += z_at + i * ((size_t)k + d);
    p += p_at + i * k;
    float4 most = -INFINITY;
    for (uint j = PT_LANE; j < k; j += WG) { most.x = fmax(most.x, z[j]); }
    const float top = pt_group_max(most, part).x;
    float4 sum = 0.0f;
    for (uint j = PT_LANE; j < k; j += WG) {
        const float share = exp(z[j] - top);
        p[j] = share;
        sum.x += share;
    }
    const float whole = pt_group_sum(sum, part).x;
    float4 place = 0.0f;
    for (uint j = PT_LANE; j < k; j += WG) {
        const float share = p[j] / whole;
        p[j] = share;
        place += share * pt_map_row(a + a_at, j, d);
    }
    place = pt_group_sum(place, part);
    if (PT_LANE == 0) { pt_map_store(y + y_at, i, d, place + pt_map_row(z + k, 0, d)); }
}

PT_KERNEL void anchors_gradient(global const float *p, const ulong p_at, const uint k, const uint d,
                                global const float *a, const ulong a_at, global const float *g, const ulong g_at,
                                const uint classes, global const uint *class_of, const ulong class_at,
                                const float share, global float *gz, const ulong gz_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    a += a_at;
    p += p_at + i * k;
    gz += gz_at + i * ((size_t)k + d);
    const float4 pull = pt_map_row(g + g_at, i, d);
    const uint own = classes ? class_of[class_at + i] : k;
    const float weight = classes ? share : 0.0f;
    float4 sum = 0.0f;
    for (uint j = PT_LANE; j < k; j += WG) { sum.x += p[j] * dot(pull, pt_map_row(a, j, d)); }
    const float mean = pt_group_sum(sum, part).x;
    for (uint j = PT_LANE; j < k; j += WG) {
        const float here = p[j], q = dot(pull, pt_map_row(a, j, d));
        gz[j] = here * (q - mean) + weight * (j == own ? here - 1.0f : here);
    }
    if (PT_LANE == 0) { pt_map_store(gz + k, 0, d, pull); }
}
