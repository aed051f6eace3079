/* What a model wants that tinydnn does not have: collected while a parser goes on, so that one
 * error can name it all.
 *
 * A parser takes the failure of a node as a finding, lets what the node makes be unknown, and
 * goes on. What reads attributes may also tell of a bad one right away and go on with a
 * default, so that those behind it are looked at; the node's failure, which may come of that,
 * then is none of its own. Nor is one of a node with unknown inputs.
 */
#ifndef TDNN_PARSERS_FINDINGS_H
#define TDNN_PARSERS_FINDINGS_H

#include "parsers/parser.h"

typedef struct tdnn_lack {
    const char *where, *what; /* where it was found first */
    size_t count;
} tdnn_lack;

typedef struct tdnn_findings {
    const tdnn_source *source; /* whose `found` is told of each */
    tdnn_zone *zone;
    tdnn_lack *list; /* what is not supported */
    size_t count, capacity;
    tdnn_map seen; /* each is told of once */
    size_t total, faults;
    tdnn_error fault; /* the first that is no lack of tinydnn's but a fault of the model */
} tdnn_findings;

tdnn_status tdnn_findings_add(tdnn_findings *findings, const tdnn_finding *finding,
                              tdnn_error *err);
/* What a failure's status says: SHAPE; TYPE, OPERATOR and so on are for the caller to know. */
tdnn_finding_kind tdnn_finding_kind_of(tdnn_status status);
/* The same for a failure. */
tdnn_status tdnn_findings_add_error(tdnn_findings *findings, tdnn_finding_kind kind,
                                    const char *node, const char *op, const tdnn_error *why,
                                    tdnn_error *err);
/* Whether a failure says something about one node, behind which the others can be looked at. What
 * a damaged model is told of depends on whether somebody wants to know it all. */
bool tdnn_findings_take(const tdnn_findings *findings, tdnn_status status);
/* Whether the failure of a node that hangs on something unknown says nothing. */
bool tdnn_is_doubtful(tdnn_status status);
/* TDNN_OK if there are none. Names the first few, and counts all; the graph then is what is
 * left. */
tdnn_status tdnn_findings_report(const tdnn_findings *findings, tdnn_graph *graph,
                                 tdnn_error *err);

#endif
