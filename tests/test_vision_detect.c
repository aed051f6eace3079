/* Detector heads: one box written by hand into each family's outputs comes back where it
 * belongs. The recorded outputs of real networks are judged by judges/detect_vs_expected.py. */
#include "tests/test.h"

#include "lib/base/tensor.h"

#include <math.h>

enum { MOST = 12, SIDE = 128 }; /* outputs; of the square blob: grids of 16, 8, 4 and 2 cells */

typedef struct net {
    tdnn_tensor *outputs[MOST];
    size_t count;
} net;

static float *add(net *n, int ndim, const int64_t *dims)
{
    tdnn_error err;
    tdnn_shape shape = tdnn_shape_make(ndim, dims);
    assert_ok(tdnn_tensor_create(TDNN_F32, &shape, &n->outputs[n->count], &err), err);
    return tdnn_tensor_data(n->outputs[n->count++]);
}

static float *add3(net *n, int64_t a, int64_t b, int64_t c)
{
    return add(n, 3, (int64_t[]){a, b, c});
}

static void net_free(net *n)
{
    for (size_t i = 0; i < n->count; i++) tdnn_tensor_release(n->outputs[i]);
    n->count = 0;
}

/* The blob is the image at half its size, below 4 rows of border. */
static const tdnn_placement half = {0.5f, 0.5f, 0, 4, 256, 240, SIDE, SIDE};

static tdnn_detections detect(const net *n, tdnn_head head, size_t batch)
{
    tdnn_error err;
    tdnn_detect_params p;
    tdnn_detect_params_init(&p);
    p.head = head;
    const tdnn_placement both[2] = {half, half};
    tdnn_detections list = TDNN_DETECTIONS_INIT;
    assert_ok(tdnn_detect((const tdnn_tensor *const *)n->outputs, n->count, &p, both, batch,
                          &list, &err),
              err);
    return list;
}

static void assert_box(const tdnn_detection *d, int class_id, float score, tdnn_box box)
{
    assert_int_equal(d->class_id, class_id);
    const float got[] = {d->score, d->box.x, d->box.y, d->box.width, d->box.height};
    const float want[] = {score, box.x, box.y, box.width, box.height};
    for (int i = 0; i < 5; i++)
        if (!(fabsf(got[i] - want[i]) < 1e-3f))
            fail_msg("number %d is %g, expected %g", i, (double)got[i], (double)want[i]);
}

/* The head is found by itself and by name, and gives the one box: 20 x 10 pixels of the blob
 * around 44, 28, which are 40 x 20 pixels of the image at 68, 38. Frees the outputs. */
static void expect_one(net *n, tdnn_head head, int class_id, float score)
{
    for (int by_name = 0; by_name < 2; by_name++) {
        tdnn_detections list = detect(n, by_name ? head : TDNN_HEAD_AUTO, 1);
        tdnn_shape shapes[MOST];
        for (size_t i = 0; i < n->count; i++) shapes[i] = *tdnn_tensor_shape(n->outputs[i]);
        assert_int_equal(tdnn_head_guess(shapes, n->count, SIDE, SIDE), head);
        assert_int_equal(list.count, 1);
        assert_box(&list.list[0], class_id, score, (tdnn_box){68, 38, 40, 20});
        tdnn_detections_free(&list);
        assert_null(list.list);
    }
    net_free(n);
}

static void ssd_rows(void **state)
{
    (void)state;
    net n = {0};
    const float row[] = {0, 3, 0.9f, 34.f / SIDE, 23.f / SIDE, 54.f / SIDE, 33.f / SIDE};
    memcpy(add(&n, 4, (int64_t[]){1, 1, 5, 7}), row, sizeof row);
    expect_one(&n, TDNN_HEAD_SSD, 3, 0.9f);
}

static void darknet_rows_of_two_heads(void **state)
{
    (void)state;
    net n = {0};
    const float row[] = {44.f / SIDE, 28.f / SIDE, 20.f / SIDE, 10.f / SIDE,
                         0.9f,        0.1f,        0.8f,        0.2f};
    const float worse[] = {45.f / SIDE, 28.f / SIDE, 20.f / SIDE, 10.f / SIDE,
                           0.7f,        0,           0.6f,        0};
    memcpy(add(&n, 2, (int64_t[]){48, 8}) + 5 * 8, row, sizeof row);
    memcpy(add(&n, 2, (int64_t[]){192, 8}) + 9 * 8, worse, sizeof worse);
    expect_one(&n, TDNN_HEAD_YOLO, 1, 0.8f);
}

