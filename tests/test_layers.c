/* Networks of every kind of layer: forward, backward and a few steps of training against an oracle in float64 whose gradients are
 * finite differences; what becomes of them in a model; on every backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "backends.h"
#include "base/random.h"
#include "network/layers.h"
#include "network/model_file.h"
#include "network/optimizer.h"
#include "network/streams.h"
#include "network/transform.h"
#include "oracles.h"

#define ROWS     ((size_t)6)
#define MOST     ((size_t)4096) /* parameters, or values of a row, of a test's network */
#define CHECK(x) assert_int_equal((x), PTSNE_OK)

/* What is differentiated: sum of c y over the map, and what a pass adds to that. */
typedef struct problem {
    pt_net net;
    pt_dropout_rates dropout;
    bool training, classes;
    float class_weight, penalty;
    size_t penalized;
    float input[ROWS * MOST], c[ROWS * MOST];
    uint32_t class_of[ROWS];
} problem;

/* ---- the oracle ---- */

/* What dropout multiplies element `index` of the values with mask number l by. */
static double oracle_mask(const pt_dropout_rates *dropout, float rate, size_t l, size_t index)
{
    if (rate == 0.0f) { return 1.0; }
    pt_random random = {
        .seed = dropout->seed, .stream = pt_stream(PT_FOR_DROPOUT, dropout->step * 32 + l), .position = index};
    return pt_random_uniform(&random) >= rate ? 1.0 / (1.0 - (double)rate) : 0.0;
}

static void oracle_dense(const pt_layer *layer, const double *w, const double *x, double *y)
{
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t o = 0; o < layer->n_out; o++) {
            double sum = w[layer->bias + o];
            for (size_t j = 0; j < layer->n_in; j++) {
                sum += w[layer->weight + o * layer->n_in + j] * x[i * layer->n_in + j];
            }
            y[i * layer->n_out + o] = oracle_activation(layer->activation, sum);
        }
    }
}

/* Value of an image of the window at (r, c), told from the place's first corner; false: outside. */
static bool oracle_pixel(const pt_window *v, size_t place, size_t r, size_t c, size_t *pixel)
{
    const size_t row = place / v->out_width * v->stride + r, column = place % v->out_width * v->stride + c;
    if (row < v->pad_top || column < v->pad_left || row - v->pad_top >= v->height || column - v->pad_left >= v->width) {
        return false;
    }
    *pixel = ((row - v->pad_top) * v->width + column - v->pad_left) * v->channels;
    return true;
}

static void oracle_window(const pt_layer *layer, const double *w, const double *x, double *y)
{
    const pt_window *v = &layer->window;
    const size_t filters = layer->out.channels;
    for (size_t t = 0; t < ROWS * layer->n_out; t++) {
        const size_t i = t / layer->n_out, place = t % layer->n_out / filters, f = t % filters;
        double sum = 0.0, largest = -(double)INFINITY;
        for (size_t k = 0; k < v->kernel_height * v->kernel_width; k++) {
            size_t pixel;
            if (!oracle_pixel(v, place, k / v->kernel_width, k % v->kernel_width, &pixel)) { continue; }
            const double *values = x + i * layer->n_in + pixel;
            for (size_t c = 0; c < v->channels && layer->kind == PT_CONVOLUTION; c++) {
                sum += w[layer->weight + (f * v->kernel_height * v->kernel_width + k) * v->channels + c] * values[c];
            }
            largest = fmax(largest, values[f % v->channels]);
        }
        y[t] = layer->kind == PT_POOL ? largest : oracle_activation(layer->activation, sum + w[layer->bias + f]);
    }
}

