/* Worker threads of one session, and a mutex. thread.c is the only file that includes
 * pthread.h. */
#ifndef TDNN_BASE_THREAD_H
#define TDNN_BASE_THREAD_H

#include "lib/base/error.h"

typedef struct tdnn_workers tdnn_workers;

/* task: 0 .. task_count-1, each run once; worker: 0 .. threads-1, whose scratch may be used. */
typedef void (*tdnn_task_fn)(void *context, size_t task, size_t worker);

/* `threads` counts the caller's own; 1 makes no thread at all. */
tdnn_status tdnn_workers_create(int threads, tdnn_workers **out, tdnn_error *err);
void tdnn_workers_free(tdnn_workers *workers);
int tdnn_workers_count(const tdnn_workers *workers);
/* Runs all tasks on all threads and returns when the last is done. Tasks are claimed one by
 * one, in order, so uneven ones even out. Not from within a task. */
void tdnn_workers_run(tdnn_workers *workers, tdnn_task_fn task, void *context, size_t task_count);

typedef struct tdnn_mutex tdnn_mutex;
tdnn_mutex *tdnn_mutex_create(void);
void tdnn_mutex_free(tdnn_mutex *mutex);
void tdnn_mutex_lock(tdnn_mutex *mutex);
void tdnn_mutex_unlock(tdnn_mutex *mutex);

uint64_t tdnn_now_ns(void); /* a clock that never goes back */

#endif
