/* Suppression: the rules one by one, by hand. Random cases are judged by
 * judges/nms_vs_opencv.py. */
#include "tests/test.h"

#include "lib/base/mem.h"

#include <math.h>

enum { MOST = 8 };

typedef struct result {
    size_t kept[MOST], count;
    float updated[MOST];
} result;

static tdnn_nms_params params_of(float min_score, float max_overlap)
{
    tdnn_nms_params p;
    tdnn_nms_params_init(&p);
    p.min_score = min_score;
    p.max_overlap = max_overlap;
    return p;
}

static result run(const tdnn_box *boxes, const float *scores, const int *ids, size_t count,
                  const tdnn_nms_params *p)
{
    tdnn_error err;
    result r;
    assert_ok(tdnn_nms(boxes, scores, ids, count, p, r.kept, &r.count, &err), err);
    return r;
}

static void assert_kept(result r, const size_t *expected, size_t count)
{
    assert_int_equal(r.count, count);
    assert_memory_equal(r.kept, expected, count * sizeof *expected);
}

/* Overlap of b with a: 80 of 120; of c with a: 50 of 150. */
static const tdnn_box three[] = {{0, 0, 10, 10}, {2, 0, 10, 10}, {5, 0, 10, 10}};

static void overlaps_are_exact(void **state)
{
    (void)state;
    assert_true(fabsf(tdnn_box_overlap(&three[0], &three[1]) - 80.f / 120) < 1e-6f);
    assert_true(fabsf(tdnn_box_overlap(&three[0], &three[2]) - 50.f / 150) < 1e-6f);
    const tdnn_box far = {100, 100, 1, 1}, empty = {3, 3, 0, 0}, beside = {10, 0, 10, 10};
    assert_true(tdnn_box_overlap(&three[0], &far) == 0);
    assert_true(tdnn_box_overlap(&three[0], &beside) == 0);
    assert_true(tdnn_box_overlap(&empty, &empty) == 1); /* two without area are the same */
}

static void the_best_suppresses_its_neighbours(void **state)
{
    (void)state;
    const float scores[] = {0.5f, 0.9f, 0.7f};
    tdnn_nms_params p = params_of(0, 0.5f);
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){1}, 1); /* c with b: 70 of 130 */
    p.max_overlap = 0.6f;
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){1, 2}, 2);
    p.max_overlap = 1;
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){1, 2, 0}, 3);
}

static void scores_must_be_above_the_threshold(void **state)
{
    (void)state;
    const float scores[] = {0.5f, NAN, 0.25f};
    tdnn_nms_params p = params_of(0.25f, 1);
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){0}, 1);
}

static void equal_scores_keep_their_order_and_top_k_cuts_before(void **state)
{
    (void)state;
    const float scores[] = {0.5f, 0.5f, 0.5f};
    tdnn_nms_params p = params_of(0, 0.6f);
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){0, 2}, 2);
    p.top_k = 2; /* the second candidate is suppressed, the third takes no part */
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){0}, 1);
}

static void classes_do_not_suppress_each_other(void **state)
{
    (void)state;
    const float scores[] = {0.9f, 0.8f, 0.7f};
    const int ids[] = {1, 2, 1};
    tdnn_nms_params p = params_of(0, 0.3f);
    assert_kept(run(three, scores, ids, 3, &p), (size_t[]){0, 1}, 2);
}

/* After the first box the threshold shrinks from 0.7 to 0.35; a and c have 1/3, a and b 2/3. */
static void eta_lowers_the_threshold(void **state)
{
    (void)state;
    const float scores[] = {0.9f, 0.8f, 0.7f};
    tdnn_nms_params p = params_of(0, 0.7f);
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){0, 1, 2}, 3);
    p.eta = 0.5f;
    assert_kept(run(three, scores, NULL, 3, &p), (size_t[]){0, 2}, 2);
}

