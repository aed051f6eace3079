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

/* ---- What the recorded layers do not show ---- */

#define NET "[net]\nwidth=4\nheight=4\nchannels=2\n"

static tdnn_net *load(const char *cfg, size_t weights, const tdnn_load_options *options)
{
    tdnn_net *net = NULL;
    tdnn_bytes file = make_weights(weights, -0.5f, 2);
    assert_ok(tdnn_net_load_memory(text_bytes(cfg), file, options, &net, &err), err);
    free((void *)(uintptr_t)file.data);
    return net;
}

static void relu6_is_cut_at_both_ends(void **state)
{
    (void)state;
    tdnn_net *nets[] = {load(NET "[conv]\nfilters=2\nactivation=linear\n", 6, NULL),
                        load(NET "[conv]\nfilters=2\nactivation=relu6\n", 6, NULL)};
    tdnn_session *sessions[] = {run(nets[0]), run(nets[1])};
    const tdnn_tensor *x, *y;
    assert_ok(tdnn_session_output(sessions[0], NULL, &x, &err), err);
    assert_ok(tdnn_session_output(sessions[1], NULL, &y, &err), err);
    const float *from = tdnn_tensor_const_data(x), *to = tdnn_tensor_const_data(y);
    for (size_t i = 0; i < 32; i++)
        assert_true(to[i] == (from[i] < 0 ? 0 : from[i] > 6 ? 6 : from[i]));
    for (size_t i = 0; i < 2; i++) {
        tdnn_session_free(sessions[i]);
        tdnn_net_release(nets[i]);
    }
}

static void inner_values_have_the_names_of_opencv(void **state)
{
    (void)state;
    static const char *const names[] = {"conv_0",     "bn_0",     "leaky_1",
                                        "pool_1",     "conv_2",   "logistic_3",
                                        "identity_3", "concat_4", "upsample_5"};
    tdnn_load_options options;
    tdnn_load_options_init(&options);
    options.outputs = names;
    options.output_count = sizeof names / sizeof *names;
    tdnn_net *net = load(NET "[convolutional]\nfilters=2\nbatch_normalize=1\nactivation=leaky\n"
                             "[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=2\n"
                             "[route]\nlayers=-1\n[route]\nlayers=-1,1\n[upsample]\nstride=2\n",
                         8 + 4 + 6, &options);
    assert_int_equal(tdnn_net_output_count(net), options.output_count);
    for (size_t i = 0; i < options.output_count; i++)
        assert_string_equal(tdnn_net_output(net, i)->name, names[i]);
    tdnn_net_release(net);
}

static void without_weights_there_are_shapes_only(void **state)
{
    (void)state;
    tdnn_net *net = NULL;
    tdnn_session *session = NULL;
    tdnn_bytes cfg = text_bytes(NET "[conv]\nfilters=3\nsize=3\npad=1\nstride=2\n");
    assert_ok(tdnn_net_load_memory(cfg, (tdnn_bytes){0}, NULL, &net, &err), err);
    assert_int_equal(tdnn_net_weight_bytes(net), (3 + 3 * 2 * 9) * sizeof(float));
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_session_plan(session, NULL, NULL, 0, &err), err);
    tdnn_tensor *input = make_input(tdnn_net_input(net, 0));
    assert_ok(tdnn_session_set_input(session, NULL, input, &err), err);
    assert_status(tdnn_session_run(session, &err), TDNN_ERR_STATE);
    assert_non_null(strstr(err.message, "weights"));
    tdnn_tensor_release(input);
    tdnn_session_free(session);
    tdnn_net_release(net);
}

static void images_may_have_other_sizes(void **state)
{
    (void)state;
    tdnn_net *net = load(NET "[conv]\nfilters=14\nsize=3\npad=1\nstride=2\n"
                             "[yolo]\nclasses=2\nnum=2\nanchors=1,2, 3,4\n",
                         14 + 14 * 18, NULL);
    tdnn_session *session = NULL;
    tdnn_tensor *input = NULL;
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){2, 2, 8, 6});
    const tdnn_tensor *out;
    assert_ok(tdnn_session_create(net, NULL, &session, &err), err);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &input, &err), err);
    assert_ok(tdnn_session_set_input(session, "data", input, &err), err);
    assert_ok(tdnn_session_run(session, &err), err);
    assert_ok(tdnn_session_output(session, "yolo_1", &out, &err), err);
    const tdnn_shape *rows = tdnn_tensor_shape(out);
    assert_int_equal(rows->ndim, 3);
    assert_int_equal(rows->dim[1], 4 * 3 * 2);
    /* Zeros give half a cell and the biases' exp times an anchor over the width that was fed.
     */
    const float *row = tdnn_tensor_const_data(out);
    float bias_w = (pseudo(2, 1) - 0.5f) * 2;
    assert_true(fabsf(row[2] - expf(1 / (1 + expf(-bias_w))) * 1 / 6) < 1e-5f);
    tdnn_tensor_release(input);
    tdnn_session_free(session);
    tdnn_net_release(net);
}