static const float yolo_row[] = {44, 28, 20, 10, 0.9f, 0.1f, 0.8f, 0.2f};

static void yolov5_rows(void **state)
{
    (void)state;
    net n = {0};
    memcpy(add3(&n, 1, 3 * (256 + 64 + 16), 8) + 100 * 8, yolo_row, sizeof yolo_row);
    expect_one(&n, TDNN_HEAD_YOLOV5, 1, 0.72f);
}

static void yolov8_columns(void **state)
{
    (void)state;
    net n = {0};
    float *columns = add3(&n, 1, 4 + 3, 336);
    for (int i = 0; i < 7; i++) columns[i * 336 + 77] = yolo_row[i < 4 ? i : i + 1];
    expect_one(&n, TDNN_HEAD_YOLOV8, 1, 0.8f);
}

static void yolov8_rows_when_asked_for(void **state)
{
    (void)state;
    net n = {0};
    float *row = add3(&n, 1, 336, 4 + 3) + 77 * 7;
    for (int i = 0; i < 7; i++) row[i] = yolo_row[i < 4 ? i : i + 1];
    tdnn_detections list = detect(&n, TDNN_HEAD_YOLOV8, 1);
    assert_int_equal(list.count, 1);
    assert_box(&list.list[0], 1, 0.8f, (tdnn_box){68, 38, 40, 20});
    tdnn_detections_free(&list);
    net_free(&n);
}

static void yolov8_with_masks(void **state)
{
    (void)state;
    net n = {0};
    float *columns = add3(&n, 1, 4 + 3 + 16, 336);
    for (int i = 0; i < 7; i++) columns[i * 336 + 77] = yolo_row[i < 4 ? i : i + 1];
    columns[10 * 336 + 77] = 5; /* a mask factor is no class */
    add(&n, 4, (int64_t[]){1, 16, 32, 32});
    expect_one(&n, TDNN_HEAD_YOLOV8, 1, 0.8f);
}

static void yolov10_rows(void **state)
{
    (void)state;
    net n = {0};
    const float row[] = {34, 23, 54, 33, 0.9f, 5};
    memcpy(add3(&n, 1, 300, 6) + 6, row, sizeof row);
    expect_one(&n, TDNN_HEAD_YOLOV10, 5, 0.9f);
}

/* In the grid of stride 16, cell 2, 1 has its corner at 32, 16. */
static void yolox_cells(void **state)
{
    (void)state;
    net n = {0};
    const float row[] = {0.75f, 0.75f, logf(20.f / 16), logf(10.f / 16), 0.9f, 0.1f,
                         0.8f,  0.2f};
    memcpy(add3(&n, 1, 336, 8) + (256 + 1 * 8 + 2) * 8, row, sizeof row);
    expect_one(&n, TDNN_HEAD_YOLOX, 1, 0.72f);
}

/* From the centre of that cell, 40, 24, the sides lie at 6, 1, 14, 9 pixels. */
static void write_distribution(float *logits, float cells)
{
    int low = (int)cells; /* between two bins, with the weights that give the mean */
    for (int i = 0; i < 8; i++) logits[i] = -1000;
    logits[low] = logf(1 - (cells - (float)low));
    logits[low + 1] = logf(cells - (float)low + 1e-30f);
}

static void nanodet_distributions(int levels, tdnn_head head)
{
    net n = {0};
    const float sides[] = {6, 1, 14, 9};
    float *scores = NULL, *logits = NULL;
    for (int i = 0; i < levels; i++) {
        float *made = add3(&n, 1, (SIDE >> (3 + i)) * (SIDE >> (3 + i)), 5);
        if (i == 1) scores = made;
    }
    for (int i = 0; i < levels; i++) {
        float *made = add3(&n, 1, (SIDE >> (3 + i)) * (SIDE >> (3 + i)), 32);
        if (i == 1) logits = made;
    }
    scores[(1 * 8 + 2) * 5 + 4] = 0.7f;
    for (int k = 0; k < 4; k++)
        write_distribution(logits + (1 * 8 + 2) * 32 + k * 8, sides[k] / 16);
    expect_one(&n, head, 4, 0.7f);
}

static void nanodet_and_picodet(void **state)
{
    (void)state;
    nanodet_distributions(3, TDNN_HEAD_NANODET);
    nanodet_distributions(4, TDNN_HEAD_PICODET);
}

