/* Layers, losses and optimisers put together: the gradient of a whole network against finite differences of an oracle in
 * float64, on every backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "base/random.h"
#include "network/layers.h"
#include "network/optimizer.h"
#include "network/streams.h"
#include "oracles.h"

#define ROWS     ((size_t)8)
#define INPUTS   ((size_t)5)
#define MOST     ((size_t)256) /* parameters of a test's network */
#define WIDTH    ((size_t)8)   /* of its widest layer */
#define CHECK(x) assert_int_equal((x), PTSNE_OK)

/* ---- the text ---- */

/* A net of dense layers: what fit makes of the text. */
static ptsne_status net_make(const char *text, const char *activation, size_t n_in, size_t n_out, pt_net *net,
                             ptsne_error *err)
{
    const pt_shape input = pt_shape_columns(n_in);
    const ptsne_status status = pt_net_parse(text, activation, &input, net, err);
    return status == PTSNE_OK ? pt_net_append(net, n_out, PT_LINEAR, err) : status;
}

static void test_parse(void **state)
{
    (void)state;
    pt_net net;
    ptsne_error err;
    CHECK(net_make("500,500,2000", "relu", 784, 2, &net, &err));
    assert_int_equal(net.n_layers, 4);
    assert_int_equal(net.layers[2].n_in, 500);
    assert_int_equal(net.layers[2].n_out, 2000);
    assert_int_equal(net.layers[2].activation, PT_RELU);
    assert_int_equal(net.layers[3].activation, PT_LINEAR);
    assert_int_equal(pt_net_outputs(&net), 2);
    assert_true(pt_net_forward_flop(&net) == 2.0 * (784 * 500 + 500 * 500 + 500 * 2000 + 2000 * 2));
    assert_true(pt_net_training_flop(&net) == 3.0 * pt_net_forward_flop(&net) - 2.0 * 784 * 500);
    CHECK(net_make("", "relu", 7, 3, &net, &err));
    assert_int_equal(net.n_layers, 1);
    assert_int_equal(net_make("5", "linear", 7, 2, &net, &err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(net_make("5", "swish", 7, 2, &net, &err), PTSNE_ERR_ARGUMENT);
}

static const pt_shape digit = {28, 28, 1};

static void layer_check(const pt_net *net, const char *name, pt_activation activation, size_t height, size_t width,
                        size_t channels, size_t parameters)
{
    const pt_layer *layer = pt_net_find(net, name);
    if (layer == NULL || layer->activation != activation || layer->out.height != height || layer->out.width != width ||
        layer->out.channels != channels || pt_layer_parameters(layer) != parameters) {
        fail_msg("layer \"%s\" is not there, or another one", name);
    }
    assert_int_equal(layer->n_out, height * width * channels);
    assert_int_equal(layer->weight % 16 + layer->bias % 16 + layer->mean % 16 + layer->variance % 16, 0);
}

/* Every item of the text, with the shapes that PyTorch and TensorFlow give them. */
static void test_items(void **state)
{
    (void)state;
    pt_net net;
    CHECK(pt_net_parse("conv 20 5x5 same, bn, relu, pool 2, conv 40 5x5 same,bn , relu, pool 2, dense 200, bn, relu",
                       "relu", &digit, &net, NULL));
    assert_int_equal(net.n_layers, 8);
    layer_check(&net, "conv1", PT_LINEAR, 28, 28, 20, 520);
    layer_check(&net, "norm1", PT_RELU, 28, 28, 20, 80);
    layer_check(&net, "pool1", PT_LINEAR, 14, 14, 20, 0);
    layer_check(&net, "conv2", PT_LINEAR, 14, 14, 40, 20040);
    layer_check(&net, "dense1", PT_LINEAR, 1, 1, 200, 1960 * 200 + 200);
    layer_check(&net, "norm3", PT_RELU, 1, 1, 200, 800);
    assert_null(pt_net_find(&net, "dense2"));
    CHECK(pt_net_append_anchors(&net, 64, 2, NULL));
    layer_check(&net, "anchors1", PT_LINEAR, 1, 1, 2, 128);
    assert_int_equal(pt_layer_anchors(pt_net_find(&net, "anchors1")), 64);
    CHECK(pt_net_parse("conv 8 4x2 stride 3 same, elu, pool 3x2 stride 2, dropout 0.25, conv 4 3x1 valid, 9, bn, 8, "
                       "tanh, 7, bn, sigmoid, dense 3",
                       "relu", &digit, &net, NULL));
    layer_check(&net, "conv1", PT_ELU, 10, 10, 8, 72);
    assert_int_equal(net.layers[0].window.pad_top, 1); /* 9 * 3 + 4 - 28 = 3: one before, two behind */
    assert_int_equal(net.layers[0].window.pad_left, 0);
    layer_check(&net, "pool1", PT_LINEAR, 4, 5, 8, 0);
    layer_check(&net, "drop1", PT_LINEAR, 4, 5, 8, 0);
    assert_true(pt_net_find(&net, "drop1")->rate == 0.25f);
    layer_check(&net, "conv2", PT_LINEAR, 2, 5, 4, 100);
    layer_check(&net, "dense1", PT_LINEAR, 1, 1, 9, 40 * 9 + 9);
    layer_check(&net, "norm1", PT_RELU, 1, 1, 9, 36); /* the preset activation moves behind the normalisation */
    layer_check(&net, "dense2", PT_TANH, 1, 1, 8, 80);
    layer_check(&net, "dense3", PT_LINEAR, 1, 1, 7, 63);
    layer_check(&net, "norm2", PT_SIGMOID, 1, 1, 7, 28);
    layer_check(&net, "dense4", PT_LINEAR, 1, 1, 3, 24);
    CHECK(pt_net_parse(" bn, 5,linear", "relu", &digit, &net, NULL)); /* no images: one gain a column */
    layer_check(&net, "norm1", PT_LINEAR, 1, 1, 784, 4 * 784);
    layer_check(&net, "dense1", PT_LINEAR, 1, 1, 5, 785 * 5);
}

static void test_items_refused(void **state)
{
    (void)state;
    pt_net net;
    ptsne_error err;
    const char *const bad[] = {",",
                               "5,",
                               ",5",
                               "5,,5",
                               "0",
                               "-5",
                               "5 5",
                               "five",
                               "5.5",
                               "99999999999999999999999",
                               "0x5",
                               "16777217",
                               "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32",
                               "dense",
                               "dense x",
                               "dense 5 6",
                               "conv",
                               "conv 5",
                               "conv 5 5",
                               "conv 5 5x",
                               "conv 5 x5",
                               "conv 5 5x5x5",
                               "conv 0 5x5",
                               "conv 5 5x5 stride",
                               "conv 5 5x5 stride 0",
                               "conv 5 5x5 same same",
                               "conv 5 5x5 same stride 2 valid",
                               "conv 5 29x5",
                               "conv 99999 3x3 same",
                               "conv 5 16777216x16777216 same",
                               "pool",
                               "pool 0",
                               "pool 29",
                               "pool 2x3",
                               "pool 2 stride",
                               "pool 2 step 2",
                               "9, pool 2",
                               "9, conv 3 3x3",
                               "relu",
                               "9, relu, relu",
                               "pool 2, relu",
                               "dropout",
                               "dropout 1",
                               "dropout -0.1",
                               "dropout 0.5.5",
                               "dropout .",
                               "bn 5",
                               "relu 5",
                               "swish",
                               "Relu",
                               "a word that is far too long to be an item of a network, whatever one may think of it"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err = (ptsne_error){0};
        if (pt_net_parse(bad[i], "relu", &digit, &net, &err) != PTSNE_ERR_ARGUMENT) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        if (strncmp(err.message, "network: ", 9) != 0) { fail_msg("\"%s\": \"%s\"", bad[i], err.message); }
    }
    const pt_shape columns = pt_shape_columns(784);
    assert_int_equal(pt_net_parse("conv 5 5x5 same", "relu", &columns, &net, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "needs an image, but has 784 columns"));
}

/* The starting weights have the variance that the papers say, and a seed means one network. */
static void test_start(void **state)
{
    (void)state;
    const char *const names[] = {"relu", "tanh"};
    const double wanted[] = {2.0 / 300.0, 2.0 / 500.0};
    for (size_t a = 0; a < 2; a++) {
        pt_net net;
        CHECK(net_make("200", names[a], 300, 2, &net, NULL));
        float *one = malloc(net.n_parameters * sizeof *one), *two = malloc(net.n_parameters * sizeof *two);
        assert_non_null(one);
        assert_non_null(two);
        pt_net_start(&net, 7, one);
        pt_net_start(&net, 7, two);
        assert_memory_equal(one, two, net.n_parameters * sizeof *one);
        pt_net_start(&net, 8, two);
        assert_true(one[0] != two[0]);
        double square = 0.0;
        for (size_t i = 0; i < 300 * 200; i++) { square += (double)one[i] * (double)one[i] / (300.0 * 200.0); }
        assert_true(fabs(square / wanted[a] - 1.0) < 0.05);
        for (size_t i = 0; i < 200; i++) { assert_true(one[net.layers[0].bias + i] == 0.0f); }
        free(one);
        free(two);
    }
}

static void test_rates(void **state)
{
    (void)state;
    pt_optimizer optimizer = {.learning_rate = 2.0, .warmup_steps = 10, .n_steps = 100};
    assert_true(fabs(pt_optimizer_rate(&optimizer, 0) - 0.2) < 1e-9);
    assert_true(fabs(pt_optimizer_rate(&optimizer, 50) - 1.0) < 1e-9);
    assert_true(pt_optimizer_rate(&optimizer, 99) < 1e-3);
    optimizer.schedule = PTSNE_SCHEDULE_LINEAR;
    assert_true(fabs(pt_optimizer_rate(&optimizer, 75) - 0.5) < 1e-9);
    optimizer.schedule = PTSNE_SCHEDULE_CONSTANT;
    assert_true(pt_optimizer_rate(&optimizer, 4) == 1.0);
    assert_true(pt_optimizer_rate(&optimizer, 99) == 2.0);
}

/* ---- the oracle ---- */

typedef struct problem {
    pt_net net;
    pt_dropout_rates dropout;
    bool edges;
    double exaggeration;
    float input[ROWS * INPUTS], p[ROWS * ROWS];
    uint32_t sample[ROWS];
} problem;

/* What dropout multiplies element `index` of layer l's output by. */
static double oracle_mask(const pt_dropout_rates *dropout, size_t l, size_t index)
{
    const float rate = l == 0 ? dropout->input : dropout->hidden;
    pt_random random = {
        .seed = dropout->seed, .stream = pt_stream(PT_FOR_DROPOUT, dropout->step * 32 + l), .position = index};
    if (rate == 0.0f) { return 1.0; }
    return pt_random_uniform(&random) >= rate ? 1.0 / (1.0 - (double)rate) : 0.0;
}

static void oracle_map(const problem *q, const double *w, double *map)
{
    double from[ROWS * WIDTH], to[ROWS * WIDTH];
    for (size_t i = 0; i < ROWS * INPUTS; i++) { from[i] = (double)q->input[i] * oracle_mask(&q->dropout, 0, i); }
    for (size_t l = 0; l < q->net.n_layers; l++) {
        const pt_layer *layer = &q->net.layers[l];
        const bool last = l + 1 == q->net.n_layers;
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t o = 0; o < layer->n_out; o++) {
                double sum = w[layer->bias + o];
                for (size_t j = 0; j < layer->n_in; j++) {
                    sum += w[layer->weight + o * layer->n_in + j] * from[i * layer->n_in + j];
                }
                const size_t at = i * layer->n_out + o;
                to[at] = oracle_activation(layer->activation, sum) * (last ? 1.0 : oracle_mask(&q->dropout, l + 1, at));
            }
        }
        memcpy(from, to, sizeof from);
    }
    memcpy(map, from, ROWS * pt_net_outputs(&q->net) * sizeof *map);
}

