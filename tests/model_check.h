/* Models of random numbers, run at every level with one thread and with several, against what a loop in
 * double precision gives. */
#ifndef TDNN_TESTS_MODEL_CHECK_H
#define TDNN_TESTS_MODEL_CHECK_H

#include "tests/onnx_build.h"

#include "lib/base/mem.h"
#include "tinydnn.h"

#include <math.h>

static uint64_t state = 1;

static inline float random_float(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static inline float *random_floats(size_t count)
{
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) x[i] = random_float();
    return x;
}

static inline void set_input(tdnn_session *s, const char *name, float *data, tdnn_shape shape)
{
    tdnn_tensor *t = NULL;
    tdnn_error err;
    const size_t bytes = (size_t)tdnn_shape_count(&shape) * sizeof *data;
    assert_ok(tdnn_tensor_wrap(data, bytes, TDNN_F32, &shape, &t, &err), err);
    assert_ok(tdnn_session_set_input(s, name, t, &err), err);
    tdnn_tensor_release(t);
}

typedef struct feed {
    const char *name;
    float *data;
    tdnn_shape shape;
} feed;

/* Runs the model with 1 and 3 threads at each level, which give the same bits; counts the steps of the last
 * run. */
static inline size_t check_model(tdnn_bytes model, const feed *feeds, size_t feed_count, const double *want,
                          size_t count, double allowed)
{
    size_t steps = 0;
    float *before = malloc(count * sizeof *before);
    assert_non_null(before);
    for (size_t run = 0; run < 2 * TEST_LEVELS; run++) {
        tdnn_session_options options;
        tdnn_net *net = NULL;
        tdnn_session *session = NULL;
        const tdnn_tensor *y = NULL;
        tdnn_error err;
        tdnn_session_options_init(&options);
        options.cpu = test_levels[run / 2];
        options.threads = run % 2 ? 3 : 1;
        assert_ok(tdnn_net_load_memory(model, (tdnn_bytes){NULL, 0}, NULL, &net, &err), err);
        assert_ok(tdnn_session_create(net, &options, &session, &err), err);
        for (size_t i = 0; i < feed_count; i++)
            set_input(session, feeds[i].name, feeds[i].data, feeds[i].shape);
        assert_ok(tdnn_session_run(session, &err), err);
        assert_ok(tdnn_session_output(session, NULL, &y, &err), err);
        assert_int_equal(tdnn_tensor_bytes(y), count * sizeof(float));
        const float *got = tdnn_tensor_const_data(y);
        for (size_t i = 0; i < count; i++)
            if (!(fabs(got[i] - want[i]) <= allowed * fmax(1, fabs(want[i]))))
                fail_msg("%s, %d threads, at %zu: got %.9g, expected %.9g", options.cpu,
                         options.threads, i, (double)got[i], want[i]);
        if (run % 2) assert_memory_equal(got, before, count * sizeof *got);
        memcpy(before, got, count * sizeof *before);
        steps = tdnn_session_step_count(session);
        tdnn_session_free(session);
        tdnn_net_release(net);
    }
    free(before);
    return steps;
}

#endif
