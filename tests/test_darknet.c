/* The Darknet parser: every section against recorded outputs of Darknet itself, and what it
 * refuses. */
#include "tests/test.h"

#include "tinydnn.h"

#include "tests/darknet_layers.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static tdnn_error err;

/* In 0 .. 1, from a number and a seed: 1 for weights, 2 for the input (as 2 x - 1). */
static float pseudo(uint32_t i, uint32_t seed)
{
    uint32_t x = i * 2654435761u + seed * 40503u + 12345u;
    x ^= x >> 16;
    x *= 2246822519u;
    x ^= x >> 13;
    x *= 3266489917u;
    x ^= x >> 16;
    return (float)(x >> 8) / 16777216.0f;
}

/* A .weights file of version 0.2; freed with free. */
static tdnn_bytes make_weights(size_t count, float offset, float scale)
{
    size_t size = 20 + count * sizeof(float);
    unsigned char *file = calloc(size, 1);
    assert_non_null(file);
    file[4] = 2;
    for (size_t i = 0; i < count; i++) {
        float w = (pseudo((uint32_t)i, 1) + offset) * scale;
        memcpy(file + 20 + i * sizeof w, &w, sizeof w);
    }
    return (tdnn_bytes){file, size};
}

static tdnn_bytes text_bytes(const char *text) { return (tdnn_bytes){text, strlen(text)}; }

static tdnn_tensor *make_input(const tdnn_port *port)
{
    tdnn_tensor *input = NULL;
    assert_ok(tdnn_tensor_create(TDNN_F32, &port->usual, &input, &err), err);
    float *data = tdnn_tensor_data(input);
    int64_t count = tdnn_shape_count(&port->usual);
    for (int64_t i = 0; i < count; i++) data[i] = pseudo((uint32_t)i, 2) * 2 - 1;
    return input;
}

static tdnn_session *run(tdnn_net *net)
{
    tdnn_session *session = NULL;
    tdnn_tensor *input = make_input(tdnn_net_input(net, 0));
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_session_set_input(session, "data", input, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    tdnn_tensor_release(input);
    return session;
}

static void compare(const struct layer_case *c, const tdnn_tensor *out)
{
    const float *got = tdnn_tensor_const_data(out);
    if (tdnn_tensor_bytes(out) != c->count * sizeof(float))
        fail_msg("%s: %zu numbers, Darknet has %zu", c->name,
                 tdnn_tensor_bytes(out) / sizeof(float), c->count);
    for (size_t i = 0; i < c->count; i++) {
        float most = 2e-5f + 2e-5f * fabsf(c->output[i]);
        if (!(fabsf(got[i] - c->output[i]) <= most))
            fail_msg("%s: number %zu is %.7g, Darknet has %.7g", c->name, i, (double)got[i],
                     (double)c->output[i]);
    }
}

static void run_case(const struct layer_case *c, bool optimize)
{
    tdnn_bytes weights = make_weights(c->weights, c->offset, c->scale);
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.optimize = optimize;
    tdnn_net *net = NULL;
    if (tdnn_net_load_memory(text_bytes(c->cfg), weights, &options, &net, &err))
        fail_msg("%s: %s: %s", c->name, err.where, err.message);
    tdnn_session *session = run(net);
    const tdnn_tensor *out;
    const tdnn_port *last = tdnn_net_output(net, tdnn_net_output_count(net) - 1);
    assert_ok(tdnn_session_output(session, last->name, &out, &err), err);
    compare(c, out);
    tdnn_session_free(session);
    tdnn_net_release(net);
    free((void *)(uintptr_t)weights.data);
}

static void layers_give_what_darknet_gives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layer_cases / sizeof *layer_cases; i++) {
        run_case(&layer_cases[i], false);
        run_case(&layer_cases[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_give_what_darknet_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