static double oracle_square(const double *y, size_t d, size_t i, size_t j)
{
    double sum = 0.0;
    for (size_t c = 0; c < d; c++) { sum += (y[i * d + c] - y[j * d + c]) * (y[i * d + c] - y[j * d + c]); }
    return sum;
}

/* What is differentiated: exaggeration only weighs the attraction, so the sum of p log q is what it multiplies. */
static double oracle_loss(const problem *q, const double *w)
{
    double y[ROWS * 3], z = 0.0, attraction = 0.0;
    const size_t d = pt_net_outputs(&q->net), m = ROWS / 2;
    oracle_map(q, w, y);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < ROWS; j++) {
            const bool pushes = !q->edges || (i % m != j % m && q->sample[i] != q->sample[j]);
            if (i != j && pushes) { z += 1.0 / (1.0 + oracle_square(y, d, i, j)); }
            if (i != j && !q->edges) { attraction += (double)q->p[i * ROWS + j] * log1p(oracle_square(y, d, i, j)); }
        }
    }
    for (size_t e = 0; e < m && q->edges; e++) { attraction += log1p(oracle_square(y, d, e, m + e)) / (double)m; }
    return q->exaggeration * attraction + log(z);
}

/* ---- the gradient ---- */

static void problem_make(problem *q, const char *activation, size_t d, bool edges, float rate, float *parameters)
{
    *q = (problem){.edges = edges, .exaggeration = edges ? 4.0 : 1.5};
    q->dropout = (pt_dropout_rates){.input = rate, .hidden = rate, .seed = 3, .step = 11};
    CHECK(net_make("8,6", activation, INPUTS, d, &q->net, NULL));
    assert_true(q->net.n_parameters <= MOST);
    pt_random random = {.seed = 42, .stream = d};
    for (size_t i = 0; i < ROWS * INPUTS; i++) { q->input[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < ROWS; i++) { q->sample[i] = (uint32_t)i; }
    q->sample[5] = q->sample[2]; /* two rows that show one point */
    double total = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < i; j++) { total += 2.0 * (double)(q->p[i * ROWS + j] = pt_random_uniform(&random)); }
    }
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < i; j++) {
            q->p[j * ROWS + i] = q->p[i * ROWS + j] = (float)((double)q->p[i * ROWS + j] / total);
        }
    }
    pt_net_start(&q->net, 5, parameters);
    const pt_layer *last = &q->net.layers[q->net.n_layers - 1];
    for (size_t i = 0; i < last->n_in * last->n_out; i++) { parameters[last->weight + i] *= 10.0f; }
}