/* What stands before the sum of squares decides a net's numbers: AlexeyAB's epsilon or
 * OpenCV's. */
static void batch_normalisation_has_the_epsilon_that_is_asked_for(void **state)
{
    (void)state;
    float file[5 + 4] = {0};
    int32_t header[5] = {0, 2, 0, 0, 0};
    memcpy(file, header, sizeof header);
    file[5 + 1] = 1; /* bias 0, scale 1, mean 0, variance 0 */
    tdnn_bytes cfg = text_bytes("[net]\nwidth=1\nheight=1\nchannels=1\n[batchnorm]\n");
    for (int as = TDNN_DARKNET_AS_DARKNET; as <= TDNN_DARKNET_AS_OPENCV; as++) {
        tdnn_load_options options;
        tdnn_load_options_init(&options);
        options.darknet_as = (tdnn_darknet_as)as;
        tdnn_net *net = NULL;
        tdnn_bytes weights = {file, sizeof file};
        const tdnn_tensor *out;
        assert_ok(tdnn_net_load_memory(cfg, weights, &options, &net, &err), err);
        tdnn_session *session = run(net);
        assert_ok(tdnn_session_output(session, NULL, &out, &err), err);
        float x = pseudo(0, 2) * 2 - 1, y = *(const float *)tdnn_tensor_const_data(out);
        float expected = x / sqrtf(as == TDNN_DARKNET_AS_OPENCV ? 1e-6f : 1e-5f);
        assert_true(fabsf(y - expected) <= 1e-5f * fabsf(expected));
        tdnn_session_free(session);
        tdnn_net_release(net);
    }
}

/* ---- Refused ---- */

