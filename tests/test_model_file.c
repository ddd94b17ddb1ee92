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
#include <unistd.h>

#include "network/model_file.h"
#include "parametric/transform.h"

#define CHECK(x) assert_int_equal((x), PTSNE_OK)

static char directory[] = "/tmp/ptsne-model-XXXXXX";

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

/* Loads argv[1] strictly into the torch.nn.Sequential of argv[2] and compares its outputs with argv[3], rows of 6 + 2 float32. */
static const char torch_check[] =
    "import json, struct, sys, torch, numpy as np\n"
    "b = open(sys.argv[1], 'rb').read()\n"
    "n = struct.unpack('<Q', b[:8])[0]\n"
    "h = json.loads(b[8:8 + n])\n"
    "h.pop('__metadata__')\n"
    "w = {k: torch.from_numpy(np.frombuffer(b, '<f4', count=(v['data_offsets'][1] - v['data_offsets'][0]) // 4,\n"
    "     offset=8 + n + v['data_offsets'][0]).reshape(v['shape']).copy()) for k, v in h.items()}\n"
    "a = dict(relu=torch.nn.ReLU, elu=torch.nn.ELU, tanh=torch.nn.Tanh, sigmoid=torch.nn.Sigmoid)[sys.argv[2]]\n"
    "L = torch.nn.Linear\n"
    "net = torch.nn.Sequential(L(6, 7), a(), L(7, 5), a(), L(5, 2))\n"
    "net.load_state_dict(w, strict=True)\n"
    "t = torch.from_numpy(np.fromfile(sys.argv[3], '<f4').reshape(-1, 8).copy())\n"
    "y = net(t[:, :6]).detach()\n"
    "e = float((y - t[:, 6:]).abs().max() / y.abs().max())\n"
    "sys.exit(0 if e < 1e-4 else 'outputs differ by %g' % e)\n";

static void test_torch(void **state)
{
    pt_backend *be = *state;
    if (system("/usr/bin/python3 -c 'import torch, numpy' >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: no torch for /usr/bin/python3\n");
        skip();
    }
    const char *const names[] = {"relu", "elu", "tanh", "sigmoid"};
    FILE *script = fopen(file_in("check.py"), "w");
    assert_non_null(script);
    assert_true(fputs(torch_check, script) >= 0);
    fclose(script);
    for (size_t a = 0; a < 4; a++) {
        enum { ROWS = 33 };
        float x[ROWS * 6], y[ROWS * 2];
        for (size_t i = 0; i < ROWS * 6; i++) { x[i] = sinf((float)(i * i)); }
        ptsne_model *model = model_new(be, "7,5", names[a]);
        CHECK(pt_model_transform(model, x, ROWS, y, NULL));
        CHECK(pt_model_write(model, file_in("model"), true, NULL));
        pt_model_destroy(model);
        FILE *rows = fopen(file_in("rows"), "wb");
        assert_non_null(rows);
        for (size_t i = 0; i < ROWS; i++) {
            assert_int_equal(fwrite(x + i * 6, sizeof(float), 6, rows), 6);
            assert_int_equal(fwrite(y + i * 2, sizeof(float), 2, rows), 2);
        }
        fclose(rows);
        char command[512];
        snprintf(command, sizeof command, "/usr/bin/python3 %s/check.py %s/model %s %s/rows", directory, directory,
                 names[a], directory);
        assert_int_equal(system(command), 0);
    }
}

int main(void)
{
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1};
    if (mkdtemp(directory) == NULL || pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "no directory or no cpu backend\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_round_trip, be), cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_truncated, be),  cmocka_unit_test_prestate(test_not_finite, be),
        cmocka_unit_test_prestate(test_torch, be),
    };
    const int failed = cmocka_run_group_tests_name("model file", tests, NULL, NULL);
    pt_backend_close(be);
    const char *const names[] = {"a", "b", "whole", "cut", "nan", "model", "rows", "check.py"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { unlink(file_in(names[i])); }
    rmdir(directory);
    return failed;
}
