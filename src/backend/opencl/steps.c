/* What goes element by element: activations, dropout, the optimisers' steps, blends. */
#include "backend/opencl/opencl.h"

ptsne_status opencl_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                    pt_activation activation, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x), pt_arg_ulong(n * d), pt_arg_uint(d), pt_arg_buffer(bias), pt_arg_uint(activation),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_BIAS_ACTIVATION, PT_ARGS(args), n * d, PT_EACH, err);
}

ptsne_status opencl_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                        const pt_buffer *g, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(y),
        pt_arg_ulong(count),
        pt_arg_uint(activation),
        pt_arg_buffer(g),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_ACTIVATION_GRADIENT, PT_ARGS(args), count, PT_EACH,
                                     err);
}

ptsne_status opencl_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x),         pt_arg_ulong(count),        pt_arg_float(mask->rate),
        pt_arg_ulong(mask->seed), pt_arg_ulong(mask->stream),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_DROPOUT, PT_ARGS(args), count, 4, err);
}

ptsne_status opencl_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                             float learning_rate, float momentum, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(w), pt_arg_ulong(w->count),      pt_arg_buffer(g),
        pt_arg_buffer(v), pt_arg_float(learning_rate), pt_arg_float(momentum),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_SGD_STEP, PT_ARGS(args), w->count, PT_EACH, err);
}

ptsne_status opencl_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                              const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(w),
        pt_arg_ulong(w->count),
        pt_arg_buffer(g),
        pt_arg_buffer(m),
        pt_arg_buffer(v),
        pt_arg_float(adam->learning_rate),
        pt_arg_float(adam->beta1),
        pt_arg_float(adam->beta2),
        pt_arg_float(adam->epsilon),
        pt_arg_float(adam->correction1),
        pt_arg_float(adam->correction2),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_ADAM_STEP, PT_ARGS(args), w->count, PT_EACH, err);
}

ptsne_status opencl_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                          ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_float(alpha), pt_arg_buffer(x), pt_arg_float(beta), pt_arg_ulong(y->count), pt_arg_buffer(y),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_BLEND, PT_ARGS(args), y->count, PT_EACH, err);
}
