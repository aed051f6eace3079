/* Whole models written as ONNX: of every format, onto themselves, in two files; all read back
 * to the same bits. */
#include "tests/same_bits.h"
#include "tests/test.h"

#include "lib/base/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static tdnn_error err;
static char folder[] = "/tmp/tinydnn-test-XXXXXX", path[64], data[70];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    snprintf(data, sizeof data, "%s.data", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(data);
    return rmdir(folder);
}

static tdnn_status write_at(tdnn_net *net, int opset)
{
    tdnn_onnx_options options;
    tdnn_onnx_options_init(&options);
    options.opset = opset;
    return tdnn_net_write_onnx(net, path, &options, &err);
}

/* Reads back what was written, and compares. */
static void reads_back(tdnn_net *net)
{
    tdnn_net *back = NULL;
    assert_ok(tdnn_net_load(path, NULL, NULL, &back, &err), err);
    same_bits(net, back);
    tdnn_net_release(back);
}

static void every_format(void **state)
{
#define CNN "examples/models/digits-cnn/digits-cnn"
#define YOLO "examples/models/digits-yolo/digits-yolo"
    static const char *const models[][2] = {{CNN ".onnx", NULL},
                                            {CNN ".caffemodel", CNN ".prototxt"},
                                            {CNN ".pb", NULL},
                                            {CNN ".weights", CNN ".cfg"},
                                            {YOLO ".weights", YOLO ".cfg"}};
    static const int opsets[] = {0, 12, 15, 21};
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        tdnn_net *net = NULL;
        assert_ok(tdnn_net_load(models[i][0], models[i][1], NULL, &net, &err), err);
        for (size_t o = 0; o < sizeof opsets / sizeof *opsets; o++) {
            assert_ok(write_at(net, opsets[o]), err);
            reads_back(net);
        }
        tdnn_net_release(net);
    }
}

/* The weights of the net lie in the very file that is replaced. */
static void onto_itself(void **state)
{
    (void)state;
    tdnn_net *net = NULL, *original = NULL;
    assert_ok(tdnn_net_load(CNN ".onnx", NULL, NULL, &original, &err), err);
    assert_ok(write_at(original, 0), err);
    assert_ok(tdnn_net_load(path, NULL, NULL, &net, &err), err);
    assert_ok(write_at(net, 0), err);
    reads_back(original);
    same_bits(original, net);
    tdnn_net_release(net);
    tdnn_net_release(original);
}

/* ---- Weights in a second file ---- */

static long size_of(const char *name)
{
    struct stat info;
    return stat(name, &info) ? -1 : (long)info.st_size;
}

static tdnn_status write_above(tdnn_net *net, uint64_t most)
{
    tdnn_onnx_options options;
    tdnn_onnx_options_init(&options);
    options.external_above = most;
    return tdnn_net_write_onnx(net, path, &options, &err);
}

static void beside(void **state)
{
    (void)state;
    tdnn_net *net = NULL, *back = NULL;
    unlink(data);
    assert_ok(tdnn_net_load(CNN ".onnx", NULL, NULL, &net, &err), err);
    assert_ok(write_above(net, 1 << 30), err); /* small enough for one */
    const long whole = size_of(path);
    assert_int_equal(size_of(data), -1);
    assert_ok(write_above(net, (uint64_t)whole), err);
    assert_int_equal(size_of(data), -1);
    assert_ok(write_above(net, (uint64_t)whole - 1), err);
    assert_true(size_of(path) < whole / 2);
    assert_true(size_of(data) > whole / 2);
    reads_back(net);
    /* from its two files onto them */
    assert_ok(tdnn_net_load(path, NULL, NULL, &back, &err), err);
    assert_ok(write_above(back, 1), err);
    reads_back(net);
    same_bits(net, back);
    tdnn_net_release(back);
    /* moved on its own, it says what is missing */
    assert_int_equal(unlink(data), 0);
    tdnn_status status = tdnn_net_load(path, NULL, NULL, &back, &err);
    assert_int_not_equal(status, TDNN_OK);
    assert_true(strstr(err.message, "model.onnx.data") || strstr(err.where, "model.onnx.data"));
    tdnn_net_release(net);
}

/* The model cannot take the place of a folder; its weights do not stay behind. */
static void nothing_left(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(tdnn_net_load(CNN ".onnx", NULL, NULL, &net, &err), err);
    assert_int_not_equal(write_above(net, 1), TDNN_OK);
    assert_int_equal(size_of(data), -1);
    assert_int_equal(rmdir(path), 0);
    tdnn_net_release(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(onto_itself),
        cmocka_unit_test(beside),
        cmocka_unit_test(nothing_left),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