static void files_of_the_wrong_length_are_refused(void **state)
{
    (void)state;
    const char *cfg = NET "[conv]\nfilters=2\nsize=3\n[conv]\nfilters=2\nbatch_normalize=1\n";
    size_t right = 2 + 36 + 8 + 4;
    static const struct {
        int numbers;
        const char *where, *message;
    } wrong[] = {
        {-1, "layer 1 [conv], line 8",
         "weights need 16 bytes from byte 204 on, but only 12 follow"},
        {-5, "layer 1 [conv], line 8",
         "variance need 8 bytes from byte 196 on, but only 4 follow"},
        {-49, "layer 0 [conv], line 5",
         "biases need 8 bytes from byte 20 on, but only 4 follow"},
        {1, "the weights file", "224 bytes of weights, expected 220: 4 are left"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tdnn_net *net = NULL;
        tdnn_bytes file = make_weights((size_t)((int)right + wrong[i].numbers), 0, 1);
        assert_status(tdnn_net_load_memory(text_bytes(cfg), file, NULL, &net, &err),
                      TDNN_ERR_FORMAT);
        if (!strstr(err.where, wrong[i].where) || !strstr(err.message, wrong[i].message))
            fail_msg("\"%s: %s\", expected \"%s: %s\"", err.where, err.message, wrong[i].where,
                     wrong[i].message);
        assert_null(net);
        free((void *)(uintptr_t)file.data);
    }
}

static const struct refused {
    const char *cfg, *place; /* "line N" in where or message */
    tdnn_status status;
    const char *message;
} refused[] = {
    {"[net]\nwidth=4\n[conv]\n", "", TDNN_ERR_FORMAT, "without width, height and channels"},
    {NET, "", TDNN_ERR_FORMAT, "no layers"},
    {NET "[conv]\n[bogus]\n", "line 6", TDNN_ERR_UNSUPPORTED, "section [bogus]"},
    {NET "[conv]\nbogus=1\n", "line 6", TDNN_ERR_UNSUPPORTED, "key bogus of [conv]"},
    {NET "bogus=1\n[conv]\n", "line 5", TDNN_ERR_UNSUPPORTED, "key bogus of [net]"},
    {NET "[conv]\nactivation=bogus\n", "line 6", TDNN_ERR_UNSUPPORTED, "activation=bogus"},
    {NET "[conv]\nxnor=1\n", "line 6", TDNN_ERR_UNSUPPORTED, "xnor=1"},
    {NET "[conv]\nsize\n", "line 6", TDNN_ERR_FORMAT, "expected key=value"},
    {NET "[conv\n", "line 5", TDNN_ERR_FORMAT, "expected a section"},
    {NET "[conv]\nstride=0\n", "line 6", TDNN_ERR_FORMAT, "stride=0, expected"},
    {NET "[conv]\nstride=x\n", "line 6", TDNN_ERR_FORMAT, "stride=x, expected"},
    {NET "[conv]\nsize=99999999999999999999\n", "line 6", TDNN_ERR_FORMAT, "expected a whole"},
    {NET "[conv]\ngroups=3\n", "line 6", TDNN_ERR_SHAPE, "groups=3"},
    {NET "[conv]\ngroups=0\n", "line 6", TDNN_ERR_FORMAT, "groups=0"},
    {NET "[conv]\nsize=5\n", "line 5", TDNN_ERR_SHAPE, "would give"},
    {NET "[conv]\nshare_index=0\n", "line 6", TDNN_ERR_FORMAT, "share_index"},
    {NET "[maxpool]\nsize=2\npadding=9\n", "line 7", TDNN_ERR_FORMAT, "without a pixel"},
    {NET "[route]\nlayers=abc\n", "line 6", TDNN_ERR_FORMAT, "layers=abc"},
    {NET "[route]\n", "line 5", TDNN_ERR_FORMAT, "without layers"},
    {NET "[conv]\n[route]\nlayers=1\n", "line 7", TDNN_ERR_FORMAT, "layers=1"},
    {NET "[conv]\n[route]\nlayers=-2\n", "line 7", TDNN_ERR_FORMAT, "layers=-2"},
    {NET "[conv]\n[route]\nlayers=0\ngroups=2\ngroup_id=2\n", "line 9", TDNN_ERR_FORMAT,
     "group_id=2"},
    {NET "[conv]\n[maxpool]\nstride=2\n[route]\nlayers=0,1\n", "line 9", TDNN_ERR_SHAPE,
     "pixels"},
    {NET "[conv]\n[shortcut]\nfrom=5\n", "line 7", TDNN_ERR_FORMAT, "from=5"},
    {NET "[conv]\n[shortcut]\nfrom=-1\nweights_type=x\n", "line 8", TDNN_ERR_FORMAT,
     "weights_type=x"},
    {NET "[conv]\n[upsample]\nstride=0\n", "line 7", TDNN_ERR_FORMAT, "stride=0"},
    {NET "[conv]\n[reorg]\nstride=3\n", "line 7", TDNN_ERR_SHAPE, "stride=3"},
    {NET "[crop]\ncrop_width=9\n", "line 6", TDNN_ERR_FORMAT, "crop_width=9"},
    {NET "[softmax]\ngroups=5\n", "line 6", TDNN_ERR_SHAPE, "groups=5"},
    {NET "[softmax]\ntemperature=0\n", "line 6", TDNN_ERR_FORMAT, "temperature=0"},
    {NET "[conv]\nfilters=7\n[yolo]\nclasses=3\n", "line 8", TDNN_ERR_SHAPE,
     "7 channels, expected 8"},
    {NET "[conv]\nfilters=7\n[yolo]\nclasses=2\nmask=-100000\n", "line 9", TDNN_ERR_FORMAT,
     "anchor -100000"},
    {NET "[conv]\nfilters=7\n[yolo]\nclasses=2\nmask=1\nnum=2\nanchors=1,2\n", "line 9",
     TDNN_ERR_FORMAT, "anchor 1"},
    {NET "[conv]\nfilters=7\n[yolo]\nclasses=2\n[conv]\n", "line 9", TDNN_ERR_UNSUPPORTED,
     "after the boxes"},
    {NET "[rnn]\noutput=-1\n", "line 6", TDNN_ERR_FORMAT, "output=-1"},
};

static void wrong_files_are_refused_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct refused *r = &refused[i];
        tdnn_net *net = NULL;
        tdnn_status status =
            tdnn_net_load_memory(text_bytes(r->cfg), (tdnn_bytes){0}, NULL, &net, &err);
        bool placed = strstr(err.where, r->place) || strstr(err.message, r->place);
        if (status != r->status || !placed || !strstr(err.message, r->message))
            fail_msg("\n%sgives %s \"%s: %s\", expected %s \"%s: %s\"", r->cfg,
                     tdnn_status_name(status), err.where, err.message,
                     tdnn_status_name(r->status), r->place, r->message);
        assert_null(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_give_what_darknet_gives),
        cmocka_unit_test(relu6_is_cut_at_both_ends),
        cmocka_unit_test(inner_values_have_the_names_of_opencv),
        cmocka_unit_test(without_weights_there_are_shapes_only),
        cmocka_unit_test(images_may_have_other_sizes),
        cmocka_unit_test(batch_normalisation_has_the_epsilon_that_is_asked_for),
        cmocka_unit_test(files_of_the_wrong_length_are_refused),
        cmocka_unit_test(wrong_files_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
