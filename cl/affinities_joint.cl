/* affinities_joint: joint[i][j] = (p[i][j] + p[j][i]) / (2 n), both n x n, not the same.
 *
 * A group per tile of SIDE x SIDE; the mirror tile passes through local memory, so that both are read along rows. a + b and b + a
 * are the same number, so the result is exactly symmetric. */
#include "ptsne.clh"

#define SIDE 32

PT_KERNEL void affinities_joint(global const float *p, const ulong p_at, const uint n, const float twice_n,
                                global float *joint, const ulong joint_at)
{
    local float mirror[SIDE][SIDE + 1];
    p += p_at;
    joint += joint_at;
    const uint across = (n + SIDE - 1) / SIDE;
    const uint i0 = (uint)(PT_GROUP / across) * SIDE;
    const uint j0 = (uint)(PT_GROUP % across) * SIDE;
    for (uint t = PT_LANE; t < SIDE * SIDE; t += WG) {
        const uint row = t / SIDE, column = t % SIDE;
        if (j0 + row < n && i0 + column < n) { mirror[row][column] = p[(size_t)(j0 + row) * n + i0 + column]; }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint t = PT_LANE; t < SIDE * SIDE; t += WG) {
        const uint row = t / SIDE, column = t % SIDE;
        if (i0 + row < n && j0 + column < n) {
            const size_t at = (size_t)(i0 + row) * n + j0 + column;
            joint[at] = (p[at] + mirror[column][row]) / twice_n;
        }
    }
}