/* One step's gradient by the library: n_parameters. */
static void gradient_make(pt_backend *be, problem *q, const float *parameters, float *gradient)
{
    const size_t d = pt_net_outputs(&q->net), count = q->net.n_parameters;
    pt_buffer w, g, p, sample, scratch, loss;
    pt_pass pass;
    CHECK(pt_pass_create(be, &q->net, ROWS, true, &q->dropout, &pass, NULL));
    CHECK(pt_buffer_create(be, count, &w, NULL));
    CHECK(pt_buffer_create(be, count, &g, NULL));
    CHECK(pt_buffer_create(be, ROWS * ROWS, &p, NULL));
    CHECK(pt_buffer_create(be, ROWS, &sample, NULL));
    CHECK(pt_buffer_create(be, pt_gradient_scratch(ROWS, d), &scratch, NULL));
    CHECK(pt_buffer_create(be, 1, &loss, NULL));
    const pt_buffer input = pt_pass_input(&pass), map = pt_pass_map(&pass), dmap = pt_pass_map_gradient(&pass);
    const float exaggeration = (float)q->exaggeration;
    CHECK(pt_upload(be, parameters, &w, NULL));
    CHECK(pt_upload(be, q->input, &input, NULL));
    CHECK(pt_upload(be, q->p, &p, NULL));
    CHECK(pt_upload(be, q->sample, &sample, NULL));
    CHECK(pt_fill(be, &g, 0.0f, NULL));
    CHECK(pt_pass_forward(be, &pass, &w, &q->dropout, NULL));
    if (q->edges) {
        CHECK(pt_edges_gradient(be, &map, &sample, ROWS / 2, d, exaggeration, &scratch, &dmap, &loss, NULL));
    } else {
        CHECK(pt_tsne_gradient(be, &p, &map, ROWS, d, exaggeration, &scratch, &dmap, &loss, NULL));
    }
    CHECK(pt_pass_backward(be, &pass, &w, &q->dropout, &g, NULL));
    CHECK(pt_download(be, &g, gradient, NULL));
    pt_buffer *buffers[] = {&w, &g, &p, &sample, &scratch, &loss};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) { pt_buffer_destroy(be, buffers[i]); }
    pt_pass_destroy(be, &pass);
}

