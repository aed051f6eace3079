/* What a net keeps for its sessions: weights rearranged for kernels, made once per key. */
#ifndef TDNN_RUNTIME_PACK_H
#define TDNN_RUNTIME_PACK_H

#include "lib/ops/op.h"

typedef struct tdnn_packs tdnn_packs;

/* `measure`: what is asked for is not built; only how large it would be is counted. */
tdnn_status tdnn_packs_create(bool measure, tdnn_packs **out, tdnn_error *err);
void tdnn_packs_free(tdnn_packs *packs); /* takes NULL */
/* Safe to call from several threads. */
tdnn_status tdnn_packs_get(tdnn_packs *packs, const tdnn_pack_key *key, size_t bytes,
                           tdnn_pack_fn build, void *context, const void **out, tdnn_error *err);
uint64_t tdnn_packs_bytes(const tdnn_packs *packs);

#endif
