/* Which format files are of: found from the bytes, in either order, from files of any name and from
 * memory, or as the caller says; that files and memory give the same; and measuring without packing. */
#include "tests/test.h"

#include "lib/base/file.h"

#include <unistd.h>

#define CNN "examples/models/digits-cnn/digits-cnn"

static tdnn_error err;

static const struct {
    const char *model, *config;
    tdnn_format format;
} models[] = {
    {CNN ".onnx", NULL, TDNN_FORMAT_ONNX},
    {CNN ".pb", NULL, TDNN_FORMAT_TENSORFLOW},
    {CNN ".pb", CNN ".pbtxt", TDNN_FORMAT_TENSORFLOW},
    {CNN ".prototxt", CNN ".caffemodel", TDNN_FORMAT_CAFFE},
    {CNN ".prototxt", NULL, TDNN_FORMAT_CAFFE},
    {CNN ".cfg", CNN ".weights", TDNN_FORMAT_DARKNET},
    {CNN ".cfg", NULL, TDNN_FORMAT_DARKNET},
};
enum { MODELS = sizeof models / sizeof *models };

static tdnn_file *open_file(const char *path)
{
    tdnn_file *file = NULL;
    if (path) assert_ok(tdnn_file_open(path, 1 << 22, &file, &err), err);
    return file;
}

static void must_be(tdnn_bytes model, tdnn_bytes config, tdnn_format named, tdnn_format wanted)
{
    tdnn_net *net = NULL;
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.format = named;
    assert_ok(tdnn_net_load_memory(model, config, &options, &net, &err), err);
    assert_int_equal(tdnn_net_format(net), wanted);
    tdnn_net_release(net);
}

static void found_in_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        tdnn_file *model = open_file(models[i].model), *config = open_file(models[i].config);
        tdnn_bytes one = tdnn_file_bytes(model), other = {0};
        assert_int_equal(tdnn_format_detect(one), models[i].format);
        if (config) other = tdnn_file_bytes(config);
        must_be(one, other, TDNN_FORMAT_AUTO, models[i].format);
        must_be(one, other, models[i].format, models[i].format);
        if (config) must_be(other, one, TDNN_FORMAT_AUTO, models[i].format);
        if (config) must_be(other, one, models[i].format, models[i].format);
        tdnn_file_release(model);
        tdnn_file_release(config);
    }
}

/* Copies of the two files under names that say something else. */
static void names_do_not_matter(void **state)
{
    (void)state;
    static const char *const endings[] = {".onnx", ".pb", ".caffemodel", ".weights", ""};
    for (size_t i = 0; i < MODELS; i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            char one[64], other[64];
            snprintf(one, sizeof one, "/tmp/tdnn-loading-%ld-a%s", (long)getpid(), endings[e]);
            snprintf(other, sizeof other, "/tmp/tdnn-loading-%ld-b%s", (long)getpid(), endings[e]);
            tdnn_file *model = open_file(models[i].model), *config = open_file(models[i].config);
            tdnn_bytes bytes = tdnn_file_bytes(model);
            assert_ok(tdnn_file_write(one, bytes.data, bytes.size, &err), err);
            if (config) bytes = tdnn_file_bytes(config);
            assert_ok(tdnn_file_write(other, bytes.data, bytes.size, &err), err);
            for (int swap = 0; swap < (config ? 2 : 1); swap++) {
                tdnn_net *net = NULL;
                tdnn_status status = tdnn_net_load(swap ? other : one, !config ? NULL : swap ? one : other,
                                                   NULL, &net, &err);
                assert_ok(status, err);
                assert_int_equal(tdnn_net_format(net), models[i].format);
                tdnn_net_release(net);
            }
            unlink(one);
            unlink(other);
            tdnn_file_release(model);
            tdnn_file_release(config);
        }
}