static void fastestdet_map(void **state)
{
    (void)state;
    net n = {0};
    float *map = add(&n, 4, (int64_t[]){1, 5 + 2, 8, 8}); /* 64 cells of 16 pixels */
    int cell = 1 * 8 + 2;
    map[cell] = 0.8f;
    map[64 + cell] = atanhf(0.75f);
    map[128 + cell] = atanhf(0.75f);
    map[192 + cell] = logf((20.f / SIDE) / (1 - 20.f / SIDE));
    map[256 + cell] = logf((10.f / SIDE) / (1 - 10.f / SIDE));
    map[320 + cell] = 0.1f;
    map[384 + cell] = 0.9f;
    expect_one(&n, TDNN_HEAD_FASTESTDET, 1, powf(0.8f, 0.6f) * powf(0.9f, 0.4f));
}

static void ultraface_corners(void **state)
{
    (void)state;
    net n = {0};
    int rows = 256 * 3 + 64 * 2 + 16 * 2 + 4 * 3;
    float *scores = add3(&n, 1, rows, 2), *boxes = add3(&n, 1, rows, 4);
    const float box[] = {34.f / SIDE, 23.f / SIDE, 54.f / SIDE, 33.f / SIDE};
    scores[2 * 300 + 1] = 0.9f;
    memcpy(boxes + 4 * 300, box, sizeof box);
    expect_one(&n, TDNN_HEAD_ULTRAFACE, 0, 0.9f);
}

/* The prior of cell 2, 1 at stride 16 with size 32 has its centre at 40, 24. */
static void ultraface_offsets(void **state)
{
    (void)state;
    net n = {0};
    int rows = 256 * 3 + 64 * 2 + 16 * 2 + 4 * 3, row = 256 * 3 + (1 * 8 + 2) * 2;
    float *scores = add3(&n, 1, rows, 2), *boxes = add3(&n, 1, rows, 4);
    const float box[] = {4 / 3.2f, 4 / 3.2f, logf(20.f / 32) / 0.2f, logf(10.f / 32) / 0.2f};
    scores[2 * row + 1] = 0.9f;
    memcpy(boxes + 4 * row, box, sizeof box);
    expect_one(&n, TDNN_HEAD_ULTRAFACE, 0, 0.9f);
}

static void assert_points(net *n, tdnn_head head)
{
    tdnn_detections list = detect(n, head, 1);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.list[0].point_count, 5);
    assert_true(fabsf(list.list[0].points[0] - 80) < 1e-3f); /* 40 / 0.5 */
    assert_true(fabsf(list.list[0].points[1] - 40) < 1e-3f); /* (24 - 4) / 0.5 */
    tdnn_detections_free(&list);
}

static void scrfd_anchors(void **state)
{
    (void)state;
    net n = {0};
    float *at[9];
    const int columns[] = {1, 4, 10};
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < 3; i++)
            at[kind * 3 + i] =
                add3(&n, 1, 2 * (SIDE >> (3 + i)) * (SIDE >> (3 + i)), columns[kind]);
    int row = (1 * 8 + 2) * 2 + 1; /* second anchor of cell 2, 1: from its corner 32, 16 */
    const float box[] = {-2.f / 16, -7.f / 16, 22.f / 16, 17.f / 16};
    at[1][row] = 0.9f;
    memcpy(at[4] + 4 * row, box, sizeof box);
    at[7][10 * row] = at[7][10 * row + 1] = 0.5f;
    assert_points(&n, TDNN_HEAD_SCRFD);
    expect_one(&n, TDNN_HEAD_SCRFD, 0, 0.9f);
}

static void yunet_cells(void **state)
{
    (void)state;
    net n = {0};
    float *at[12];
    const int columns[] = {1, 1, 4, 10};
    for (int kind = 0; kind < 4; kind++)
        for (int i = 0; i < 3; i++)
            at[kind * 3 + i] =
                add3(&n, 1, (SIDE >> (3 + i)) * (SIDE >> (3 + i)), columns[kind]);
    int row = 1 * 8 + 2;
    const float box[] = {0.75f, 0.75f, logf(20.f / 16), logf(10.f / 16)};
    at[1][row] = 0.9f;
    at[4][row] = 0.4f;
    memcpy(at[7] + 4 * row, box, sizeof box);
    at[10][10 * row] = at[10][10 * row + 1] = 0.5f;
    assert_points(&n, TDNN_HEAD_YUNET);
    expect_one(&n, TDNN_HEAD_YUNET, 0, 0.6f);
}

