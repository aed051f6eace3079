/* Regular expressions in RE2's syntax, as far as they mean the same everywhere: no
 * backreferences, no lookaround, and matching takes time proportional to text times pattern.
 */
#ifndef TDNN_OPS_REGEX_H
#define TDNN_OPS_REGEX_H

#include "lib/base/mem.h"

typedef struct tdnn_regex tdnn_regex;

/* Lives in the zone. Fails with TDNN_ERR_FORMAT, or TDNN_ERR_UNSUPPORTED for what is not known.
 */
tdnn_status tdnn_regex_compile(tdnn_zone *zone, const char *pattern, tdnn_regex **out,
                               tdnn_error *err);
/* Does the whole text match? Uses memory of the zone that it was compiled in: one thread at a
 * time. */
bool tdnn_regex_matches(tdnn_regex *regex, const char *text);

#endif
