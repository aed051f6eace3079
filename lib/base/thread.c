/* Worker threads, mutexes, the clock. The only file that includes pthread.h.
 *
 * The tasks of a run are dealt out in equal stretches, one for each worker, so that from step
 * to step a worker finds the same part of an image in its own cache; who has finished takes
 * from the others. Claiming a task from a stretch, one number of two halves, is all that a
 * worker does to get work; what it then reads of the run cannot change before that task is
 * finished. Workers that find nothing spin for about as long as a sleep and a wake-up cost,
 * since a net's steps follow each other within microseconds, then sleep. */
#include "lib/base/thread.h"

#include "lib/base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { MAX_THREADS = 1024, SPIN_NS = 50000, PAUSES_PER_LOOK_AT_CLOCK = 32 };
/* More would be no tasks, but elements: count * threads fits 64 bits, and an index 32. */
#define MAX_TASKS ((size_t)INT32_MAX)

typedef struct helper {
    tdnn_workers *workers;
    size_t index; /* 1 ..; the caller is 0 */
    pthread_t thread;
} helper;

/* Tasks begin .. end-1 that nobody has claimed: end in the high half, begin in the low one. */
typedef struct stretch {
    _Alignas(64) _Atomic uint64_t range;
} stretch;

struct tdnn_workers {
    int threads;
    int started; /* helpers that run */
    helper *helpers;
    tdnn_task_fn task;
    void *context;
    size_t count;
    stretch *stretches;                  /* one for each thread           */
    _Alignas(64) atomic_uint run;        /* counts runs                   */
    _Alignas(64) atomic_size_t finished; /* tasks that are done           */
    atomic_int sleepers;                 /* helpers that wait for `work`  */
    atomic_bool caller_sleeps;           /* the caller waits for `done`   */
    atomic_bool stop;
    pthread_mutex_t mutex; /* for going to sleep only */
    pthread_cond_t work, done;
};

uint64_t tdnn_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static bool claim_from(stretch *s, size_t *task)
{
    uint64_t range = atomic_load_explicit(&s->range, memory_order_relaxed);
    do {
        if ((uint32_t)range == range >> 32) return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &s->range, &range, range + 1, memory_order_acquire, memory_order_relaxed));
    *task = (uint32_t)range;
    return true;
}

/* The worker's own tasks first. */
static bool claim(tdnn_workers *w, size_t worker, size_t *task)
{
    const size_t threads = (size_t)w->threads;
    for (size_t i = 0; i < threads; i++)
        if (claim_from(&w->stretches[(worker + i) % threads], task)) return true;
    return false;
}

static void work_off(tdnn_workers *w, size_t worker)
{
    size_t task;
    while (claim(w, worker, &task)) {
        size_t count = w->count; /* the run may be over as soon as `finished` is raised */
        w->task(w->context, task, worker);
        if (atomic_fetch_add(&w->finished, 1) + 1 == count && atomic_load(&w->caller_sleeps)) {
            pthread_mutex_lock(&w->mutex);
            pthread_cond_signal(&w->done);
            pthread_mutex_unlock(&w->mutex);
        }
    }
}

typedef struct wait {
    tdnn_workers *workers;
    unsigned seen;
} wait;

static bool is_called(const wait *x)
{
    return atomic_load(&x->workers->run) != x->seen || atomic_load(&x->workers->stop);
}
static bool is_finished(const wait *x)
{
    return atomic_load(&x->workers->finished) == x->workers->count;
}

static bool spin(const wait *x, bool (*ready)(const wait *))
{
    uint64_t start = tdnn_now_ns();
    do {
        for (int i = 0; i < PAUSES_PER_LOOK_AT_CLOCK; i++) {
            if (ready(x)) return true;
            pause_cpu();
        }
    } while (tdnn_now_ns() - start < SPIN_NS);
    return false;
}

static void *help(void *argument)
{
    helper *self = argument;
    tdnn_workers *w = self->workers;
    wait next = {w, 0};
    while (!atomic_load(&w->stop)) {
        next.seen =
            atomic_load(&w->run); /* before looking for tasks: none of a later run is missed */
        work_off(w, self->index);
        if (spin(&next, is_called)) continue;
        pthread_mutex_lock(&w->mutex);
        atomic_fetch_add(&w->sleepers,
                         1); /* before is_called: run() looks the other way round */
        while (!is_called(&next)) pthread_cond_wait(&w->work, &w->mutex);
        atomic_fetch_sub(&w->sleepers, 1);
        pthread_mutex_unlock(&w->mutex);
    }
    return NULL;
}

