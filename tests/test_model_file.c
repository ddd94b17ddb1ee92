#define _POSIX_C_SOURCE 200809L
/* The model's file: it comes back as it went, the same model gives the same bytes, PyTorch loads it, and what is not a model is
 * refused with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "directory.h"
#include "network/model_file.h"
#include "network/transform.h"

#define CHECK(x) assert_int_equal((x), PTSNE_OK)

static char directory[DIRECTORY_ROOM];

static char *file_in(const char *name)
{
    static char path[sizeof directory + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static ptsne_model *model_new(pt_backend *be, const char *widths, const char *activation)
{
    pt_net net;
    ptsne_model *model;
    const pt_shape input = pt_shape_columns(6);
    CHECK(pt_net_parse(widths, activation, &input, &net, NULL));
    CHECK(pt_net_append(&net, 2, PT_LINEAR, NULL));
    CHECK(pt_model_create(be, &net, &model, NULL));
    pt_net_start(&net, 1, model->parameters);
    for (size_t l = 0; l < net.n_layers; l++) {
        for (size_t o = 0; o < net.layers[l].n_out; o++) {
            model->parameters[net.layers[l].bias + o] = 0.25f * (float)(o + 1);
        }
    }
    CHECK(pt_metadata_set(&model->metadata, NULL, "ptsne.note", "a \"quoted\" \xc3\xa9 line"));
    return model;
}

static size_t bytes_of(const char *path, unsigned char *bytes, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t count = fread(bytes, 1, capacity, file);
    fclose(file);
    assert_true(count < capacity);
    return count;
}

static void test_round_trip(void **state)
{
    pt_backend *be = *state;
    ptsne_model *model = model_new(be, "7,5", "tanh"), *back;
    static unsigned char one[65536], two[65536];
    CHECK(pt_model_write(model, file_in("a"), false, NULL));
    assert_int_equal(pt_model_write(model, file_in("a"), false, NULL), PTSNE_ERR_ARGUMENT);
    CHECK(pt_model_read(be, file_in("a"), &back, NULL));
    assert_memory_equal(model->parameters, back->parameters, model->net.n_parameters * sizeof(float));
    assert_memory_equal(&model->net.layers, &back->net.layers, sizeof model->net.layers);
    assert_string_equal(pt_metadata_get(&back->metadata, "ptsne.note"), "a \"quoted\" \xc3\xa9 line");
    assert_string_equal(pt_metadata_get(&back->metadata, "format"), "pt");
    CHECK(pt_model_write(back, file_in("b"), false, NULL));
    const size_t count = bytes_of(file_in("a"), one, sizeof one);
    assert_int_equal(bytes_of(file_in("b"), two, sizeof two), count);
    assert_memory_equal(one, two, count);
    assert_int_equal(one[0] % 8, 0);
    pt_model_destroy(model);
    pt_model_destroy(back);
}

/* ---- images ---- */

/* A network of every kind of layer, and the modules that PyTorch makes of its model. */
typedef struct image_case {
    const char *text;
    pt_shape input;
    size_t anchors; /* 0: a dense layer to 2 */
    bool centred;   /* rows are less their means when they come to the network */
    const char *modules;
} image_case;

static const image_case image_cases[] = {
    {"conv 3 3x3 same, bn, relu, pool 2, dropout 0.2, conv 4 3x2 stride 2, elu, dense 5, bn, tanh",
     {10, 9, 2},
     0,
     false,
     "Conv2d(2, 3, 3, padding='same'), ReLU(), MaxPool2d(2), Dropout(0.2), Conv2d(3, 4, (3, 2), stride=2), ELU(), "
     "Flatten(), Linear(16, 5), Tanh(), Linear(5, 2)"},
    {"bn, conv 3 2x2, sigmoid, bn, pool 3x2 stride 2",
     {10, 9, 2},
     4,
     true,
     "Shift(2, 10, 9), BatchNorm2d(2), Conv2d(2, 3, 2), Sigmoid(), BatchNorm2d(3), MaxPool2d((3, 2), 2), Flatten(), "
     "Linear(48, 6), Anchors(4, 2)"},
    {"conv 2 5x5 same",
     {3, 3, 3},
     0,
     true,
     "Shift(3, 3, 3), Conv2d(3, 2, 5, padding='same'), Flatten(), Linear(18, 2)"},
    {"bn, 7, dense 5, bn, relu",
     {1, 1, 6},
     0,
     true,
     "BatchNorm1d(6), Linear(6, 7), ReLU(), Linear(7, 5), ReLU(), Linear(5, 2)"},
};

