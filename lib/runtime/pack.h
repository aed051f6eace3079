/* What a net keeps for its sessions: weights rearranged for kernels, made once per key.
 *
 * Planning asks for packs one by one, between tdnn_packs_begin and tdnn_packs_end, and learns
 * where they will lie; what was not there yet is built at the end, by all threads of the
 * session. */
#ifndef TDNN_RUNTIME_PACK_H
#define TDNN_RUNTIME_PACK_H

#include "lib/base/thread.h"
#include "lib/ops/op.h"

typedef struct tdnn_packs tdnn_packs;

/* `measure`: what is asked for is not built; only how large it would be is counted.
 * `weight_bytes`: of the net's constants, about what there will be. */
tdnn_status tdnn_packs_create(bool measure, uint64_t weight_bytes, tdnn_packs **out,
                              tdnn_error *err);
void tdnn_packs_free(tdnn_packs *packs); /* takes NULL */
/* One thread at a time is between these two; others wait. */
void tdnn_packs_begin(tdnn_packs *packs);
/* `build` and `context` are kept until the end. */
tdnn_status tdnn_packs_get(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, void *context, const void **out, tdnn_error *err);
/* Builds; or, if `status` is a failure already, takes back what was asked for, and returns it.
 * `workers` may be NULL. */
tdnn_status tdnn_packs_end(tdnn_packs *packs, tdnn_workers *workers, tdnn_status status,
                           tdnn_error *err);
uint64_t tdnn_packs_bytes(const tdnn_packs *packs);

#endif
