/* verify_run.c - runs one case on a loaded net and judges the outputs. */
#include "cli/verify.h"

#include "cli/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void verify_tell(const verify_options *o, verify_tally *tally, const char *name,
                 const verdict *v)
{
    json_writer w = {0};

    tally->cases++;
    tally->passed += v->pass;
    tally->loose += v->pass && v->loose;
    if (o->json) {
        json_open(&w, NULL, '{');
        json_text(&w, "case", name);
        json_bool(&w, "pass", v->pass);
        json_bool(&w, "loose", v->loose);
        json_real(&w, "difference", v->difference);
        json_real(&w, "relative", v->relative);
        json_text(&w, "message", v->pass ? NULL : v->text);
        json_close(&w, '}');
    } else if (!v->pass) {
        printf("%sFAILED%s  %s: %s\n", colour_code(COLOUR_BAD), colour_code(COLOUR_NONE), name,
               v->text);
    } else if (o->list) {
        printf("%sok%s      %s  (greatest difference %.2g, %.2g of the greatest value",
               colour_code(COLOUR_GOOD), colour_code(COLOUR_NONE), name, v->difference,
               v->relative);
        if (v->by_greatest)
            printf("; %zu of %zu numbers only relative to that", v->by_greatest, v->count);
        if (v->loose) printf("; no closer than correct engines are to each other");
        puts(")");
    }
    fflush(stdout);
}

verdict verify_fault(const char *folder, const tdnn_error *err)
{
    verdict v = {0};
    char text[sizeof v.text];
    size_t length = folder ? strlen(folder) : 0;

    error_text(NULL, err, text, sizeof text);
    if (length && !strncmp(text, folder, length) && text[length] == '/')
        length++;
    else
        length = 0;
    snprintf(v.text, sizeof v.text, "%s", text + length);
    return v;
}

static bool draws_numbers(const tdnn_net *net)
{
    static const char *const ops[] = {"Bernoulli",        "Multinomial",   "RandomNormal",
                                      "RandomNormalLike", "RandomUniform", "RandomUniformLike"};

    for (size_t i = 0; i < tdnn_net_node_count(net); i++) {
        tdnn_node_info node;

        if (tdnn_net_node(net, i, &node, NULL) != TDNN_OK) continue;
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++)
            if (!strcmp(node.op, ops[k])) return true;
    }
    return false;
}

tdnn_status verify_open(verify_net *v, const char *model, const char *config,
                        const model_options *how, names inputs, names outputs,
                        const verify_options *o, tdnn_error *err)
{
    tdnn_session_options options = session_options(&o->session, how);
    tdnn_status status;

    memset(v, 0, sizeof *v);
    status = model_load(model, config, how, inputs, outputs, &v->net, err);
    if (status != TDNN_OK) return status;
    v->random = draws_numbers(v->net);
    v->sessions = o->same_bits ? 2 : 1;
    for (int i = 0; status == TDNN_OK && i < v->sessions; i++) {
        if (o->same_bits) options.threads = i + 1;
        status = tdnn_session_create(v->net, &options, &v->session[i], err);
    }
    if (status != TDNN_OK) verify_close(v);
    return status;
}

void verify_close(verify_net *v)
{
    for (int i = 0; i < 2; i++) tdnn_session_free(v->session[i]);
    tdnn_net_release(v->net);
    memset(v, 0, sizeof *v);
}

void verify_case_clear(verify_case *c)
{
    for (size_t i = 0; c->inputs && i < c->input_count; i++) tdnn_tensor_release(c->inputs[i]);
    for (size_t i = 0; c->expected && i < c->output_count; i++)
        tdnn_tensor_release(c->expected[i]);
    free(c->input_names);
    free(c->output_names);
    free(c->inputs);
    free(c->expected);
    memset(c, 0, sizeof *c);
}

static tdnn_status run_session(tdnn_session *session, const verify_case *c, tdnn_error *err)
{
    for (size_t i = 0; i < c->input_count; i++) {
        tdnn_status status =
            tdnn_session_set_input(session, c->input_names[i], c->inputs[i], err);

        if (status != TDNN_OK) return status;
    }
    return tdnn_session_run(session, err);
}

/* Adds the judgement of one output. The first that is wrong is the one that is told of: outputs
 * stand in the order of the graph, inner ones before what is made of them. */
static void add_output(verdict *v, const char *name, const comparison *c, unsigned *wrong)
{
    v->difference = fmax(v->difference, c->difference);
    v->relative = fmax(v->relative, c->relative);
    v->by_greatest += c->by_greatest;
    v->count += c->count;
    if (c->equal) return;
    v->pass = false;
    if ((*wrong)++ == 0) snprintf(v->text, sizeof v->text, "output '%s': %s", name, c->text);
}

verdict verify_run(const verify_net *net, const verify_case *c, const compare_rules *rules)
{
    verdict v = {.pass = true};
    compare_rules own = *rules;
    unsigned wrong = 0;
    tdnn_error err;

    own.any_value = net->random;
    for (int i = 0; i < net->sessions; i++)
        if (run_session(net->session[i], c, &err) != TDNN_OK) return verify_fault(NULL, &err);
    for (size_t i = 0; i < c->output_count; i++) {
        const tdnn_tensor *got[2] = {NULL, NULL};
        comparison compared;

        for (int k = 0; k < net->sessions; k++)
            if (tdnn_session_output(net->session[k], c->output_names[i], &got[k], &err))
                return verify_fault(NULL, &err);
        compared = compare_tensors(got[0], c->expected[i], &own);
        if (compared.equal && net->sessions == 2 && !net->random &&
            !compare_bits(got[0], got[1])) {
            compared.equal = false;
            snprintf(compared.text, sizeof compared.text,
                     "other bits with 2 threads than with 1");
        }
        add_output(&v, c->output_names[i], &compared, &wrong);
    }
    if (wrong > 1) {
        size_t used = strlen(v.text);

        snprintf(v.text + used, sizeof v.text - used, " (the first of %u outputs that differ)",
                 wrong);
    }
    return v;
}
