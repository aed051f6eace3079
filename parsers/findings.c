/* Things of one kind are named once, with the first place where they were found. */
#include "parsers/findings.h"

#include <stdio.h>
#include <string.h>

static tdnn_status count(tdnn_findings *f, const tdnn_finding *finding, tdnn_error *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (!strcmp(f->list[i].what, finding->what)) {
            f->list[i].count++;
            return TDNN_OK;
        }
    if (!TDNN_ZONE_PUSH(f->zone, f->list, f->count, f->capacity)) return TDNN_NO_MEMORY(err);
    tdnn_lack *l = &f->list[f->count++];
    *l = (tdnn_lack){tdnn_zone_strdup(f->zone, finding->where),
                     tdnn_zone_strdup(f->zone, finding->what), 1};
    return l->where && l->what ? TDNN_OK : TDNN_NO_MEMORY(err);
}

/* *fresh: it is not the same as one before. */
static tdnn_status remember(tdnn_findings *f, const tdnn_finding *finding, bool *fresh,
                            tdnn_error *err)
{
    const char *key = tdnn_zone_printf(f->zone, "%s\n%s", finding->where, finding->what);
    if (!key) return TDNN_NO_MEMORY(err);
    *fresh = tdnn_map_get(&f->seen, key) < 0;
    if (!*fresh) return TDNN_OK;
    f->total++;
    if (!tdnn_map_put(&f->seen, f->zone, key, 1)) return TDNN_NO_MEMORY(err);
    if (f->source->found) f->source->found(f->source->found_context, finding);
    return TDNN_OK;
}

tdnn_status tdnn_findings_add(tdnn_findings *f, const tdnn_finding *finding, tdnn_error *err)
{
    bool fresh;
    TDNN_TRY(remember(f, finding, &fresh, err));
    return fresh ? count(f, finding, err) : TDNN_OK;
}

tdnn_finding_kind tdnn_finding_kind_of(tdnn_status status)
{
    if (status == TDNN_ERR_SHAPE) return TDNN_FINDING_SHAPE;
    return status == TDNN_ERR_UNSUPPORTED ? TDNN_FINDING_ATTRIBUTE : TDNN_FINDING_USE;
}

tdnn_status tdnn_findings_add_error(tdnn_findings *f, tdnn_finding_kind kind, const char *node,
                                    const char *op, const tdnn_error *why, tdnn_error *err)
{
    const tdnn_finding finding = {kind, node, op, why->where, why->message};
    bool fresh;
    if (why->status == TDNN_ERR_UNSUPPORTED) return tdnn_findings_add(f, &finding, err);
    if (!f->faults++) f->fault = *why;
    return remember(f, &finding, &fresh, err);
}

bool tdnn_findings_take(const tdnn_findings *f, tdnn_status status)
{
    if (status == TDNN_ERR_UNSUPPORTED) return true;
    return f->source->found && (status == TDNN_ERR_FORMAT || status == TDNN_ERR_SHAPE);
}

bool tdnn_is_doubtful(tdnn_status status)
{
    return status == TDNN_ERR_UNSUPPORTED || status == TDNN_ERR_FORMAT ||
           status == TDNN_ERR_SHAPE || status == TDNN_ERR_ARGUMENT || status == TDNN_ERR_INTERNAL;
}

tdnn_status tdnn_findings_report(const tdnn_findings *f, tdnn_graph *graph, tdnn_error *err)
{
    char list[400] = "";
    size_t used = 0, total = 0, named = 0;
    if (!f->count && !f->faults) return TDNN_OK;
    graph->partial = true;
    if (!f->count) {
        if (err) *err = f->fault;
        return f->fault.status;
    }
    for (size_t i = 0; i < f->count; i++) {
        const tdnn_lack *l = &f->list[i];
        total += l->count;
        int length = snprintf(list + used, sizeof list - used, "%s%s (%s%s)", i ? "; " : "",
                              l->what, l->where, l->count > 1 ? " and others" : "");
        if (named < i || length < 0 || (size_t)length >= sizeof list - used) {
            list[used] = '\0';
            continue;
        }
        used += (size_t)length;
        named++;
    }
    return TDNN_FAIL(err, TDNN_ERR_UNSUPPORTED, "not supported in %zu places: %s%s", total,
                     list, named < f->count ? "; ..." : "");
}