/* moved: running statistics after the batch; w may be it. */
static void oracle_norm(const pt_layer *layer, const double *w, bool training, const double *x, double *y,
                        double *moved)
{
    const size_t channels = layer->in.channels, n = ROWS * layer->n_in / channels;
    for (size_t c = 0; c < channels; c++) {
        double mean = w[layer->mean + c], variance = w[layer->variance + c];
        if (training) {
            mean = variance = 0.0;
            for (size_t i = 0; i < n; i++) { mean += x[i * channels + c] / (double)n; }
            for (size_t i = 0; i < n; i++) { variance += pow(x[i * channels + c] - mean, 2.0) / (double)n; }
            moved[layer->mean + c] = 0.9 * w[layer->mean + c] + 0.1 * mean;
            moved[layer->variance + c] = 0.9 * w[layer->variance + c] + 0.1 * variance * (double)n / ((double)n - 1.0);
        }
        const double gain = w[layer->weight + c] / sqrt(variance + 1e-5);
        for (size_t i = 0; i < n; i++) {
            y[i * channels + c] =
                oracle_activation(layer->activation, gain * (x[i * channels + c] - mean) + w[layer->bias + c]);
        }
    }
}

/* The class term of the loss is returned. */
static double oracle_anchors(const problem *q, const pt_layer *layer, const double *w, const double *z, double *y)
{
    const size_t d = layer->n_out, k = layer->n_in - d;
    double loss = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        const double *row = z + i * layer->n_in;
        double sum = 0.0;
        for (size_t a = 0; a < k; a++) { sum += exp(row[a]); }
        for (size_t j = 0; j < d; j++) {
            y[i * d + j] = row[k + j];
            for (size_t a = 0; a < k; a++) { y[i * d + j] += exp(row[a]) / sum * w[layer->weight + a * d + j]; }
        }
        if (q->classes) { loss += (double)q->class_weight / (double)ROWS * (log(sum) - row[q->class_of[i]]); }
    }
    return loss;
}

/* Whether the hidden rate of dropout is for the result of layer l: told from the kinds beside it. */
static bool oracle_hidden(const pt_net *net, size_t l)
{
    const pt_layer *layer = &net->layers[l];
    const bool after_dense = layer->kind == PT_NORM && l > 0 && net->layers[l - 1].kind == PT_DENSE;
    const bool dense = layer->kind == PT_DENSE && l + 1 < net->n_layers && net->layers[l + 1].kind != PT_NORM &&
                       net->layers[l + 1].kind != PT_ANCHORS;
    return l + 1 < net->n_layers && (after_dense || dense);
}

/* The loss; the map goes to map, running statistics that moved to `moved`, where they are not NULL. */
static double oracle_loss(const problem *q, const double *w, double *map, double *moved)
{
    static double from[ROWS * MOST], to[ROWS * MOST], unused[MOST];
    const pt_net *net = &q->net;
    double loss = 0.0;
    for (size_t i = 0; i < ROWS * pt_net_inputs(net); i++) {
        from[i] = (double)q->input[i] * (q->training ? oracle_mask(&q->dropout, q->dropout.input, 0, i) : 1.0);
    }
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        const size_t count = ROWS * layer->n_out;
        memcpy(to, from, count * sizeof *to); /* what a layer that does nothing makes */
        if (layer->kind == PT_DENSE) { oracle_dense(layer, w, from, to); }
        if (layer->kind == PT_CONVOLUTION || layer->kind == PT_POOL) { oracle_window(layer, w, from, to); }
        if (layer->kind == PT_NORM) { oracle_norm(layer, w, q->training, from, to, moved == NULL ? unused : moved); }
        if (layer->kind == PT_ANCHORS) { loss += oracle_anchors(q, layer, w, from, to); }
        const float rate = layer->kind == PT_DROP ? layer->rate : oracle_hidden(net, l) ? q->dropout.hidden : 0.0f;
        for (size_t t = 0; t < count; t++) {
            if (layer->kind == PT_SHIFT) { to[t] += w[layer->bias + t % layer->n_out]; }
            if (q->training) { to[t] *= oracle_mask(&q->dropout, rate, l + 1, t); }
            if (q->penalty != 0.0f && q->penalized == l) { loss += (double)q->penalty / (double)ROWS * to[t] * to[t]; }
        }
        memcpy(from, to, count * sizeof *from);
    }
    for (size_t t = 0; t < ROWS * pt_net_outputs(net); t++) { loss += (double)q->c[t] * from[t]; }
    if (map != NULL) { memcpy(map, from, ROWS * pt_net_outputs(net) * sizeof *map); }
    return loss;
}

