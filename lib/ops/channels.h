/* Channels put together anew in the blocked layout, however they lie across the blocks: Concat,
 * Split and Slice where pieces end within a block, and ChannelShuffle.
 */
#ifndef TDNN_OPS_CHANNELS_H
#define TDNN_OPS_CHANNELS_H

#include "lib/ops/op.h"

/* Where channel `channel` of output `out` comes from: a channel of an input. */
typedef struct tdnn_channel {
    size_t in;
    int64_t channel;
} tdnn_channel;
typedef tdnn_channel tdnn_channel_fn(const void *context, size_t out, int64_t channel);

/* Plans the outputs for which `wanted` is set (NULL: all). All are blocked as the inputs are,
 * and differ from them in their channels only. */
tdnn_status tdnn_plan_channels(tdnn_plan_ctx *ctx, tdnn_channel_fn *where, const void *context,
                               const bool *wanted);

#endif
