/* Damaged models: each file of examples/models, cut at every byte of its first 4 KiB and at a
 * thousand places after, and with bytes changed at random, must fail cleanly or run. The bytes
 * lie in a block of exactly their size, so that the address sanitizer sees every read past the
 * end. */
#include "tests/test.h"

#include "lib/base/file.h"

enum { EVERY_BYTE_UP_TO = 4096, LATER_CUTS = 1000, CHANGES = 1000, MOST_CHANGED = 4 };

#define CNN "examples/models/digits-cnn/digits-cnn"
#define YOLO "examples/models/digits-yolo/digits-yolo"
#define SSD "examples/models/digits-ssd/digits-ssd"

typedef struct files {
    const char *path, *partner; /* partner NULL: a file for itself */
} files;

static tdnn_bytes read_file(const char *path)
{
    tdnn_error err;
    tdnn_file *file = NULL;
    assert_ok(tdnn_file_open(path, 1 << 20, &file, &err), err);
    tdnn_bytes bytes = tdnn_file_bytes(file);
    void *copy = tdnn_alloc(bytes.size, 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    bytes.data = copy;
    tdnn_file_release(file);
    return bytes;
}

/* Zeros for each input, in the declared shape, with small sizes for what is free; false if that
 * is too much for a test. */
static bool feed_zeros(tdnn_session *session, const tdnn_net *net, tdnn_error *err)
{
    for (size_t i = 0; i < tdnn_net_input_count(net); i++) {
        const tdnn_port *port = tdnn_net_input(net, i);
        tdnn_shape shape = port->usual; /* what the model is meant for */
        for (int d = 0; d < shape.ndim; d++)
            if (shape.dim[d] < 0) shape.dim[d] = d < 2 ? 1 : 64;
        int64_t count = tdnn_shape_count(&shape);
        if (port->kind != TDNN_KIND_TENSOR || count < 0 || count > 1 << 20) return false;
        tdnn_tensor *zeros = NULL;
        if (tdnn_tensor_create(port->dtype, &shape, &zeros, err) != TDNN_OK) return false;
        tdnn_status status = tdnn_session_set_input(session, port->name, zeros, err);
        tdnn_tensor_release(zeros);
        if (status != TDNN_OK) return false;
    }
    return true;
}

static tdnn_status load_and_run(tdnn_bytes model, tdnn_bytes config, tdnn_error *err)
{
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.max_bytes = 64 << 20;
    options.max_tensor_bytes = 16 << 20;
    tdnn_error_clear(err);
    tdnn_status status = tdnn_net_load_memory(model, config, &options, &net, err);
    if (status == TDNN_OK) status = tdnn_session_create(net, NULL, &session, err);
    if (status == TDNN_OK && feed_zeros(session, net, err))
        status = tdnn_session_run(session, err);
    tdnn_session_free(session);
    tdnn_net_release(net);
    return status;
}

static void must_be_clean(tdnn_bytes model, tdnn_bytes config, const char *what, size_t where)
{
    tdnn_error err;
    tdnn_status status = load_and_run(model, config, &err);
    if (status == TDNN_OK) return;
    if (status == TDNN_ERR_INTERNAL || status == TDNN_ERR_IO)
        fail_msg("%s %zu: status '%s': %s: %s", what, where, tdnn_status_name(status),
                 err.where, err.message);
    if (!err.message[0]) fail_msg("%s %zu: an error without a message", what, where);
}

/* `whole` is the model, or with `other` its partner, in either order. */
static void cut_everywhere(const char *path, const char *partner)
{
    tdnn_bytes whole = read_file(path), other = {0};
    if (partner) other = read_file(partner);
    const size_t step = whole.size / LATER_CUTS + 1;
    for (size_t size = 1; size < whole.size; size += size < EVERY_BYTE_UP_TO ? 1 : step) {
        void *part = tdnn_alloc(size, 1);
        assert_non_null(part);
        if (size) memcpy(part, whole.data, size);
        must_be_clean((tdnn_bytes){part, size}, other, "cut at byte", size);
        tdnn_free(part);
    }
    tdnn_free((void *)(uintptr_t)other.data);
    tdnn_free((void *)(uintptr_t)whole.data);
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void change_at_random(const char *path, const char *partner)
{
    tdnn_bytes whole = read_file(path), other = {0};
    if (partner) other = read_file(partner);
    unsigned char *bytes = tdnn_alloc(whole.size, 1);
    assert_non_null(bytes);
    uint32_t state = 2024;
    for (size_t round = 0; round < CHANGES; round++) {
        memcpy(bytes, whole.data, whole.size);
        /* Half of them near the start, where a model's structure is. */
        size_t range =
            round % 2 && whole.size > EVERY_BYTE_UP_TO ? EVERY_BYTE_UP_TO : whole.size;
        for (uint32_t n = random_next(&state) % MOST_CHANGED + 1; n > 0; n--)
            bytes[random_next(&state) % range] = (unsigned char)random_next(&state);
        must_be_clean((tdnn_bytes){bytes, whole.size}, other, "change", round);
    }
    tdnn_free(bytes);
    tdnn_free((void *)(uintptr_t)other.data);
    tdnn_free((void *)(uintptr_t)whole.data);
}

static void whole_model_runs(void **state)
{
    const files *f = *state;
    tdnn_error err;
    tdnn_bytes model = read_file(f->path), partner = {0};
    if (f->partner) partner = read_file(f->partner);
    assert_ok(load_and_run(model, partner, &err), err);
    tdnn_free((void *)(uintptr_t)model.data);
    tdnn_free((void *)(uintptr_t)partner.data);
}

static void cut_model(void **state)
{
    const files *f = *state;
    cut_everywhere(f->path, f->partner);
}

static void changed_model(void **state)
{
    const files *f = *state;
    change_at_random(f->path, f->partner);
}

#define TESTS_OF(path, partner)                                                                \
    {"whole " path, whole_model_runs, NULL, NULL, &(files){path, partner}},                    \
        {"cut " path, cut_model, NULL, NULL, &(files){path, partner}},                         \
    {                                                                                          \
        "changed " path, changed_model, NULL, NULL, &(files) { path, partner }                 \
    }
#define TESTS_OF_BOTH(a, b) TESTS_OF(a, b), TESTS_OF(b, a)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTS_OF(CNN ".onnx", NULL),
        TESTS_OF_BOTH(CNN ".prototxt", CNN ".caffemodel"),
        TESTS_OF(CNN ".pb", NULL),
        TESTS_OF_BOTH(CNN ".cfg", CNN ".weights"),
        TESTS_OF(YOLO ".onnx", NULL),
        TESTS_OF_BOTH(YOLO ".cfg", YOLO ".weights"),
        TESTS_OF_BOTH(SSD ".prototxt", SSD ".caffemodel"),
        TESTS_OF_BOTH(SSD ".pb", SSD ".pbtxt"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
