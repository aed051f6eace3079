/* Activations that exporters write out in pieces, recognised by their last piece:
 *   Swish      x * Sigmoid(x)
 *   HardSwish  x * HardSigmoid(x), with alpha 1/6 and beta 1/2; x * Clip(x + 3, 0, 6) / 6
 *   Mish       x * Tanh(Softplus(x))
 *   Gelu       x * (1 + Erf(x / sqrt 2)) / 2, with its products in any order; the same with its
 *              approximation, 1 + Tanh(sqrt(2 / pi) (x + 0.044715 x^3))
 */
#include "lib/passes/match.h"

#include <math.h>

static tdnn_status become_unary(tdnn_match *m, tdnn_node *node, tdnn_op_kind kind, tdnn_id x)
{
    return tdnn_match_become(m, node, kind, &x, 1);
}

/* x * gate(x), for either order of the product. */
static tdnn_status visit_gate(tdnn_match *m, tdnn_node *node, bool *done)
{
    *done = true;
    for (size_t side = 0; side < 2; side++) {
        tdnn_id x = node->inputs[1 - side];
        const tdnn_node *gate = tdnn_match_lone(m, node, side, TDNN_OP_Sigmoid);
        if (gate && gate->inputs[0] == x) return become_unary(m, node, TDNN_OP_Swish, x);
        gate = tdnn_match_lone(m, node, side, TDNN_OP_HardSigmoid);
        if (gate && gate->inputs[0] == x) {
            const tdnn_hard_sigmoid_params *p = gate->params;
            if (fabsf(p->alpha - 1.0f / 6) < 1e-4f && p->beta == 0.5f)
                return become_unary(m, node, TDNN_OP_HardSwish, x);
        }
        gate = tdnn_match_lone(m, node, side, TDNN_OP_Tanh);
        const tdnn_node *softplus = gate ? tdnn_match_lone(m, gate, 0, TDNN_OP_Softplus) : NULL;
        if (softplus && softplus->inputs[0] == x) return become_unary(m, node, TDNN_OP_Mish, x);
    }
    *done = false;
    return TDNN_OK;
}

/* The x of Clip(x + 3, 0, 6), which one node alone uses; TDNN_ABSENT if it is none such. */
static tdnn_id hard_gate(const tdnn_match *m, const tdnn_node *node, size_t index)
{
    tdnn_activation clip;
    const tdnn_node *gate = tdnn_match_lone(m, node, index, TDNN_OP_Clip);
    if (!gate || !tdnn_match_activation(m, gate, &clip) || clip.alpha != 0 || clip.beta != 6)
        return TDNN_ABSENT;
    const tdnn_node *add = tdnn_match_lone(m, gate, 0, TDNN_OP_Add);
    if (!add) return TDNN_ABSENT;
    for (size_t side = 0; side < 2; side++)
        if (tdnn_match_scalar_is(m, add, side, 3)) return add->inputs[1 - side];
    return TDNN_ABSENT;
}

/* node is (x * clip(x + 3, 0, 6)) / 6, or times 1/6, or x * (clip(x + 3, 0, 6) / 6). */
static tdnn_status visit_sixth(tdnn_match *m, tdnn_node *node)
{
    size_t product = 0;
    bool sixth = node->op->kind == TDNN_OP_Div && tdnn_match_scalar_is(m, node, 1, 6);
    for (size_t side = 0; !sixth && node->op->kind == TDNN_OP_Mul && side < 2; side++)
        if (tdnn_match_scalar_is(m, node, side, 1.0 / 6)) {
            sixth = true;
            product = 1 - side;
        }
    const tdnn_node *mul = sixth ? tdnn_match_lone(m, node, product, TDNN_OP_Mul) : NULL;
    for (size_t side = 0; mul && side < 2; side++) {
        tdnn_id x = hard_gate(m, mul, side);
        if (x != TDNN_ABSENT && x == mul->inputs[1 - side])
            return become_unary(m, node, TDNN_OP_HardSwish, x);
    }
    if (node->op->kind != TDNN_OP_Mul) return TDNN_OK;
    for (size_t side = 0; side < 2; side++) {
        const tdnn_node *div = tdnn_match_lone(m, node, side, TDNN_OP_Div);
        if (!div || !tdnn_match_scalar_is(m, div, 1, 6)) continue;
        tdnn_id x = hard_gate(m, div, 0);
        if (x != TDNN_ABSENT && x == node->inputs[1 - side])
            return become_unary(m, node, TDNN_OP_HardSwish, x);
    }
    return TDNN_OK;
}

/* ---- Gelu ---- */

/* Input `index` is x^3, as a power or as products. */
static bool is_cube(const tdnn_match *m, const tdnn_node *node, size_t index, tdnn_id x)
{
    const tdnn_node *power = tdnn_match_lone(m, node, index, TDNN_OP_Pow);
    if (power) return power->inputs[0] == x && tdnn_match_scalar_is(m, power, 1, 3);
    const tdnn_node *outer = tdnn_match_lone(m, node, index, TDNN_OP_Mul);
    for (size_t side = 0; outer && side < 2; side++) {
        const tdnn_node *inner = tdnn_match_lone(m, outer, side, TDNN_OP_Mul);
        if (inner && outer->inputs[1 - side] == x && inner->inputs[0] == x &&
            inner->inputs[1] == x)
            return true;
    }
    return false;
}