static void gradient_check(pt_backend *be, const char *activation, size_t d, bool edges, float rate)
{
    problem q;
    float parameters[MOST] = {0}, gradient[MOST] = {0};
    double w[MOST], slope[MOST], largest = 0.0;
    problem_make(&q, activation, d, edges, rate, parameters);
    gradient_make(be, &q, parameters, gradient);
    for (size_t i = 0; i < q.net.n_parameters; i++) { w[i] = (double)parameters[i]; }
    const double h = 1e-6;
    for (size_t i = 0; i < q.net.n_parameters; i++) {
        const double before = w[i];
        w[i] = before + h;
        const double up = oracle_loss(&q, w);
        w[i] = before - h;
        slope[i] = (up - oracle_loss(&q, w)) / (2.0 * h);
        w[i] = before;
        largest = fmax(largest, fabs(slope[i]));
    }
    assert_true(largest > 1e-3);
    for (size_t i = 0; i < q.net.n_parameters; i++) {
        if (!(fabs((double)gradient[i] - slope[i]) <= 3e-5 * largest)) {
            fail_msg("%s %s d=%zu %s dropout %g: dL/dw[%zu] is %.8g, differences say %.8g", be->ops->name, activation,
                     d, edges ? "edges" : "batch", (double)rate, i, (double)gradient[i], slope[i]);
        }
    }
}

