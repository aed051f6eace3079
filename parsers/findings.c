/* Things of one kind are named once, with the first place where they were found. */
#include "parsers/findings.h"

#include <stdio.h>
#include <string.h>

tdnn_status tdnn_findings_add(tdnn_findings *findings, const char *where, const char *what,
                              tdnn_error *err)
{
    const tdnn_source *source = findings->source;
    if (source->found) source->found(source->found_context, where, what);
    for (size_t i = 0; i < findings->count; i++)
        if (!strcmp(findings->list[i].what, what)) {
            findings->list[i].count++;
            return TDNN_OK;
        }
    if (!TDNN_ZONE_PUSH(findings->zone, findings->list, findings->count, findings->capacity))
        return TDNN_NO_MEMORY(err);
    tdnn_finding *f = &findings->list[findings->count++];
    *f = (tdnn_finding){tdnn_zone_strdup(findings->zone, where),
                        tdnn_zone_strdup(findings->zone, what), 1};
    return f->where && f->what ? TDNN_OK : TDNN_NO_MEMORY(err);
}

tdnn_status tdnn_findings_report(const tdnn_findings *findings, tdnn_error *err)
{
    char list[400] = "";
    size_t used = 0, total = 0, named = 0;
    if (!findings->count) return TDNN_OK;
    for (size_t i = 0; i < findings->count; i++) {
        const tdnn_finding *f = &findings->list[i];
        total += f->count;
        int length = snprintf(list + used, sizeof list - used, "%s%s (%s%s)", i ? "; " : "",
                              f->what, f->where, f->count > 1 ? " and others" : "");
        if (named < i || length < 0 || (size_t)length >= sizeof list - used) {
            list[used] = '\0';
            continue;
        }
        used += (size_t)length;
        named++;
    }
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "not supported in %zu places: %s%s", total,
                     list, named < findings->count ? "; ..." : "");
}
