/* sgd_step: v = momentum v - learning_rate g; w += v.
 * adam_step: Kingma and Ba, ICLR 2015; correction = 1 / (1 - beta^t).
 * blend: y = alpha x + beta y; with beta 0 y is not read.
 *
 * Element by element: a group takes WG x PT_EACH of them. */
#include "ptsne.clh"

PT_KERNEL void sgd_step(global float *w, const ulong w_at, const ulong count, global const float *g, const ulong g_at,
                        global float *v, const ulong v_at, const float learning_rate, const float momentum)
{
    w += w_at;
    g += g_at;
    v += v_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const float velocity = momentum * v[t] - learning_rate * g[t];
        v[t] = velocity;
        w[t] += velocity;
    }
}

PT_KERNEL void adam_step(global float *w, const ulong w_at, const ulong count, global const float *g, const ulong g_at,
                         global float *m, const ulong m_at, global float *v, const ulong v_at,
                         const float learning_rate, const float beta1, const float beta2, const float epsilon,
                         const float correction1, const float correction2)
{
    w += w_at;
    g += g_at;
    m += m_at;
    v += v_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const float mean = beta1 * m[t] + (1.0f - beta1) * g[t];
        const float square = beta2 * v[t] + (1.0f - beta2) * g[t] * g[t];
        m[t] = mean;
        v[t] = square;
        w[t] -= learning_rate * (correction1 * mean) / (sqrt(correction2 * square) + epsilon);
    }
}

PT_KERNEL void blend(const float alpha, global const float *x, const ulong x_at, const float beta, const ulong count,
                     global float *y, const ulong y_at)
{
    x += x_at;
    y += y_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t < count) { y[t] = beta == 0.0f ? alpha * x[t] : alpha * x[t] + beta * y[t]; }
    }
}
