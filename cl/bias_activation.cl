/* bias_activation: x[i][j] = activation(x[i][j] + bias[j]); x n x d (count elements), bias d.
 * activation_gradient: g[t] *= activation', told from its result y[t].
 *
 * Element by element: a group takes WG x PT_EACH of them, neighbours side by side. activation is pt_activation's number. */
#include "ptsne.clh"
#include "activation.clh"

static float slope(const float y, const uint activation)
{
    switch (activation) {
    case RELU: return y > 0.0f ? 1.0f : 0.0f;
    case ELU: return y > 0.0f ? 1.0f : y + 1.0f;
    case TANH: return 1.0f - y * y;
    case SIGMOID: return y * (1.0f - y);
    default: return 1.0f;
    }
}

PT_KERNEL void bias_activation(global float *x, const ulong x_at, const ulong count, const uint d,
                               global const float *bias, const ulong bias_at, const uint activation)
{
    x += x_at;
    bias += bias_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t < count) { x[t] = activate(x[t] + bias[pt_row_column(t, d).y], activation); }
    }
}

PT_KERNEL void activation_gradient(global const float *y, const ulong y_at, const ulong count, const uint activation,
                                   global float *g, const ulong g_at)
{
    y += y_at;
    g += g_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t < count) { g[t] *= slope(y[t], activation); }
    }
}