/* The x of sqrt(2 / pi) (x + 0.044715 x^3). */
static tdnn_id gelu_bend(const tdnn_match *m, const tdnn_node *tangent)
{
    const tdnn_node *outer = tdnn_match_lone(m, tangent, 0, TDNN_OP_Mul), *sum = NULL;
    for (size_t side = 0; outer && !sum && side < 2; side++)
        if (tdnn_match_scalar_is(m, outer, side, 0.7978845608))
            sum = tdnn_match_lone(m, outer, 1 - side, TDNN_OP_Add);
    for (size_t side = 0; sum && side < 2; side++) {
        const tdnn_node *part = tdnn_match_lone(m, sum, side, TDNN_OP_Mul);
        for (size_t k = 0; part && k < 2; k++)
            if (tdnn_match_scalar_is(m, part, k, 0.044715) &&
                is_cube(m, part, 1 - k, sum->inputs[1 - side]))
                return sum->inputs[1 - side];
    }
    return TDNN_ABSENT;
}

/* The x of 1 + Erf(x / sqrt 2), or of its approximation. */
static tdnn_id gelu_gate(const tdnn_match *m, const tdnn_node *node, size_t index, bool *bent)
{
    const double root = 1.41421356237;
    const tdnn_node *add = tdnn_match_lone(m, node, index, TDNN_OP_Add), *erf = NULL;
    for (size_t side = 0; add && !erf && side < 2; side++)
        if (tdnn_match_scalar_is(m, add, side, 1)) {
            erf = tdnn_match_lone(m, add, 1 - side, TDNN_OP_Erf);
            const tdnn_node *tangent = tdnn_match_lone(m, add, 1 - side, TDNN_OP_Tanh);
            *bent = tangent != NULL;
            if (tangent) return gelu_bend(m, tangent);
        }
    if (!erf) return TDNN_ABSENT;
    const tdnn_node *div = tdnn_match_lone(m, erf, 0, TDNN_OP_Div);
    if (div && tdnn_match_scalar_is(m, div, 1, root)) return div->inputs[0];
    const tdnn_node *mul = tdnn_match_lone(m, erf, 0, TDNN_OP_Mul);
    for (size_t side = 0; mul && side < 2; side++)
        if (tdnn_match_scalar_is(m, mul, side, 1 / root)) return mul->inputs[1 - side];
    return TDNN_ABSENT;
}

/* A product of x, its gate and one half, in two multiplications, of which `node` is the outer. */
static tdnn_status visit_gelu(tdnn_match *m, tdnn_node *node)
{
    bool bent = false;
    for (size_t side = 0; side < 2; side++) {
        const tdnn_node *inner = tdnn_match_lone(m, node, side, TDNN_OP_Mul);
        for (size_t k = 0; inner && k < 2; k++) {
            tdnn_id x = TDNN_ABSENT, a = inner->inputs[1 - k];
            if (tdnn_match_scalar_is(m, node, 1 - side, 0.5)) { /* (x * gate) * 1/2 */
                x = gelu_gate(m, inner, k, &bent);
                if (x != a) x = TDNN_ABSENT;
            } else if (tdnn_match_scalar_is(m, inner, k,
                                            0.5)) { /* (x * 1/2) * gate, x * (gate * 1/2) */
                x = gelu_gate(m, node, 1 - side, &bent);
                if (x == TDNN_ABSENT || x != a) {
                    x = gelu_gate(m, inner, 1 - k, &bent);
                    if (x != node->inputs[1 - side]) x = TDNN_ABSENT;
                }
            }
            if (x == TDNN_ABSENT) continue;
            TDNN_TRY(become_unary(m, node, TDNN_OP_Gelu, x));
            ((tdnn_gelu_params *)node->params)->approximate = bent;
            return TDNN_OK;
        }
    }
    return TDNN_OK;
}

static tdnn_status visit(tdnn_match *m, tdnn_node *node)
{
    bool done = false;
    if (node->input_count != 2) return TDNN_OK;
    if (node->op->kind == TDNN_OP_Mul) TDNN_TRY(visit_gate(m, node, &done));
    if (!done && (node->op->kind == TDNN_OP_Mul || node->op->kind == TDNN_OP_Div))
        TDNN_TRY(visit_sixth(m, node));
    if (node->op->kind == TDNN_OP_Mul) return visit_gelu(m, node);
    return TDNN_OK;
}

tdnn_status tdnn_pass_patterns(tdnn_graph *graph, const tdnn_pass_context *context,
                               size_t *changes, tdnn_error *err)
{
    (void)context;
    return tdnn_match_run(graph, visit, changes, err);
}