/* Two images: in the first two classes at one place, in the second the same class twice. */
static void batches_and_classes_are_kept_apart(void **state)
{
    (void)state;
    net n = {0};
    float *rows = add3(&n, 2, 3 * 336, 8), *second = rows + 3 * 336 * 8;
    for (int i = 0; i < 2; i++) {
        memcpy(rows + (10 + i) * 8, yolo_row, sizeof yolo_row);
        memcpy(second + (10 + i) * 8, yolo_row, sizeof yolo_row);
    }
    rows[10 * 8 + 7] = 0.85f; /* class 2 */
    tdnn_detections list = detect(&n, TDNN_HEAD_AUTO, 2);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.list[0].image, 0);
    assert_int_equal(list.list[0].class_id, 2);
    assert_int_equal(list.list[1].class_id, 1);
    assert_int_equal(list.list[2].image, 1);
    tdnn_detections_free(&list);
    tdnn_error err;
    tdnn_detect_params p;
    tdnn_detect_params_init(&p);
    p.across_classes = true;
    const tdnn_placement both[2] = {half, half};
    const tdnn_tensor *const *outputs = (const tdnn_tensor *const *)n.outputs;
    assert_ok(tdnn_detect(outputs, 1, &p, both, 2, &list, &err), err);
    assert_int_equal(list.count, 2);
    p.max_overlap = 1;
    p.max_detections = 1;
    assert_ok(tdnn_detect(outputs, 1, &p, both, 2, &list, &err), err); /* appended */
    assert_int_equal(list.count, 4);
    p.confidence = 0.9f;
    assert_ok(tdnn_detect(outputs, 1, &p, both, 2, &list, &err), err);
    assert_int_equal(list.count, 4);
    tdnn_detections_free(&list);
    net_free(&n);
}

static void boxes_are_cut_to_the_image(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_detect_params p;
    tdnn_detect_params_init(&p);
    net n = {0};
    float *rows = add3(&n, 1, 3 * 336, 6);
    const float corner[] = {5, 4, 20, 10, 0.9f, 1}, outside[] = {100, -20, 10, 10, 0.9f, 1};
    memcpy(rows, corner, sizeof corner);
    memcpy(rows + 6, outside, sizeof outside);
    tdnn_detections list = detect(&n, TDNN_HEAD_AUTO, 1);
    assert_int_equal(list.count, 1);
    assert_box(&list.list[0], 0, 0.9f, (tdnn_box){0, 0, 30, 10});
    list.count = 0;
    p.clip = false;
    assert_ok(tdnn_detect((const tdnn_tensor *const *)n.outputs, 1, &p, &half, 1, &list, &err),
              err);
    assert_int_equal(list.count, 2);
    assert_box(&list.list[0], 0, 0.9f, (tdnn_box){-10, -10, 40, 20});
    tdnn_detections_free(&list);
    net_free(&n);
}

static void broken_numbers_are_no_detections(void **state)
{
    (void)state;
    net n = {0};
    float *rows = add3(&n, 1, 3 * 336, 6);
    for (int i = 0; i < 3 * 336 * 6; i++) rows[i] = i % 2 ? NAN : INFINITY;
    tdnn_detections list = detect(&n, TDNN_HEAD_AUTO, 1);
    assert_int_equal(list.count, 0);
    net_free(&n);
}

static void half_precision_outputs_are_read(void **state)
{
    (void)state;
    tdnn_error err;
    uint16_t row[] = {0, 0x4200, 0x3a66, 0x3400, 0x3400, 0x3800, 0x3800}; /* 3; .8; .25 .5 */
    tdnn_shape shape = tdnn_shape_make(4, (int64_t[]){1, 1, 1, 7});
    net n = {.count = 1};
    assert_ok(tdnn_tensor_wrap(row, sizeof row, TDNN_F16, &shape, &n.outputs[0], &err), err);
    tdnn_detections list = detect(&n, TDNN_HEAD_AUTO, 1);
    assert_int_equal(list.count, 1);
    assert_box(&list.list[0], 3, 0.7998f, (tdnn_box){64, 56, 64, 64});
    tdnn_detections_free(&list);
    net_free(&n);
}