static ptsne_model *image_model(pt_backend *be, const image_case *of)
{
    static float parameters[8192], mean[8192];
    pt_net net;
    ptsne_model *model;
    CHECK(pt_net_parse(of->text, "relu", &of->input, &net, NULL));
    CHECK(of->anchors > 0 ? pt_net_append_anchors(&net, of->anchors, 2, NULL)
                          : pt_net_append(&net, 2, PT_LINEAR, NULL));
    assert_true(net.n_parameters <= 8192);
    pt_net_start(&net, 1, parameters);
    for (size_t l = 0; l < net.n_layers; l++) {
        const pt_layer *layer = &net.layers[l];
        const size_t channels = layer->kind == PT_NORM ? layer->in.channels : 0;
        for (size_t i = 0; i < layer->n_weight; i++) { parameters[layer->weight + i] += 0.2f * cosf((float)i); }
        for (size_t i = 0; i < layer->n_bias; i++) { parameters[layer->bias + i] = 0.25f * (float)(i + 1); }
        for (size_t i = 0; i < channels; i++) {
            parameters[layer->mean + i] = sinf((float)i);
            parameters[layer->variance + i] = 0.5f + (float)i;
        }
    }
    for (size_t i = 0; i < pt_net_inputs(&net); i++) { mean[i] = cosf(3.0f * (float)i); }
    CHECK(pt_model_export(be, &net, parameters, of->centred ? mean : NULL, 0.5f, &model, NULL));
    return model;
}

enum { IMAGE_ROWS = 9 };

static void image_rows(const ptsne_model *model, float *x)
{
    for (size_t i = 0; i < IMAGE_ROWS * pt_net_inputs(&model->net); i++) { x[i] = sinf((float)(i * i)); }
}

