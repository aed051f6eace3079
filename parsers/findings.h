/* What a model wants that tinydnn does not have: collected while a parser goes on, so that one
 * error can name it all. */
#ifndef TDNN_PARSERS_FINDINGS_H
#define TDNN_PARSERS_FINDINGS_H

#include "parsers/parser.h"

typedef struct tdnn_finding {
    const char *where, *what; /* where it was found first */
    size_t count;
} tdnn_finding;

typedef struct tdnn_findings {
    const tdnn_source *source; /* whose `found` is told of each */
    tdnn_zone *zone;
    tdnn_finding *list;
    size_t count, capacity;
} tdnn_findings;

tdnn_status tdnn_findings_add(tdnn_findings *findings, const char *where, const char *what,
                              tdnn_error *err);
/* TDNN_OK if there are none. Names the first few, and counts all. */
tdnn_status tdnn_findings_report(const tdnn_findings *findings, tdnn_error *err);

#endif