static void oracle_gradient(const problem *q, double *w, double *slope)
{
    const double h = 1e-6;
    for (size_t i = 0; i < q->net.n_parameters; i++) {
        const double before = w[i];
        w[i] = before + h;
        const double up = oracle_loss(q, w, NULL, NULL);
        w[i] = before - h;
        slope[i] = (up - oracle_loss(q, w, NULL, NULL)) / (2.0 * h);
        w[i] = before;
    }
}

/* ---- the library ---- */

/* One pass and what it works on. */
typedef struct machine {
    pt_backend *be;
    pt_pass pass;
    pt_buffer w, g, classes;
} machine;

static void machine_make(pt_backend *be, const problem *q, const float *parameters, machine *m)
{
    *m = (machine){.be = be};
    const pt_dropout_rates *dropout = q->training ? &q->dropout : NULL;
    CHECK(pt_pass_create(be, &q->net, ROWS, q->training, dropout, &m->pass, NULL));
    CHECK(pt_buffer_create(be, q->net.n_parameters, &m->w, NULL));
    CHECK(pt_buffer_create(be, q->net.n_parameters, &m->g, NULL));
    CHECK(pt_buffer_create(be, ROWS, &m->classes, NULL));
    CHECK(pt_upload(be, q->class_of, &m->classes, NULL));
    CHECK(pt_upload(be, parameters, &m->w, NULL));
    CHECK(pt_fill(be, &m->g, 0.0f, NULL));
    m->pass.penalized = q->penalized;
    m->pass.penalty = q->penalty;
    m->pass.class_weight = q->class_weight;
    if (q->classes) { m->pass.classes = m->classes; }
}

static void machine_end(machine *m)
{
    pt_buffer_destroy(m->be, &m->w);
    pt_buffer_destroy(m->be, &m->g);
    pt_buffer_destroy(m->be, &m->classes);
    pt_pass_destroy(m->be, &m->pass);
}

static void machine_forward(machine *m, const problem *q)
{
    const pt_buffer input = pt_pass_input(&m->pass);
    CHECK(pt_upload(m->be, q->input, &input, NULL));
    CHECK(pt_pass_forward(m->be, &m->pass, &m->w, q->training ? &q->dropout : NULL, NULL));
}

static void machine_backward(machine *m, const problem *q)
{
    const pt_buffer dmap = pt_pass_map_gradient(&m->pass);
    CHECK(pt_upload(m->be, q->c, &dmap, NULL));
    CHECK(pt_pass_backward(m->be, &m->pass, &m->w, &q->dropout, &m->g, NULL));
}

/* ---- problems ---- */

typedef struct net_case {
    const char *text;
    pt_shape input;
    size_t anchors, outputs; /* of the last layers; 0 outputs: none */
    float dropout;           /* input and hidden */
    long penalized;          /* -1: none */
} net_case;

