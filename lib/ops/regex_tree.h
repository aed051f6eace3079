/* A regular expression as a tree: what reading it (regex_parse.c) hands to matching it. */
#ifndef TDNN_OPS_REGEX_TREE_H
#define TDNN_OPS_REGEX_TREE_H

#include "lib/base/mem.h"

typedef enum tdnn_regex_kind {
    REGEX_EMPTY,
    REGEX_CLASS,
    REGEX_CAT,
    REGEX_ALT,
    REGEX_REPEAT,
    REGEX_ASSERT
} tdnn_regex_kind;
typedef enum tdnn_regex_assertion {
    REGEX_TEXT_START,
    REGEX_TEXT_END,
    REGEX_LINE_START,
    REGEX_LINE_END,
    REGEX_WORD_EDGE,
    REGEX_NO_WORD_EDGE
} tdnn_regex_assertion;

typedef struct tdnn_regex_span {
    int32_t low, high;
} tdnn_regex_span;

typedef struct tdnn_regex_node {
    tdnn_regex_kind kind;
    struct tdnn_regex_node *a, *b;
    tdnn_regex_span *spans; /* REGEX_CLASS */
    size_t span_count, span_capacity;
    bool negated;
    int least, most; /* REGEX_REPEAT; most -1: any number */
    tdnn_regex_assertion assertion;
} tdnn_regex_node;

/* Reads the whole pattern; the tree lives in the zone. */
tdnn_status tdnn_regex_parse(tdnn_zone *zone, const char *pattern, tdnn_regex_node **out,
                             tdnn_error *err);
/* The next character of UTF-8. */
int32_t tdnn_regex_code(const char **at);

#endif