static void soft_lowers_scores(void **state)
{
    (void)state;
    tdnn_error err;
    const float scores[] = {0.9f, 0.8f, 0.7f};
    tdnn_nms_params p = params_of(0.1f, 0.5f);
    result r;
    assert_ok(tdnn_nms_soft(three, scores, 3, &p, r.kept, r.updated, &r.count, &err), err);
    assert_kept(r, (size_t[]){0, 2, 1}, 3); /* b: 0.8 / 3; then times 1 - 70 / 130 */
    assert_true(fabsf(r.updated[1] - 0.7f) < 1e-6f);
    assert_true(fabsf(r.updated[2] - 0.8f / 3 * (1 - 70.f / 130)) < 1e-6f);
    p.soft = TDNN_SOFT_NMS_GAUSSIAN;
    p.sigma = 0.25f;
    p.top_k = 2;
    assert_ok(tdnn_nms_soft(three, scores, 3, &p, r.kept, r.updated, &r.count, &err), err);
    assert_kept(r, (size_t[]){0, 2}, 2);
    assert_true(fabsf(r.updated[1] - 0.7f * expf(-1.f / 9 / 0.25f)) < 1e-6f);
}

static void rotated_boxes_overlap_as_polygons(void **state)
{
    (void)state;
    tdnn_error err;
    /* a square; the same turned by 45 degrees: an octagon of 8 (sqrt 2 - 1) in common, of union
     * 8 - that: 0.7071; far away; and a small one inside, which counts as wholly overlapping */
    const float side = 2;
    const tdnn_rotated_box boxes[] = {{5, 5, side, side, 0},
                                      {5, 5, side, side, 45},
                                      {50, 50, side, side, 10},
                                      {5, 5, 0.2f, 0.2f, 30}};
    const float scores[] = {0.9f, 0.8f, 0.7f, 0.6f};
    result r;
    tdnn_nms_params p = params_of(0, 0.70f);
    assert_ok(tdnn_nms_rotated(boxes, scores, 4, &p, r.kept, &r.count, &err), err);
    assert_kept(r, (size_t[]){0, 2}, 2);
    p.max_overlap = 0.71f;
    assert_ok(tdnn_nms_rotated(boxes, scores, 4, &p, r.kept, &r.count, &err), err);
    assert_kept(r, (size_t[]){0, 1, 2}, 3);
    /* 2 x 1 and the same turned by 90 degrees: 1 in common, 3 together */
    const tdnn_rotated_box cross[] = {{0, 0, 2, 1, 0}, {0, 0, 2, 1, 90}};
    p.max_overlap = 0.334f;
    assert_ok(tdnn_nms_rotated(cross, scores, 2, &p, r.kept, &r.count, &err), err);
    assert_int_equal(r.count, 2);
    p.max_overlap = 0.333f;
    assert_ok(tdnn_nms_rotated(cross, scores, 2, &p, r.kept, &r.count, &err), err);
    assert_int_equal(r.count, 1);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    tdnn_error err;
    result r;
    const float score = 1;
    tdnn_nms_params p = params_of(0, 0.5f);
    assert_ok(tdnn_nms(NULL, NULL, NULL, 0, &p, NULL, &r.count, &err), err);
    assert_int_equal(r.count, 0);
    assert_status(tdnn_nms(three, NULL, NULL, 1, &p, r.kept, &r.count, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_nms(three, &score, NULL, 1, NULL, r.kept, &r.count, &err),
                  TDNN_ERR_ARGUMENT);
    assert_status(tdnn_nms(three, &score, NULL, 1, &p, r.kept, NULL, &err), TDNN_ERR_ARGUMENT);
    p.eta = 0;
    assert_status(tdnn_nms(three, &score, NULL, 1, &p, r.kept, &r.count, &err),
                  TDNN_ERR_ARGUMENT);
    p = params_of(-1, 0.5f);
    assert_status(tdnn_nms(three, &score, NULL, 1, &p, r.kept, &r.count, &err),
                  TDNN_ERR_ARGUMENT);
    p = params_of(0, 0.5f);
    p.sigma = 0;
    assert_status(tdnn_nms_soft(three, &score, 1, &p, r.kept, r.updated, &r.count, &err),
                  TDNN_ERR_ARGUMENT);
    tdnn_alloc_fail_after(1);
    tdnn_status status = tdnn_nms(three, &score, NULL, 1, &p, r.kept, &r.count, &err);
    tdnn_alloc_fail_after(0);
    assert_int_equal(status, TDNN_ERR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps_are_exact),
        cmocka_unit_test(the_best_suppresses_its_neighbours),
        cmocka_unit_test(scores_must_be_above_the_threshold),
        cmocka_unit_test(equal_scores_keep_their_order_and_top_k_cuts_before),
        cmocka_unit_test(classes_do_not_suppress_each_other),
        cmocka_unit_test(eta_lowers_the_threshold),
        cmocka_unit_test(soft_lowers_scores),
        cmocka_unit_test(rotated_boxes_overlap_as_polygons),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