static const net_case cases[] = {
    {"conv 3 3x3", {6, 5, 2}, 0, 0, 0.0f, -1},
    {"conv 3 3x2 stride 2 same, elu, pool 2, dense 5, tanh", {7, 6, 2}, 0, 2, 0.2f, -1},
    {"conv 3 5x5 same, bn, relu, pool 2, conv 4 3x3 same, bn, relu, pool 2, dense 7, bn, relu",
     {8, 8, 1},
     0,
     3,
     0.0f,
     -1},
    {"bn, conv 2 2x2, sigmoid, pool 3x2 stride 1, dropout 0.3, dense 6", {5, 5, 3}, 0, 2, 0.0f, 1},
    {"9, bn, dropout 0.2, 8, tanh, dense 5, bn, elu", {1, 1, 7}, 0, 2, 0.25f, 4},
    {"dense 6, dense 5, bn, sigmoid", {1, 1, 7}, 0, 0, 0.3f, 0},
    {"dropout 0.4, bn, 6, sigmoid", {1, 1, 7}, 0, 0, 0.0f, 2},
    {"8", {1, 1, 7}, 5, 2, 0.2f, -1},
    {"conv 4 3x3, relu, pool 2", {6, 6, 1}, 4, 3, 0.0f, 0},
    {"5, tanh, dense 3", {1, 1, 6}, 0, 0, 0.3f, 1},
    {"6, dense 5, tanh", {1, 1, 6}, 0, 2, 0.3f, 0},
};

static void problem_make(problem *q, const net_case *of, float *parameters)
{
    *q = (problem){.training = true, .classes = of->anchors > 0, .class_weight = 0.7f};
    q->dropout = (pt_dropout_rates){.input = of->dropout, .hidden = of->dropout, .seed = 3, .step = 11};
    if (of->penalized >= 0) {
        q->penalized = (size_t)of->penalized;
        q->penalty = 0.3f;
    }
    CHECK(pt_net_parse(of->text, "relu", &of->input, &q->net, NULL));
    if (of->anchors > 0) {
        CHECK(pt_net_append_anchors(&q->net, of->anchors, of->outputs, NULL));
    } else if (of->outputs > 0) {
        CHECK(pt_net_append(&q->net, of->outputs, PT_LINEAR, NULL));
    }
    assert_true(q->net.n_parameters <= MOST && pt_net_inputs(&q->net) <= MOST);
    pt_random random = {.seed = 42, .stream = q->net.n_layers};
    for (size_t i = 0; i < ROWS * pt_net_inputs(&q->net); i++) { q->input[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < ROWS * pt_net_outputs(&q->net); i++) { q->c[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < ROWS && of->anchors > 0; i++) {
        q->class_of[i] = (uint32_t)pt_random_below(&random, of->anchors);
    }
    pt_net_start(&q->net, 5, parameters);
    for (size_t l = 0; l < q->net.n_layers; l++) { /* nothing is 0 or small by chance */
        const pt_layer *layer = &q->net.layers[l];
        for (size_t i = 0; i < layer->n_bias; i++) { parameters[layer->bias + i] += 0.3f * pt_random_normal(&random); }
        for (size_t i = 0; i < layer->n_weight; i++) {
            parameters[layer->weight + i] += 0.3f * pt_random_normal(&random);
        }
    }
}

static void doubles(const float *from, size_t count, double *to)
{
    for (size_t i = 0; i < count; i++) { to[i] = (double)from[i]; }
}

static void near(pt_backend *be, const char *what, const char *text, const float *got, const double *want, size_t count,
                 double share)
{
    double largest = 1e-3;
    for (size_t i = 0; i < count; i++) { largest = fmax(largest, fabs(want[i])); }
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)got[i] - want[i]) <= share * largest)) {
            fail_msg("%s \"%s\": %s[%zu] is %.8g, the oracle says %.8g", be->ops->name, text, what, i, (double)got[i],
                     want[i]);
        }
    }
}

/* ---- tests ---- */

static problem q; /* large */

/* The map and every parameter's gradient; what is not trained has none. */
static void test_gradients(void **state)
{
    pt_backend *be = *state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        static float parameters[MOST], gradient[MOST], map[ROWS * MOST];
        static double w[MOST], slope[MOST], wanted[ROWS * MOST];
        machine m;
        problem_make(&q, &cases[k], parameters);
        machine_make(be, &q, parameters, &m);
        machine_forward(&m, &q);
        const pt_buffer result = pt_pass_map(&m.pass);
        CHECK(pt_download(be, &result, map, NULL));
        doubles(parameters, q.net.n_parameters, w);
        oracle_loss(&q, w, wanted, NULL);
        near(be, "map", cases[k].text, map, wanted, ROWS * pt_net_outputs(&q.net), 2e-6);
        machine_backward(&m, &q);
        CHECK(pt_download(be, &m.g, gradient, NULL));
        oracle_gradient(&q, w, slope);
        near(be, "gradient", cases[k].text, gradient, slope, q.net.n_parameters, 1e-5);
        machine_end(&m);
    }
}