/* A named format's parser says what is wrong, with bytes that look like another's or like nothing. */
static void a_named_format_is_believed(void **state)
{
    (void)state;
    static const struct {
        tdnn_format format;
        const char *text, *says;
    } wrong[] = {
        {TDNN_FORMAT_CAFFE, "\x08\x07", ""},
        {TDNN_FORMAT_CAFFE, "nothing at all", "line 1"},
        {TDNN_FORMAT_DARKNET, "width=4", "line 1"},
        {TDNN_FORMAT_TENSORFLOW, "\xff\xff\xff", "byte 0"},
        {TDNN_FORMAT_ONNX, "\xff\xff\xff", "byte 0"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tdnn_net *net = NULL;
        tdnn_load_options options;
        tdnn_load_options_init(&options);
        options.format = wrong[i].format;
        tdnn_bytes bytes = {wrong[i].text, strlen(wrong[i].text)}, none = {0};
        assert_status(tdnn_net_load_memory(bytes, none, &options, &net, &err), TDNN_ERR_FORMAT);
        assert_null(net);
        assert_null(strstr(err.message, "no model that tinydnn reads"));
        if (!strstr(err.where, wrong[i].says) && !strstr(err.message, wrong[i].says))
            fail_msg("\"%s: %s\" does not say \"%s\"", err.where, err.message, wrong[i].says);
    }
    tdnn_net *net = NULL;
    tdnn_bytes noise = {"\xfe\xfd nothing", 10}, none = {0};
    assert_int_equal(tdnn_format_detect(noise), TDNN_FORMAT_AUTO);
    assert_status(tdnn_net_load_memory(noise, none, NULL, &net, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "no model that tinydnn reads"));
}

/* ---- weights that stay in the file until they are needed ---- */

static tdnn_session *run_ramp(tdnn_net *net)
{
    tdnn_session *session = NULL;
    tdnn_tensor *input = NULL;
    tdnn_shape shape = tdnn_net_input(net, 0)->usual;
    shape.dim[0] = 1;
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &input, &err), err);
    float *x = tdnn_tensor_data(input);
    for (int64_t i = 0; i < tdnn_shape_count(&shape); i++) x[i] = (float)(i % 17) / 17;
    assert_ok(tdnn_session_set_input(session, NULL, input, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    tdnn_tensor_release(input);
    return session;
}

/* From memory all weights are copied at once; from a file they are read where they lie, most of them
 * at odd addresses, or transposed and scaled as they are packed. */
static void files_and_memory_give_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        if (!models[i].config && models[i].format != TDNN_FORMAT_ONNX &&
            models[i].format != TDNN_FORMAT_TENSORFLOW)
            continue; /* has no weights */
        tdnn_file *model = open_file(models[i].model), *config = open_file(models[i].config);
        tdnn_bytes other = {0};
        if (config) other = tdnn_file_bytes(config);
        tdnn_net *nets[2] = {NULL, NULL};
        const tdnn_tensor *out[2];
        assert_ok(tdnn_net_load(models[i].model, models[i].config, NULL, &nets[0], &err), err);
        assert_ok(tdnn_net_load_memory(tdnn_file_bytes(model), other, NULL, &nets[1], &err), err);
        tdnn_session *one = run_ramp(nets[0]), *two = run_ramp(nets[1]);
        assert_ok(tdnn_session_output(one, NULL, &out[0], &err), err);
        assert_ok(tdnn_session_output(two, NULL, &out[1], &err), err);
        assert_int_equal(tdnn_tensor_bytes(out[0]), tdnn_tensor_bytes(out[1]));
        assert_memory_equal(tdnn_tensor_const_data(out[0]), tdnn_tensor_const_data(out[1]),
                            tdnn_tensor_bytes(out[0]));
        assert_true(tdnn_net_weight_bytes(nets[0]) == tdnn_net_weight_bytes(nets[1]));
        tdnn_session_free(one);
        tdnn_session_free(two);
        tdnn_net_release(nets[0]);
        tdnn_net_release(nets[1]);
        tdnn_file_release(model);
        tdnn_file_release(config);
    }
}

static void measuring_counts_without_packing(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_session *measuring = NULL;
    tdnn_session_options options;
    assert_ok(tdnn_net_load(CNN ".pb", NULL, NULL, &net, &err), err);
    tdnn_session_options_init(&options);
    options.measure = true;
    assert_ok(tdnn_session_create(net, &options, &measuring, &err), err);
    const char *name = tdnn_net_input(net, 0)->name;
    tdnn_shape shape = tdnn_net_input(net, 0)->usual;
    shape.dim[0] = 1;
    assert_ok(tdnn_session_plan(measuring, &name, &shape, 1, &err), err);
    tdnn_session *real = run_ramp(net);
    assert_true(tdnn_session_packed_bytes(measuring) > 0);
    assert_true(tdnn_session_packed_bytes(measuring) == tdnn_session_packed_bytes(real));
    assert_true(tdnn_session_arena_bytes(measuring) == tdnn_session_arena_bytes(real));
    assert_int_equal(tdnn_session_step_count(measuring), tdnn_session_step_count(real));
    assert_status(tdnn_session_run(measuring, &err), TDNN_ERR_STATE);
    tdnn_session_free(measuring);
    tdnn_session_free(real);
    tdnn_net_release(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_in_memory),
        cmocka_unit_test(names_do_not_matter),
        cmocka_unit_test(a_named_format_is_believed),
        cmocka_unit_test(files_and_memory_give_the_same_bits),
        cmocka_unit_test(measuring_counts_without_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
