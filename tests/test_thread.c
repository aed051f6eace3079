/* Worker threads: each task once, in whatever count, from sleep and from spinning; mutex;
 * clock. */
#include "tests/test.h"

#include "lib/base/mem.h"
#include "lib/base/thread.h"

#include <stdatomic.h>
#include <time.h>

enum { MOST = 1000 };

typedef struct tally {
    int times[MOST];     /* each task's own, no lock needed            */
    size_t worker[MOST]; /* who ran it                                 */
    atomic_int busy[8];  /* per worker: two tasks at once would show   */
    atomic_bool collision;
} tally;

static void count_task(void *context, size_t task, size_t worker)
{
    tally *t = context;
    if (atomic_fetch_add(&t->busy[worker], 1) != 0) atomic_store(&t->collision, true);
    t->times[task]++;
    t->worker[task] = worker;
    atomic_fetch_sub(&t->busy[worker], 1);
}

static void rest(long microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static void every_task_runs_once(void **state)
{
    (void)state;
    static tally t;
    for (int threads = 1; threads <= 4; threads++) {
        tdnn_workers *workers = NULL;
        assert_int_equal(tdnn_workers_create(threads, &workers, NULL), TDNN_OK);
        assert_int_equal(tdnn_workers_count(workers), threads);
        for (int round = 0; round < 300; round++) {
            size_t count = (size_t)(round * 7 % MOST);
            memset(t.times, 0, sizeof t.times);
            tdnn_workers_run(workers, count_task, &t, count);
            for (size_t i = 0; i < MOST; i++) {
                assert_int_equal(t.times[i], i < count);
                if (i < count) assert_true(t.worker[i] < (size_t)threads);
            }
            if (round % 50 == 0) rest(200); /* long enough to fall asleep */
        }
        assert_false(atomic_load(&t.collision));
        tdnn_workers_free(workers);
    }
}

static void wait_for_all(void *context, size_t task, size_t worker)
{
    (void)task;
    (void)worker;
    atomic_int *waiting = context;
    atomic_fetch_sub(waiting, 1);
    while (atomic_load(waiting) > 0) rest(10);
}

static void tasks_run_at_the_same_time(void **state)
{
    (void)state;
    tdnn_workers *workers = NULL;
    assert_int_equal(tdnn_workers_create(4, &workers, NULL), TDNN_OK);
    for (int round = 0; round < 20; round++) {
        atomic_int waiting = 4; /* returns only if four threads take part */
        tdnn_workers_run(workers, wait_for_all, &waiting, 4);
        rest(round * 10);
    }
    tdnn_workers_free(workers);
}

static void slow_task(void *context, size_t task, size_t worker)
{
    (void)worker;
    if (task == 0) rest(20000);
    atomic_fetch_add((atomic_int *)context, 1);
}

/* Slow enough that the caller falls asleep whether or not the slow task is its own. */
static void the_caller_is_woken(void **state)
{
    (void)state;
    tdnn_workers *workers = NULL;
    assert_int_equal(tdnn_workers_create(2, &workers, NULL), TDNN_OK);
    for (int round = 0; round < 10; round++) {
        atomic_int done = 0;
        tdnn_workers_run(workers, slow_task, &done, 2);
        assert_int_equal(atomic_load(&done), 2);
    }
    tdnn_workers_free(workers);
}

static void creation_is_checked(void **state)
{
    (void)state;
    tdnn_workers *workers = NULL;
    tdnn_error err;
    assert_status(tdnn_workers_create(0, &workers, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_workers_create(-3, &workers, &err), TDNN_ERR_ARGUMENT);
    assert_status(tdnn_workers_create(100000, &workers, &err), TDNN_ERR_ARGUMENT);
    for (size_t n = 1; n <= 2; n++) {
        tdnn_alloc_fail_after(n);
        tdnn_status status = tdnn_workers_create(2, &workers, &err);
        tdnn_alloc_fail_after(0);
        assert_int_equal(status, TDNN_ERR_MEMORY);
        assert_null(workers);
    }
    for (int round = 0; round < 20; round++) { /* freed while starting, unused */
        assert_status(tdnn_workers_create(4, &workers, &err), TDNN_OK);
        tdnn_workers_free(workers);
    }
    tdnn_workers_free(NULL);
}

typedef struct guarded {
    tdnn_mutex *mutex;
    long sum;
} guarded;

static void add_guarded(void *context, size_t task, size_t worker)
{
    (void)worker;
    guarded *g = context;
    tdnn_mutex_lock(g->mutex);
    g->sum += (long)task;
    tdnn_mutex_unlock(g->mutex);
}

static void mutex_excludes(void **state)
{
    (void)state;
    tdnn_workers *workers = NULL;
    guarded g = {.mutex = tdnn_mutex_create()};
    assert_non_null(g.mutex);
    assert_int_equal(tdnn_workers_create(4, &workers, NULL), TDNN_OK);
    tdnn_workers_run(workers, add_guarded, &g, 20000);
    assert_int_equal(g.sum, 20000L * 19999 / 2);
    tdnn_workers_free(workers);
    tdnn_mutex_free(g.mutex);
    tdnn_mutex_free(NULL);
}

static void clock_goes_forward(void **state)
{
    (void)state;
    uint64_t before = tdnn_now_ns();
    rest(2000);
    uint64_t passed = tdnn_now_ns() - before;
    assert_in_range(passed, 2000000, 2000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once), cmocka_unit_test(tasks_run_at_the_same_time),
        cmocka_unit_test(the_caller_is_woken),  cmocka_unit_test(creation_is_checked),
        cmocka_unit_test(mutex_excludes),       cmocka_unit_test(clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