/* Steps of gradient descent: parameters and running statistics, then the map that they make. */
static void test_training(void **state)
{
    pt_backend *be = *state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        static float parameters[MOST], map[ROWS * MOST];
        static double w[MOST], moved[MOST], slope[MOST], wanted[ROWS * MOST];
        machine m;
        problem_make(&q, &cases[k], parameters);
        machine_make(be, &q, parameters, &m);
        pt_optimizer optimizer = {.kind = PTSNE_OPTIMIZER_SGD,
                                  .schedule = PTSNE_SCHEDULE_CONSTANT,
                                  .learning_rate = 0.01,
                                  .momentum = 0.0,
                                  .n_steps = 3};
        CHECK(pt_optimizer_create(be, q.net.n_parameters, &optimizer, NULL));
        doubles(parameters, q.net.n_parameters, w);
        for (size_t s = 0; s < 3; s++) {
            q.dropout.step = s;
            machine_forward(&m, &q);
            machine_backward(&m, &q);
            CHECK(pt_optimizer_step(be, &optimizer, s, &m.g, &m.w, NULL));
            oracle_gradient(&q, w, slope);
            memcpy(moved, w, sizeof moved);
            oracle_loss(&q, w, NULL, moved);
            for (size_t i = 0; i < q.net.n_parameters; i++) { w[i] = moved[i] - 0.01 * slope[i]; }
        }
        CHECK(pt_download(be, &m.w, parameters, NULL));
        near(be, "parameter", cases[k].text, parameters, w, q.net.n_parameters, 2e-6);
        machine_end(&m);
        pt_optimizer_destroy(be, &optimizer);
        q.training = false;
        machine_make(be, &q, parameters, &m);
        machine_forward(&m, &q);
        const pt_buffer result = pt_pass_map(&m.pass);
        CHECK(pt_download(be, &result, map, NULL));
        doubles(parameters, q.net.n_parameters, w);
        oracle_loss(&q, w, wanted, NULL);
        near(be, "evaluated map", cases[k].text, map, wanted, ROWS * pt_net_outputs(&q.net), 2e-6);
        machine_end(&m);
    }
}

/* A model of a net that saw (x - mean) scale, with its norms folded, makes of x what the net makes of that. */
static void test_export(void **state)
{
    pt_backend *be = *state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        static float parameters[MOST], x[ROWS * MOST], mean[MOST], map[ROWS * MOST];
        static double w[MOST], wanted[ROWS * MOST];
        ptsne_model *model;
        problem_make(&q, &cases[k], parameters);
        const size_t columns = pt_net_inputs(&q.net), outputs = pt_net_outputs(&q.net);
        const float scale = 0.7f;
        q.training = false;
        pt_random random = {.seed = 1};
        for (size_t l = 0; l < q.net.n_layers; l++) {
            const pt_layer *layer = &q.net.layers[l];
            for (size_t c = 0; c < layer->in.channels && layer->kind == PT_NORM; c++) {
                parameters[layer->mean + c] = pt_random_normal(&random);
                parameters[layer->variance + c] = 0.1f + 3.0f * pt_random_uniform(&random);
            }
        }
        for (size_t j = 0; j < columns; j++) { mean[j] = pt_random_normal(&random); }
        for (size_t i = 0; i < ROWS * columns; i++) { x[i] = q.input[i] / scale + mean[i % columns]; }
        CHECK(pt_model_export(be, &q.net, parameters, mean, scale, &model, NULL));
        for (size_t l = 1; l < model->net.n_layers; l++) { /* those that could be folded are */
            const pt_layer *layer = &model->net.layers[l];
            assert_false(layer->kind == PT_NORM && layer[-1].activation == PT_LINEAR &&
                         (layer[-1].kind == PT_DENSE || layer[-1].kind == PT_CONVOLUTION));
        }
        CHECK(pt_model_transform(model, x, ROWS, map, NULL));
        pt_model_destroy(model);
        doubles(parameters, q.net.n_parameters, w);
        oracle_loss(&q, w, wanted, NULL);
        near(be, "model's map", cases[k].text, map, wanted, ROWS * outputs, 4e-6);
    }
}

