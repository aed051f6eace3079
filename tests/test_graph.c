/* The gate (order, cycles, producers), editing, and the arena planner. */
#include "tests/test.h"

#include "lib/graph/graph.h"
#include "lib/runtime/arena.h"

#include <stdlib.h>


static tdnn_graph *new_graph(void)
{
    tdnn_graph *graph;
    assert_int_equal(tdnn_graph_create(NULL, &graph, NULL), TDNN_OK);
    return graph;
}

static tdnn_id value(tdnn_graph *graph, const char *name)
{
    tdnn_id id;
    assert_int_equal(tdnn_graph_add_value(graph, name, &id, NULL), TDNN_OK);
    return id;
}

static tdnn_node *identity(tdnn_graph *graph, const char *name, tdnn_id in, tdnn_id out)
{
    tdnn_node *node;
    assert_int_equal(tdnn_graph_add_node(graph, TDNN_OP_Identity, name, 1, 1, &node, NULL), TDNN_OK);
    node->inputs[0] = in;
    node->outputs[0] = out;
    return node;
}

static void nodes_are_sorted(void **state)
{
    (void)state;
    tdnn_graph *g = new_graph();
    tdnn_id a = value(g, "a"), b = value(g, "b"), c = value(g, "c"), d = value(g, "d");
    identity(g, "third", c, d);
    identity(g, "second", b, c);
    identity(g, "first", a, b);
    assert_int_equal(tdnn_graph_add_input(g, a, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_add_output(g, d, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_check(g, NULL), TDNN_OK);
    assert_string_equal(g->nodes[0]->name, "first");
    assert_string_equal(g->nodes[1]->name, "second");
    assert_string_equal(g->nodes[2]->name, "third");
    tdnn_graph_free(g);
}

static void cycles_are_named(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_graph *g = new_graph();
    tdnn_id a = value(g, "a"), b = value(g, "b");
    identity(g, "there", a, b);
    identity(g, "back", b, a);
    assert_int_equal(tdnn_graph_add_output(g, b, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_check(g, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "cycle"));
    assert_string_equal(err.where, "node there (Identity)");
    tdnn_graph_free(g);
}

static void every_value_needs_one_producer(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_graph *g = new_graph();
    tdnn_id a = value(g, "a"), b = value(g, "b");
    identity(g, "n", a, b);
    assert_int_equal(tdnn_graph_add_output(g, b, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_check(g, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "nothing makes \"a\""));
    assert_int_equal(tdnn_graph_add_input(g, a, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_check(g, &err), TDNN_OK);
    identity(g, "m", a, b);
    assert_int_equal(tdnn_graph_check(g, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "\"b\" has two producers"));
    tdnn_graph_free(g);
}

static void arity_is_checked(void **state)
{
    (void)state;
    tdnn_error err;
    tdnn_node *node;
    tdnn_graph *g = new_graph();
    tdnn_id a = value(g, "a"), b = value(g, "b");
    assert_int_equal(tdnn_graph_add_input(g, a, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_add_node(g, TDNN_OP_Identity, "two", 2, 1, &node, NULL), TDNN_OK);
    node->inputs[0] = node->inputs[1] = a;
    node->outputs[0] = b;
    assert_int_equal(tdnn_graph_check(g, &err), TDNN_ERR_FORMAT);
    assert_non_null(strstr(err.message, "2 inputs, expected 1"));
    tdnn_graph_free(g);
}

static void names_are_unique(void **state)
{
    (void)state;
    tdnn_id id;
    tdnn_graph *g = new_graph();
    for (int i = 0; i < 1000; i++) value(g, NULL);
    tdnn_id a = value(g, "a");
    assert_int_equal(tdnn_graph_find_value(g, "a"), a);
    assert_int_equal(tdnn_graph_find_value(g, "b"), TDNN_ABSENT);
    assert_int_equal(tdnn_graph_add_value(g, "a", &id, NULL), TDNN_ERR_FORMAT);
    tdnn_graph_free(g);
}

static void the_number_of_nodes_is_limited(void **state)
{
    (void)state;
    tdnn_load_options options;
    tdnn_graph *g;
    tdnn_node *node;
    tdnn_load_options_init(&options);
    options.max_nodes = 2;
    assert_int_equal(tdnn_graph_create(&options, &g, NULL), TDNN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tdnn_graph_add_node(g, TDNN_OP_Identity, NULL, 1, 1, &node, NULL), TDNN_OK);
    assert_int_equal(tdnn_graph_add_node(g, TDNN_OP_Identity, NULL, 1, 1, &node, NULL), TDNN_ERR_LIMIT);
    tdnn_graph_free(g);
}

static void uses_are_replaced(void **state)
{
    (void)state;
    tdnn_graph *g = new_graph();
    tdnn_id a = value(g, "a"), b = value(g, "b"), c = value(g, "c");
    assert_int_equal(tdnn_graph_add_input(g, a, NULL), TDNN_OK);
    tdnn_node *first = identity(g, "first", a, b);
    tdnn_node *second = identity(g, "second", b, c);
    assert_int_equal(tdnn_graph_add_output(g, b, NULL), TDNN_OK);
    uint32_t *uses;
    assert_int_equal(tdnn_graph_count_uses(g, g->zone, &uses, NULL), TDNN_OK);
    assert_int_equal(uses[a], 1);
    assert_int_equal(uses[b], 2);
    assert_int_equal(uses[c], 0);
    tdnn_graph_replace_uses(g, b, a);
    assert_int_equal(second->inputs[0], a);
    assert_true(tdnn_graph_is_output(g, a));
    first->op = NULL;
    tdnn_graph_sweep(g);
    assert_int_equal(g->node_count, 1);
    tdnn_graph_free(g);
}

static void arena_blocks_never_overlap_and_lie_close(void **state)
{
    (void)state;
    enum { COUNT = 60, TRIALS = 200 };
    double over = 0; /* how far above the lower bound, all trials */
    srand(1);
    for (int trial = 0; trial < TRIALS; trial++) {
        tdnn_lifetime blocks[COUNT] = {0};
        size_t total, sum = 0;
        for (int i = 0; i < COUNT; i++) {
            blocks[i].first = rand() % 100;
            blocks[i].last = blocks[i].first + rand() % 20;
            blocks[i].bytes = (size_t)(rand() % 5000);
            sum += tdnn_round_up(blocks[i].bytes, TDNN_ALIGN);
        }
        size_t bound = tdnn_arena_bound(blocks, COUNT);
        tdnn_zone *zone = tdnn_zone_create();
        assert_int_equal(tdnn_arena_plan(blocks, COUNT, zone, &total, NULL), TDNN_OK);
        tdnn_zone_free(zone);
        assert_true(total >= bound);
        assert_true(total <= sum);
        over += (double)total / (double)bound - 1;
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(blocks[i].offset % TDNN_ALIGN, 0);
            assert_true(blocks[i].offset + blocks[i].bytes <= total);
            for (int j = 0; j < i; j++) {
                bool same_time = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
                bool same_place = blocks[i].offset < blocks[j].offset + blocks[j].bytes &&
                                  blocks[j].offset < blocks[i].offset + blocks[i].bytes;
                assert_false(same_time && same_place);
            }
        }
    }
    assert_true(over / TRIALS < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_sorted),
        cmocka_unit_test(cycles_are_named),
        cmocka_unit_test(every_value_needs_one_producer),
        cmocka_unit_test(arity_is_checked),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(the_number_of_nodes_is_limited),
        cmocka_unit_test(uses_are_replaced),
        cmocka_unit_test(arena_blocks_never_overlap_and_lie_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