static void test_images(void **state)
{
    pt_backend *be = *state;
    static unsigned char one[65536], two[65536];
    for (size_t k = 0; k < sizeof image_cases / sizeof image_cases[0]; k++) {
        static float x[IMAGE_ROWS * 256], y[IMAGE_ROWS * 2], again[IMAGE_ROWS * 2];
        ptsne_model *model = image_model(be, &image_cases[k]), *back;
        CHECK(pt_model_write(model, file_in("a"), true, NULL));
        ptsne_error err = {0};
        if (pt_model_read(be, file_in("a"), &back, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
        assert_int_equal(back->net.n_layers, model->net.n_layers);
        assert_int_equal(back->net.n_parameters, model->net.n_parameters);
        assert_memory_equal(&back->net.input, &model->net.input, sizeof back->net.input);
        for (size_t l = 0; l < model->net.n_layers; l++) {
            const pt_layer *sent = &model->net.layers[l], *got = &back->net.layers[l];
            assert_string_equal(sent->name, got->name);
            assert_int_equal(sent->activation, got->activation);
            assert_memory_equal(&sent->out, &got->out, sizeof got->out);
            assert_memory_equal(&sent->window, &got->window, sizeof got->window);
            assert_true(sent->rate == got->rate);
        }
        assert_memory_equal(model->parameters, back->parameters, model->net.n_parameters * sizeof(float));
        image_rows(model, x);
        CHECK(pt_model_transform(model, x, IMAGE_ROWS, y, NULL));
        CHECK(pt_model_transform(back, x, IMAGE_ROWS, again, NULL));
        assert_memory_equal(y, again, sizeof y);
        CHECK(pt_model_write(back, file_in("b"), true, NULL));
        const size_t count = bytes_of(file_in("a"), one, sizeof one);
        assert_int_equal(bytes_of(file_in("b"), two, sizeof two), count);
        assert_memory_equal(one, two, count);
        pt_model_destroy(model);
        pt_model_destroy(back);
    }
}

static void test_variance(void **state)
{
    pt_backend *be = *state;
    ptsne_model *model = image_model(be, &image_cases[1]), *back;
    ptsne_error err;
    model->parameters[pt_net_find(&model->net, "norm2")->variance + 1] = -1.0f;
    CHECK(pt_model_write(model, file_in("a"), true, NULL));
    pt_model_destroy(model);
    assert_int_equal(pt_model_read(be, file_in("a"), &back, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "\"norm2\": the running variance of channel 1 is -1"));
}

/* A container from its header and a count of data bytes. */
static ptsne_status container_take(pt_backend *be, const char *header, size_t data, ptsne_error *err)
{
    static unsigned char bytes[65536];
    const size_t length = strlen(header);
    memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < 8; i++) { bytes[i] = (unsigned char)((uint64_t)length >> (8 * i)); }
    memcpy(bytes + 8, header, length);
    pt_safetensors file;
    ptsne_model *model;
    *err = (ptsne_error){0};
    ptsne_status status = pt_safetensors_parse(bytes, 8 + length + data, &file, err);
    if (status == PTSNE_OK) {
        status = pt_model_take(be, &file, &model, err);
        pt_safetensors_destroy(&file);
        if (status == PTSNE_OK) { pt_model_destroy(model); }
    }
    return status;
}

#define META(arch) "\"__metadata__\":{\"ptsne.format\":\"1\",\"ptsne.arch\":\"" arch "\"}"
#define LAYER(in, out, act)                                                                                            \
    "{\\\"kind\\\":\\\"linear\\\",\\\"in\\\":" in ",\\\"out\\\":" out ",\\\"activation\\\":\\\"" act "\\\"}"
#define CONV(input, filters, kernel, stride, padding)                                                                  \
    "{\\\"input\\\":" input ",\\\"layers\\\":[{\\\"kind\\\":\\\"conv\\\",\\\"filters\\\":" filters                     \
    ",\\\"kernel\\\":" kernel ",\\\"stride\\\":" stride ",\\\"padding\\\":\\\"" padding                                \
    "\\\",\\\"activation\\\":\\\"relu\\\"}]}"
#define ARCH         "{\\\"layers\\\":[" LAYER("3", "2", "linear") "]}"
#define WEIGHT(rest) "\"0.weight\":{\"dtype\":\"F32\"," rest "}"
#define BIAS         "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}"
#define GOOD_WEIGHT  WEIGHT("\"shape\":[2,3],\"data_offsets\":[0,24]")

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    ptsne_error err;
    CHECK(container_take(be, "{" META(ARCH) "," GOOD_WEIGHT "," BIAS "}", 32, &err));
    const struct {
        const char *header;
        size_t data;
        const char *says;
    } bad[] = {
        {"[]", 0, "no header"},
        {" {}", 0, "no header"},
        {"{", 0, "header byte"},
        {"{}", 1, "bytes after the last tensor"},
        {"{}", 0, "not a model that ptsne wrote"},
        {"{\"a\":1,\"a\":1}", 0, "duplicate"},
        {"{\"a\":1}", 0, "expected dtype"},
        {"{\"__metadata__\":1}", 0, "not an object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not a text"},
        {"{" META(ARCH) "," GOOD_WEIGHT "," BIAS "}", 31, "ends behind the file"},
        {"{" META(ARCH) "," GOOD_WEIGHT "," BIAS "}", 33, "after the last tensor"},
        {"{" META(ARCH) "," GOOD_WEIGHT "}", 24, "not those of the network"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[3,2],\"data_offsets\":[0,24]") "," BIAS "}", 32, "has not the shape"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[2,3],\"data_offsets\":[0,20]") "," BIAS "}", 32, "do not fit"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[2,3],\"data_offsets\":[8,32]") "," BIAS "}", 32, "hole or overlaps"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[2,3],\"data_offsets\":[-1,23]") "," BIAS "}", 32, "rising counts"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[2,-3],\"data_offsets\":[0,24]") "," BIAS "}", 32, "than a count"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[4294967296,4294967296],\"data_offsets\":[0,24]") "," BIAS "}", 32,
         "too large"},
        {"{" META(ARCH) "," WEIGHT("\"shape\":[2,3],\"data_offsets\":[0,24],\"x\":1") "," BIAS "}", 32,
         "expected dtype"},
        {"{" META(ARCH) ",\"0.weight\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]}}", 12, "not F32"},
        {"{" META("{") "," GOOD_WEIGHT "," BIAS "}", 32, "ptsne.arch: byte"},
        {"{" META("{}") "," GOOD_WEIGHT "," BIAS "}", 32, "no layers"},
        {"{" META("{\\\"layers\\\":[3]}") "," GOOD_WEIGHT "," BIAS "}", 32, "layer 0 is none"},
        {"{" META("{\\\"layers\\\":[" LAYER("3", "2", "relu") "," LAYER("3", "2", "linear") "]}") "," GOOD_WEIGHT "}",
         24, "from a layer of 2"},
        {"{" META("{\\\"layers\\\":[" LAYER("3", "99999999999", "linear") "]}") "," GOOD_WEIGHT "," BIAS "}", 32,
         "a row may have 1 to"},
        {"{" META("{\\\"input\\\":[2,2],\\\"layers\\\":[]}") "}", 0, "no height, width and channels"},
        {"{" META("{\\\"input\\\":[2,2,0],\\\"layers\\\":[]}") "}", 0, "no height, width and channels"},
        {"{" META(CONV("[2,2,1]", "5", "[3,3]", "1", "valid")) "}", 0, "layer 0: a window of 3x3 is larger"},
        {"{" META(CONV("[1,1,9]", "5", "[3,3]", "1", "same")) "}", 0, "layer 0: needs an image"},
        {"{" META(CONV("[9,9,1]", "5", "[3]", "1", "same")) "}", 0, "layer 0 is none"},
        {"{" META(CONV("[9,9,1]", "5", "[3,3,3]", "1", "same")) "}", 0, "layer 0 is none"},
        {"{" META(CONV("[9,9,1]", "5", "[3,3]", "0", "same")) "}", 0, "layer 0 is none"},
        {"{" META(CONV("[9,9,1]", "-5", "[3,3]", "1", "same")) "}", 0, "layer 0 is none"},
        {"{" META(CONV("[9,9,1]", "5", "[3,3]", "1", "some")) "}", 0, "layer 0 is none"},
        {"{" META(CONV("[9,9,1]", "16777216", "[3,3]", "1", "same")) "}", 0, "a row may have 1 to"},
        {"{" META(CONV("[9,9,1]", "5", "[3,3]", "1", "same")) "}", 0, "not those of the network"},
        {"{" META(CONV("[16777216,16777216,16777216]", "5", "[3,3]", "1", "same")) "}", 0, "the input has more than"},
        {"{" META("{\\\"input\\\":[1,1,9],\\\"layers\\\":[{\\\"kind\\\":\\\"dropout\\\",\\\"rate\\\":1.5}]}") "}", 0,
         "a dropout of 1.5"},
        {"{" META("{\\\"layers\\\":[{\\\"kind\\\":\\\"shift\\\"}]}") "}", 0, "a row may have 1 to"},
        {"{" META("{\\\"input\\\":[1,1,9],\\\"layers\\\":[{\\\"kind\\\":\\\"anchors\\\",\\\"count\\\":5,"
                  "\\\"dimensions\\\":3}]}") "}",
         0, "5 anchors in 3 dimensions on 9 values"},
        {"{\"__metadata__\":{\"ptsne.format\":\"2\",\"ptsne.arch\":\"{}\"}}", 0, "reads format 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const ptsne_status status = container_take(be, bad[i].header, bad[i].data, &err);
        if (status != PTSNE_ERR_DATA || strstr(err.message, bad[i].says) == NULL) {
            fail_msg("%s: status %d, \"%s\" does not say \"%s\"", bad[i].header, (int)status, err.message, bad[i].says);
        }
    }
}