/* A row has the same bits in any company, and a layer's result is the same on the way to another layer. */
static void test_company(void **state)
{
    pt_backend *be = *state;
    enum { N = 150 };
    static float parameters[MOST], x[N * MOST], all[N * MOST], one[N * MOST];
    for (size_t k = 1; k < 4; k++) {
        ptsne_model *model;
        problem_make(&q, &cases[k], parameters);
        const size_t columns = pt_net_inputs(&q.net);
        pt_random random = {.seed = 2};
        for (size_t i = 0; i < N * columns; i++) { x[i] = pt_random_normal(&random); }
        CHECK(pt_model_export(be, &q.net, parameters, NULL, 1.0f, &model, NULL));
        for (size_t l = 0; l < model->net.n_layers; l++) {
            const size_t width = model->net.layers[l].n_out;
            CHECK(pt_model_features(model, l, x, N, all, NULL));
            for (size_t i = 0; i < N;
                 i += backend_is_cpu(be) ? 1 + i : 74) { /* a device sends a whole block each time */
                const size_t count = i + 7 < N ? 7 : 1;
                CHECK(pt_model_features(model, l, x + i * columns, count, one, NULL));
                assert_memory_equal(one, all + i * width, count * width * sizeof *one);
            }
        }
        CHECK(pt_model_transform(model, x, N, one, NULL));
        assert_memory_equal(one, all, N * pt_net_outputs(&q.net) * sizeof *one);
        pt_model_destroy(model);
    }
}

/* A convolutional net learns a few images of noise by heart. */
static void test_overfit(void **state)
{
    pt_backend *be = *state;
    enum { N = 24, CLASSES = 4, STEPS = 120 };
    static float x[N * 64], parameters[MOST];
    const pt_shape input = {8, 8, 1};
    pt_net net;
    CHECK(pt_net_parse("conv 6 3x3 same, bn, relu, pool 2, conv 8 3x3 same, bn, relu, pool 2, dense 16, bn, relu",
                       "relu", &input, &net, NULL));
    CHECK(pt_net_append(&net, CLASSES, PT_LINEAR, NULL));
    assert_true(net.n_parameters <= MOST);
    pt_net_start(&net, 1, parameters);
    uint32_t class_of[N];
    pt_random random = {.seed = 4};
    for (size_t i = 0; i < N * 64; i++) { x[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < N; i++) { class_of[i] = (uint32_t)(i % CLASSES); }
    pt_optimizer optimizer = {.schedule = PTSNE_SCHEDULE_CONSTANT, .learning_rate = 0.01, .n_steps = STEPS};
    pt_pass pass;
    pt_buffer w, g, classes, scratch, loss;
    CHECK(pt_pass_create(be, &net, N, true, NULL, &pass, NULL));
    CHECK(pt_optimizer_create(be, net.n_parameters, &optimizer, NULL));
    CHECK(pt_buffer_create(be, net.n_parameters, &w, NULL));
    CHECK(pt_buffer_create(be, net.n_parameters, &g, NULL));
    CHECK(pt_buffer_create(be, N, &classes, NULL));
    CHECK(pt_buffer_create(be, pt_loss_scratch(N), &scratch, NULL));
    CHECK(pt_buffer_create(be, 2, &loss, NULL));
    CHECK(pt_upload(be, parameters, &w, NULL));
    CHECK(pt_upload(be, class_of, &classes, NULL));
    CHECK(pt_fill(be, &g, 0.0f, NULL));
    const pt_buffer in = pt_pass_input(&pass), map = pt_pass_map(&pass), dmap = pt_pass_map_gradient(&pass);
    float told[2] = {0.0f, 0.0f}, first = 0.0f;
    for (size_t s = 0; s < STEPS; s++) {
        CHECK(pt_upload(be, x, &in, NULL));
        CHECK(pt_pass_forward(be, &pass, &w, NULL, NULL));
        CHECK(pt_cross_entropy(be, &map, &classes, N, CLASSES, &scratch, &loss, &dmap, NULL));
        CHECK(pt_pass_backward(be, &pass, &w, NULL, &g, NULL));
        CHECK(pt_optimizer_step(be, &optimizer, s, &g, &w, NULL));
        CHECK(pt_download(be, &loss, told, NULL));
        if (s == 0) { first = told[0]; }
    }
    assert_true(first > 1.0f);
    if (!(told[0] < 0.05f && told[1] == 0.0f)) {
        fail_msg("loss %g after %d steps, %g rows wrong", (double)told[0], STEPS, (double)told[1]);
    }
    pt_buffer *buffers[] = {&w, &g, &classes, &scratch, &loss};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) { pt_buffer_destroy(be, buffers[i]); }
    pt_optimizer_destroy(be, &optimizer);
    pt_pass_destroy(be, &pass);
}

