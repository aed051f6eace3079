/* A session: a net made ready to run. Mutable, one thread at a time. */
#ifndef TDNN_RUNTIME_SESSION_H
#define TDNN_RUNTIME_SESSION_H

#include "lib/runtime/net.h"
#include "lib/runtime/plan.h"

/* How many plans a place in a graph keeps, for as many sets of input shapes. */
enum { TDNN_KEPT_PLANS = 8 };

/* Where planning has begun at some node of a graph: plans for different shapes, one buffer for
 * all. */
typedef struct tdnn_site {
    tdnn_plan *plans[TDNN_KEPT_PLANS];
    size_t plan_count;
    tdnn_plan *current; /* ran last */
    unsigned char *arena;
    size_t arena_bytes;
} tdnn_site;

/* What a session knows of one graph: the main one or a subgraph. */
typedef struct tdnn_frame {
    struct tdnn_frame *next;
    const tdnn_graph *graph;
    int32_t *last_use;    /* per value                                       */
    tdnn_tensor **values; /* per value, while running                        */
    bool *owned;          /* per value: a reference to drop                  */
    tdnn_site **sites;    /* per node, NULL: none                            */
    tdnn_step_times *exec_times; /* per node: of those run by `exec`         */
    size_t order;         /* main graph first                                */
} tdnn_frame;

struct tdnn_session {
    tdnn_net *net;
    tdnn_session_options options;
    tdnn_plan_env env;
    tdnn_packs *measured; /* in place of the net's, which stay as they are; else NULL */
    tdnn_workers *workers;
    tdnn_run_hooks hooks;
    tdnn_zone *zone;      /* of the frames */
    tdnn_frame *frames;   /* the main graph's is the first */
    tdnn_tensor **inputs; /* per input of the net; NULL: not set */
    /* Counts from what the net has. What a run allocates is gone, or the caller's, when the
     * next begins: it then starts again from `kept`, which is the net, the plans and their
     * arenas. */
    tdnn_budget budget;
    uint64_t kept;
    bool ran;
    uint64_t clock;       /* counts uses of plans */
};

/* session.c: behind the public functions of like names, which check the arguments. */
tdnn_status tdnn_session_open(tdnn_net *net, const tdnn_session_options *options,
                              tdnn_session **out, tdnn_error *err);
tdnn_status tdnn_session_put(tdnn_session *session, const char *name, tdnn_tensor *value,
                             bool copy, tdnn_error *err);
tdnn_status tdnn_session_go(tdnn_session *session, tdnn_error *err);
tdnn_status tdnn_session_get(const tdnn_session *session, const char *name,
                             const tdnn_tensor **out, tdnn_error *err);
tdnn_status tdnn_session_prepare(tdnn_session *session, const char *const *names,
                                 const tdnn_shape *shapes, size_t count, tdnn_error *err);
tdnn_status tdnn_session_step_at(const tdnn_session *session, size_t index, tdnn_step_info *out,
                                 tdnn_error *err);

/* frame.c, exec.c */
tdnn_status tdnn_session_frame(tdnn_session *session, const tdnn_graph *graph, tdnn_frame **out,
                               tdnn_error *err);
/* Runs a graph whose inputs and captures stand in frame->values. */
tdnn_status tdnn_frame_run(tdnn_session *session, tdnn_frame *frame, tdnn_error *err);
/* Drops what the last run left. */
void tdnn_frame_clear(tdnn_frame *frame);
/* Plans the stretch at node `begin` for the values there are, or finds the plan it has. */
tdnn_status tdnn_frame_plan(tdnn_session *session, tdnn_frame *frame, size_t begin,
                            tdnn_plan **out, tdnn_error *err);
/* One node by its `exec`. */
tdnn_status tdnn_frame_exec(tdnn_session *session, tdnn_frame *frame, size_t node,
                            tdnn_error *err);
void tdnn_frame_free_plans(tdnn_frame *frame);

#endif