static void unknown_outputs_are_described(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_detect_params p;
    tdnn_detections list = TDNN_DETECTIONS_INIT;
    net n = {0};
    tdnn_detect_params_init(&p);
    add3(&n, 1, 100, 5);
    const tdnn_tensor *const *outputs = (const tdnn_tensor *const *)n.outputs;
    assert_status(tdnn_detect(outputs, 1, &p, &half, 1, &list, &err), TDNN_ERR_SHAPE);
    assert_non_null(strstr(err.message, "1x100x5"));
    assert_int_equal(tdnn_head_guess(tdnn_tensor_shape(outputs[0]), 1, SIDE, SIDE),
                     TDNN_HEAD_AUTO);
    p.head = TDNN_HEAD_SSD;
    assert_status(tdnn_detect(outputs, 1, &p, &half, 1, &list, &err), TDNN_ERR_SHAPE);
    assert_non_null(strstr(err.message, "[1, 1, boxes, 7]"));
    const tdnn_placement two[] = {half, half};
    p.head = TDNN_HEAD_AUTO;
    assert_status(tdnn_detect(outputs, 1, &p, two, 2, &list, &err), TDNN_ERR_SHAPE);
    p.head = (tdnn_head)99;
    assert_status(tdnn_detect(outputs, 1, &p, &half, 1, &list, &err), TDNN_ERR_ARGUMENT);
    p.head = TDNN_HEAD_AUTO;
    assert_status(tdnn_detect(outputs, 0, &p, &half, 1, &list, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_detect(outputs, 1, &p, &half, 1, NULL, &err), TDNN_ERR_ARGUMENT);
    tdnn_placement none = half;
    none.scale_x = 0;
    assert_status(tdnn_detect(outputs, 1, &p, &none, 1, &list, &err), TDNN_ERR_ARGUMENT);
    assert_int_equal(list.count, 0);
    net_free(&n);
}

static void refused_memory_leaves_the_list_as_it_was(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_detect_params p;
    tdnn_detect_params_init(&p);
    net n = {0};
    memcpy(add3(&n, 1, 3 * 336, 8), yolo_row, sizeof yolo_row);
    tdnn_status status = TDNN_ERR_MEMORY;
    tdnn_detections list = TDNN_DETECTIONS_INIT;
    for (size_t i = 1; status && i < 50; i++) {
        tdnn_alloc_fail_after(i);
        status =
            tdnn_detect((const tdnn_tensor *const *)n.outputs, 1, &p, &half, 1, &list, &err);
        tdnn_alloc_fail_after(0);
        assert_int_equal(list.count, status ? 0 : 1);
    }
    assert_int_equal(status, TDNN_OK);
    tdnn_detections_free(&list);
    net_free(&n);
}

static void open_shapes_are_not_guessed(void **state)
{
    (void)state;
    const tdnn_shape open = tdnn_shape_make(3, (int64_t[]){-1, 84, 336});
    const tdnn_shape any = {.ndim = -1};
    assert_int_equal(tdnn_head_guess(&open, 1, SIDE, SIDE), TDNN_HEAD_AUTO);
    assert_int_equal(tdnn_head_guess(&any, 1, SIDE, SIDE), TDNN_HEAD_AUTO);
    assert_int_equal(tdnn_head_guess(NULL, 1, SIDE, SIDE), TDNN_HEAD_AUTO);
}

static void names_are_in_the_enumerations_order(void **state)
{
    (void)state;
    const char *const *names = tdnn_head_names();
    assert_string_equal(names[TDNN_HEAD_AUTO], "auto");
    assert_string_equal(names[TDNN_HEAD_YOLOV10], "yolov10");
    assert_string_equal(names[TDNN_HEAD_YUNET], "yunet");
    assert_null(names[TDNN_HEAD_YUNET + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ssd_rows),
        cmocka_unit_test(darknet_rows_of_two_heads),
        cmocka_unit_test(yolov5_rows),
        cmocka_unit_test(yolov8_columns),
        cmocka_unit_test(yolov8_rows_when_asked_for),
        cmocka_unit_test(yolov8_with_masks),
        cmocka_unit_test(yolov10_rows),
        cmocka_unit_test(yolox_cells),
        cmocka_unit_test(nanodet_and_picodet),
        cmocka_unit_test(fastestdet_map),
        cmocka_unit_test(ultraface_corners),
        cmocka_unit_test(ultraface_offsets),
        cmocka_unit_test(scrfd_anchors),
        cmocka_unit_test(yunet_cells),
        cmocka_unit_test(batches_and_classes_are_kept_apart),
        cmocka_unit_test(boxes_are_cut_to_the_image),
        cmocka_unit_test(broken_numbers_are_no_detections),
        cmocka_unit_test(half_precision_outputs_are_read),
        cmocka_unit_test(unknown_outputs_are_described),
        cmocka_unit_test(refused_memory_leaves_the_list_as_it_was),
        cmocka_unit_test(open_shapes_are_not_guessed),
        cmocka_unit_test(names_are_in_the_enumerations_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