/* A block takes what it may, its scratch included; a network without images goes in the largest blocks. */
static void test_block(void **state)
{
    pt_backend *be = *state;
    const pt_shape input = {28, 28, 1};
    const size_t most = (size_t)192 << 20;
    pt_net net;
    CHECK(pt_net_parse("100", "relu", &input, &net, NULL));
    assert_int_equal(pt_pass_block_rows(be, &net), 2048);
    CHECK(pt_net_parse("conv 40 5x5 same, conv 40 5x5 same", "relu", &input, &net, NULL));
    const size_t rows = pt_pass_block_rows(be, &net), before = be->memory_used;
    size_t used[2];
    for (size_t i = 0; i < 2; i++) {
        pt_pass pass;
        CHECK(pt_pass_create(be, &net, rows << i, false, NULL, &pass, NULL));
        used[i] = be->memory_used - before;
        pt_pass_destroy(be, &pass);
    }
    if (!(used[0] <= most && used[1] > most)) {
        fail_msg("%s: %zu rows take %zu bytes, twice as many %zu", be->ops->name, rows, used[0], used[1]);
    }
}

/* One value has no variance. */
static void test_refusals(void **state)
{
    pt_backend *be = *state;
    const pt_shape input = pt_shape_columns(3);
    pt_net net;
    pt_pass pass;
    CHECK(pt_net_parse("4, bn", "relu", &input, &net, NULL));
    ptsne_error err = {0};
    assert_int_equal(pt_pass_create(be, &net, 1, true, NULL, &pass, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "at least 2 rows"));
    CHECK(pt_pass_create(be, &net, 1, false, NULL, &pass, NULL));
    pt_pass_destroy(be, &pass);
}

int main(void)
{
    int failed = 0;
    pt_backend *be;
    for (size_t b = 0; (be = backend_next(&b, &failed)) != NULL;) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_gradients, be), cmocka_unit_test_prestate(test_training, be),
            cmocka_unit_test_prestate(test_export, be),    cmocka_unit_test_prestate(test_company, be),
            cmocka_unit_test_prestate(test_overfit, be),   cmocka_unit_test_prestate(test_block, be),
            cmocka_unit_test_prestate(test_refusals, be),
        };
        failed += cmocka_run_group_tests_name(be->ops->name, tests, NULL, NULL);
        pt_backend_close(be);
    }
    return failed;
}
