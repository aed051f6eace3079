/* Decoding protocol buffers with protobuf-c, safely and without copying weights.
 *
 * protobuf-c copies every byte string, known or not, and trusts much of what it reads. So it
 * never sees the file: it gets an outline that tdnn_message_decode writes, the same message
 * with only the fields of the schema, each checked for its wire type, length and nesting. A
 * message type with a field numbered TDNN_PLACE_FIELD gets its own position in the file in that
 * field and its size in the next: what the schema leaves out of it, its elements, can be read
 * from there.
 */
#ifndef TDNN_PARSERS_MESSAGE_H
#define TDNN_PARSERS_MESSAGE_H

#include "lib/base/mem.h"

#include <protobuf-c/protobuf-c.h>

enum {
    TDNN_PLACE_FIELD =
        15000, /* both are fixed64; a file's own fields from here on are dropped */
    TDNN_MESSAGE_NESTING = 64,
};

/* The message lives in `zone`. At most `max_messages` messages in it, itself included. */
tdnn_status tdnn_message_decode(tdnn_bytes bytes, const ProtobufCMessageDescriptor *type,
                                size_t max_messages, tdnn_zone *zone, ProtobufCMessage **out,
                                tdnn_error *err);

#endif
