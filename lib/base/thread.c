/* Worker threads, mutexes, the clock. The only file that includes pthread.h.
 *
 * A run is one number, `left`: the tasks nobody has claimed. Taking one from it is all that a
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

typedef struct helper {
    tdnn_workers *workers;
    size_t index; /* 1 ..; the caller is 0 */
    pthread_t thread;
} helper;

struct tdnn_workers {
    int threads;
    int started; /* helpers that run */
    helper *helpers;
    tdnn_task_fn task;
    void *context;
    size_t count;
    _Alignas(64) atomic_size_t left;     /* tasks that nobody has claimed */
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

static bool claim(tdnn_workers *w, size_t *task)
{
    size_t left = atomic_load_explicit(&w->left, memory_order_relaxed);
    do {
        if (left == 0) return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &w->left, &left, left - 1, memory_order_acquire, memory_order_relaxed));
    *task = w->count - left;
    return true;
}

static void work_off(tdnn_workers *w, size_t worker)
{
    size_t task;
    while (claim(w, &task)) {
        size_t count = w->count; /* the run may be over as soon as `finished` is raised */
        w->task(w->context, task, worker);
        if (atomic_fetch_add(&w->finished, 1) + 1 == count && atomic_load(&w->caller_sleeps)) {
            pthread_mutex_lock(&w->mutex);
            pthread_cond_signal(&w->done);
            pthread_mutex_unlock(&w->mutex);
        }
    }
}

static bool is_called(tdnn_workers *w)
{
    return atomic_load(&w->left) || atomic_load(&w->stop);
}
static bool is_finished(tdnn_workers *w) { return atomic_load(&w->finished) == w->count; }

static bool spin(tdnn_workers *w, bool (*ready)(tdnn_workers *))
{
    uint64_t start = tdnn_now_ns();
    do {
        for (int i = 0; i < PAUSES_PER_LOOK_AT_CLOCK; i++) {
            if (ready(w)) return true;
            pause_cpu();
        }
    } while (tdnn_now_ns() - start < SPIN_NS);
    return false;
}

static void *help(void *argument)
{
    helper *self = argument;
    tdnn_workers *w = self->workers;
    while (!atomic_load(&w->stop)) {
        work_off(w, self->index);
        if (spin(w, is_called)) continue;
        pthread_mutex_lock(&w->mutex);
        atomic_fetch_add(&w->sleepers,
                         1); /* before is_called: run() looks the other way round */
        while (!is_called(w)) pthread_cond_wait(&w->work, &w->mutex);
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

void tdnn_workers_run(tdnn_workers *w, tdnn_task_fn task, void *context, size_t task_count)
{
    if (w->started == 0 || task_count <= 1) {
        for (size_t i = 0; i < task_count; i++) task(context, i, 0);
        return;
    }
    w->task = task;
    w->context = context;
    w->count = task_count;
    atomic_store(&w->finished, 0);
    atomic_store(&w->left, task_count);
    wake_helpers(w);
    work_off(w, 0);
    if (spin(w, is_finished)) return;
    pthread_mutex_lock(&w->mutex);
    atomic_store(&w->caller_sleeps, true);
    while (!is_finished(w)) pthread_cond_wait(&w->done, &w->mutex);
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
    if (!w || !helpers) {
        tdnn_free(helpers);
        tdnn_free(w);
        return TDNN_NO_MEMORY(err);
    }
    w->threads = threads;
    w->helpers = helpers;
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