static void test_gradient(void **state)
{
    pt_backend *be = *state;
    const char *const names[] = {"relu", "elu", "tanh", "sigmoid"};
    for (size_t a = 0; a < 4; a++) {
        for (size_t d = 2; d <= 3; d++) {
            for (int edges = 0; edges < 2; edges++) {
                gradient_check(be, names[a], d, edges != 0, 0.0f);
                gradient_check(be, names[a], d, edges != 0, 0.3f);
            }
        }
    }
}

/* Both optimisers against their formulas in float64, for some steps; the moments start at 0. */
static void test_steps(void **state)
{
    pt_backend *be = *state;
    enum { COUNT = 37, STEPS = 5 };
    for (int kind = 0; kind < 2; kind++) {
        pt_optimizer optimizer = {.kind = (ptsne_optimizer)kind,
                                  .schedule = PTSNE_SCHEDULE_LINEAR,
                                  .learning_rate = 0.01,
                                  .momentum = 0.9,
                                  .n_steps = 20};
        pt_buffer w, g;
        float value[COUNT], slope[COUNT];
        double want[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
        pt_random random = {.seed = 9};
        CHECK(pt_optimizer_create(be, COUNT, &optimizer, NULL));
        CHECK(pt_buffer_create(be, COUNT, &w, NULL));
        CHECK(pt_buffer_create(be, COUNT, &g, NULL));
        for (size_t i = 0; i < COUNT; i++) { want[i] = (double)(value[i] = pt_random_normal(&random)); }
        CHECK(pt_upload(be, value, &w, NULL));
        for (size_t s = 0; s < STEPS; s++) {
            const double rate = 0.01 * (1.0 - (double)s / 20.0), t = (double)s + 1.0;
            for (size_t i = 0; i < COUNT; i++) {
                const double x = (double)(slope[i] = pt_random_normal(&random));
                if (kind == PTSNE_OPTIMIZER_ADAM) {
                    m[i] = 0.9 * m[i] + 0.1 * x;
                    v[i] = 0.999 * v[i] + 0.001 * x * x;
                    want[i] -= rate * (m[i] / (1.0 - pow(0.9, t))) / (sqrt(v[i] / (1.0 - pow(0.999, t))) + 1e-8);
                } else {
                    v[i] = 0.9 * v[i] - rate * x;
                    want[i] += v[i];
                }
            }
            CHECK(pt_upload(be, slope, &g, NULL));
            CHECK(pt_optimizer_step(be, &optimizer, s, &g, &w, NULL));
        }
        CHECK(pt_download(be, &w, value, NULL));
        for (size_t i = 0; i < COUNT; i++) { assert_true(fabs((double)value[i] - want[i]) < 2e-6); }
        pt_buffer_destroy(be, &w);
        pt_buffer_destroy(be, &g);
        pt_optimizer_destroy(be, &optimizer);
    }
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_items), cmocka_unit_test(test_items_refused),
        cmocka_unit_test(test_start), cmocka_unit_test(test_rates),
    };
    int failed = cmocka_run_group_tests_name("network", alone, NULL, NULL);
    pt_backend *be;
    for (size_t b = 0; (be = backend_next(&b, &failed)) != NULL;) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_gradient, be),
            cmocka_unit_test_prestate(test_steps, be),
        };
        failed += cmocka_run_group_tests_name(be->ops->name, tests, NULL, NULL);
        pt_backend_close(be);
    }
    return failed;
}