static void wake_helpers(tdnn_workers *w)
{
    if (atomic_load(&w->sleepers) == 0) return;
    pthread_mutex_lock(&w->mutex);
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->mutex);
}

/* Deals out the tasks. A helper that is late may begin with a stretch before the others are
 * there. */
static void deal(tdnn_workers *w, size_t count)
{
    const size_t threads = (size_t)w->threads;
    for (size_t i = 0; i < threads; i++) {
        const uint64_t begin = count * i / threads, end = count * (i + 1) / threads;
        atomic_store_explicit(&w->stretches[i].range, end << 32 | begin, memory_order_release);
    }
    atomic_fetch_add(&w->run, 1);
}

void tdnn_workers_run(tdnn_workers *w, tdnn_task_fn task, void *context, size_t task_count)
{
    if (w->started == 0 || task_count <= 1 || task_count > MAX_TASKS) {
        for (size_t i = 0; i < task_count; i++) task(context, i, 0);
        return;
    }
    const wait end = {w, 0};
    w->task = task;
    w->context = context;
    w->count = task_count;
    atomic_store(&w->finished, 0);
    deal(w, task_count);
    wake_helpers(w);
    work_off(w, 0);
    if (spin(&end, is_finished)) return;
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->caller_sleeps, true);
    while (!is_finished(&end)) pthread_cond_wait(&w->done, &w->mutex);
    atomic_store(&w->caller_sleeps, false);
    pthread_mutex_unlock(&w->mutex);
}

/* The application's signals go to the application's threads. */
static bool start_helper(helper *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&h->thread, NULL, help, h) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

tdnn_status tdnn_workers_create(int threads, tdnn_workers **out, tdnn_error *err)
{
    *out = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return TDNN_FAIL(err, TDNN_ERR_ARGUMENT, "%d threads, expected 1 to %d", threads,
                         MAX_THREADS);
    tdnn_workers *w = tdnn_calloc(1, sizeof *w);
    helper *helpers = tdnn_calloc((size_t)threads, sizeof *helpers);
    stretch *stretches = tdnn_calloc((size_t)threads, sizeof *stretches);
    if (!w || !helpers || !stretches) {
        tdnn_free(stretches);
        tdnn_free(helpers);
        tdnn_free(w);
        return TDNN_NO_MEMORY(err);
    }
    w->threads = threads;
    w->helpers = helpers;
    w->stretches = stretches;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->done, NULL);
    for (int i = 0; i < threads - 1; i++) {
        helpers[i].workers = w;
        helpers[i].index = (size_t)i + 1;
        if (!start_helper(&helpers[i])) {
            tdnn_workers_free(w);
            return TDNN_FAIL(err, TDNN_ERR_MEMORY, "the system refused thread %d of %d", i + 2,
                             threads);
        }
        w->started++;
    }
    *out = w;
    return TDNN_OK;
}

void tdnn_workers_free(tdnn_workers *w)
{
    if (!w) return;
    atomic_store(&w->stop, true);
    wake_helpers(w);
    for (int i = 0; i < w->started; i++) pthread_join(w->helpers[i].thread, NULL);
    pthread_cond_destroy(&w->done);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->mutex);
    tdnn_free(w->stretches);
    tdnn_free(w->helpers);
    tdnn_free(w);
}

int tdnn_workers_count(const tdnn_workers *workers) { return workers->threads; }

struct tdnn_mutex {
    pthread_mutex_t mutex;
};

tdnn_mutex *tdnn_mutex_create(void)
{
    tdnn_mutex *m = tdnn_alloc(1, sizeof *m);
    if (m) pthread_mutex_init(&m->mutex, NULL);
    return m;
}

void tdnn_mutex_free(tdnn_mutex *mutex)
{
    if (!mutex) return;
    pthread_mutex_destroy(&mutex->mutex);
    tdnn_free(mutex);
}

void tdnn_mutex_lock(tdnn_mutex *mutex) { pthread_mutex_lock(&mutex->mutex); }
void tdnn_mutex_unlock(tdnn_mutex *mutex) { pthread_mutex_unlock(&mutex->mutex); }