/* Every file that was cut short is refused. */
static void test_truncated(void **state)
{
    pt_backend *be = *state;
    ptsne_model *model = model_new(be, "3", "relu"), *back;
    static unsigned char bytes[65536];
    CHECK(pt_model_write(model, file_in("whole"), true, NULL));
    pt_model_destroy(model);
    const size_t count = bytes_of(file_in("whole"), bytes, sizeof bytes);
    for (size_t length = 0; length < count; length++) {
        FILE *file = fopen(file_in("cut"), "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        fclose(file);
        ptsne_error err;
        assert_int_equal(pt_model_read(be, file_in("cut"), &back, &err), PTSNE_ERR_DATA);
        assert_null(back);
        assert_non_null(strstr(err.message, "cut: "));
    }
    assert_int_equal(pt_model_read(be, file_in("nothing"), &back, NULL), PTSNE_ERR_IO);
    assert_int_equal(pt_model_read(be, directory, &back, NULL), PTSNE_ERR_IO);
}

/* A model whose weights are no numbers would place every point nowhere. */
static void test_not_finite(void **state)
{
    pt_backend *be = *state;
    ptsne_model *model = model_new(be, "3", "relu"), *back;
    ptsne_error err;
    model->parameters[1] = NAN;
    CHECK(pt_model_write(model, file_in("nan"), true, NULL));
    pt_model_destroy(model);
    assert_int_equal(pt_model_read(be, file_in("nan"), &back, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "\"0.weight\": entry 1"));
}

/* Loads each model i of the directory argv[1] strictly into the torch.nn.Sequential of the modules that line i of its file "jobs"
 * has, before the images' height, width and channels, and compares its outputs with "rows" i: images, each with its 2 outputs,
 * float32. Exit code 77: there is no PyTorch. */
static const char torch_check[] =
    "import json, struct, sys\n"
    "try:\n"
    "    import torch, numpy as np\n"
    "    from torch.nn import *\n"
    "except ImportError:\n"
    "    sys.exit(77)\n"
    "class Shift(Module):\n"
    "    def __init__(self, *shape):\n"
    "        super().__init__()\n"
    "        self.bias = Parameter(torch.zeros(shape))\n"
    "    def forward(self, x):\n"
    "        return x + self.bias\n"
    "class Anchors(Module):\n"
    "    def __init__(self, k, d):\n"
    "        super().__init__()\n"
    "        self.anchors = Parameter(torch.zeros(k, d))\n"
    "    def forward(self, z):\n"
    "        k = self.anchors.shape[0]\n"
    "        return torch.softmax(z[:, :k], 1) @ self.anchors + z[:, k:]\n"
    "def error(at, modules, shape):\n"
    "    b = open(at % 'model', 'rb').read()\n"
    "    n = struct.unpack('<Q', b[:8])[0]\n"
    "    h = json.loads(b[8:8 + n])\n"
    "    h.pop('__metadata__')\n"
    "    w = {k: torch.from_numpy(np.frombuffer(b, '<f4', count=(v['data_offsets'][1] - v['data_offsets'][0]) // 4,\n"
    "         offset=8 + n + v['data_offsets'][0]).reshape(v['shape']).copy()) for k, v in h.items()}\n"
    "    net = Sequential(*eval('[' + modules + ']'))\n"
    "    net.load_state_dict(w, strict=True)\n"
    "    s = [int(v) for v in shape.split('x')]\n"
    "    t = torch.from_numpy(np.fromfile(at % 'rows', '<f4').reshape(-1, s[0] * s[1] * s[2] + 2).copy())\n"
    "    x = t[:, :-2]\n"
    "    if s[0] * s[1] > 1:\n"
    "        x = x.reshape(-1, *s).permute(0, 3, 1, 2)\n"
    "    y = net.eval()(x).detach()\n"
    "    return float((y - t[:, -2:]).abs().max() / y.abs().max())\n"
    "for i, line in enumerate(open(sys.argv[1] + '/jobs')):\n"
    "    modules, shape = line.strip().split('\\t')\n"
    "    e = error(sys.argv[1] + '/%s' + str(i), modules, shape)\n"
    "    if not e < 1e-5:\n"
    "        sys.exit('%s: outputs differ by %g' % (modules, e))\n";

/* Model and rows as files for PyTorch, and a line in jobs. */
static void torch_ask(FILE *jobs, size_t number, ptsne_model *model, const char *modules)
{
    const pt_shape *input = &model->net.input;
    const size_t columns = pt_net_inputs(&model->net);
    static float x[IMAGE_ROWS * 256], y[IMAGE_ROWS * 2];
    char name[32];
    image_rows(model, x);
    CHECK(pt_model_transform(model, x, IMAGE_ROWS, y, NULL));
    snprintf(name, sizeof name, "model%zu", number);
    CHECK(pt_model_write(model, file_in(name), true, NULL));
    snprintf(name, sizeof name, "rows%zu", number);
    FILE *rows = fopen(file_in(name), "wb");
    assert_non_null(rows);
    for (size_t i = 0; i < IMAGE_ROWS; i++) {
        assert_int_equal(fwrite(x + i * columns, sizeof(float), columns, rows), columns);
        assert_int_equal(fwrite(y + i * 2, sizeof(float), 2, rows), 2);
    }
    fclose(rows);
    assert_true(fprintf(jobs, "%s\t%zux%zux%zu\n", modules, input->height, input->width, input->channels) > 0);
    pt_model_destroy(model);
}

static void test_torch(void **state)
{
    pt_backend *be = *state;
    const char *const names[] = {"relu", "elu", "tanh", "sigmoid"}, *const modules[] = {"ReLU", "ELU", "Tanh",
                                                                                        "Sigmoid"};
    FILE *script = fopen(file_in("check.py"), "w"), *jobs = fopen(file_in("jobs"), "w");
    assert_true(script != NULL && jobs != NULL);
    assert_true(fputs(torch_check, script) >= 0);
    fclose(script);
    for (size_t a = 0; a < 4; a++) {
        char text[128];
        snprintf(text, sizeof text, "Linear(6, 7), %s(), Linear(7, 5), %s(), Linear(5, 2)", modules[a], modules[a]);
        torch_ask(jobs, a, model_new(be, "7,5", names[a]), text);
    }
    for (size_t k = 0; k < sizeof image_cases / sizeof image_cases[0]; k++) {
        torch_ask(jobs, 4 + k, image_model(be, &image_cases[k]), image_cases[k].modules);
    }
    fclose(jobs);
    char command[2 * DIRECTORY_ROOM + 64];
    snprintf(command, sizeof command, "/usr/bin/python3 %s/check.py %s", directory, directory);
    const int code = system(command);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 77) {
        print_message("SKIPPED: no torch for /usr/bin/python3\n");
        skip();
    }
    assert_int_equal(code, 0);
}

int main(void)
{
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1};
    if (!directory_make("model", directory) || pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "no directory or no cpu backend\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_round_trip, be), cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_truncated, be),  cmocka_unit_test_prestate(test_not_finite, be),
        cmocka_unit_test_prestate(test_torch, be),      cmocka_unit_test_prestate(test_images, be),
        cmocka_unit_test_prestate(test_variance, be),
    };
    const int failed = cmocka_run_group_tests_name("model file", tests, NULL, NULL);
    pt_backend_close(be);
    directory_remove(directory);
    return failed;
}
