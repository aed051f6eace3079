/* Protocol buffers' text format, and numbers in text. */
#include "tests/test.h"

#include "lib/base/number.h"
#include "parsers/text.h"

#include <math.h>
#include <stdlib.h>

static tdnn_zone *zone;
static tdnn_error err;

static int set_up(void **state)
{
    (void)state;
    zone = tdnn_zone_create();
    return zone ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    tdnn_zone_free(zone);
    return 0;
}

static const tdnn_text *parse(const char *text)
{
    tdnn_text *root = NULL;
    assert_ok(tdnn_text_parse((tdnn_bytes){text, strlen(text)}, zone, &root, &err), err);
    return root;
}

/* Fails to parse, at that line, with a message that contains `part`. */
static void refuse(const char *text, const char *where, const char *part)
{
    tdnn_text *root;
    tdnn_status status = tdnn_text_parse((tdnn_bytes){text, strlen(text)}, zone, &root, &err);
    assert_true(status == TDNN_ERR_FORMAT || status == TDNN_ERR_LIMIT);
    assert_string_equal(err.where, where);
    if (!strstr(err.message, part)) fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static int64_t int_of(const tdnn_text *message, const char *name)
{
    int64_t value;
    const tdnn_text *field = tdnn_text_find(message, name);
    assert_non_null(field);
    assert_ok(tdnn_text_int(field, &value, &err), err);
    return value;
}

static double double_of(const tdnn_text *message, const char *name)
{
    double value;
    const tdnn_text *field = tdnn_text_find(message, name);
    assert_non_null(field);
    assert_ok(tdnn_text_double(field, &value, &err), err);
    return value;
}

static void nested_messages(void **state)
{
    (void)state;
    const tdnn_text *root = parse("name: \"net\" # a comment: { \"\n"
                                  "layer { name: 'a' shape { dim: 1 dim: 2 } }\n"
                                  "layer: < name: 'b';\n"
                                  "  shape: < dim: [3, 4] >, >\n"
                                  "# the end");
    assert_int_equal(root->count, 3);
    assert_string_equal(tdnn_text_find(root, "name")->value, "net");
    const tdnn_text *a = tdnn_text_find(root, "layer"), *b = tdnn_text_again(a);
    assert_int_equal(a->line, 2);
    assert_int_equal(b->line, 3);
    assert_string_equal(tdnn_text_find(a, "name")->value, "a");
    assert_string_equal(tdnn_text_find(b, "name")->value, "b");
    const tdnn_text *dim = tdnn_text_find(tdnn_text_find(b, "shape"), "dim");
    int64_t value;
    assert_ok(tdnn_text_int(dim, &value, &err), err);
    assert_int_equal(value, 3);
    assert_ok(tdnn_text_int(tdnn_text_again(dim), &value, &err), err);
    assert_int_equal(value, 4);
    assert_null(tdnn_text_again(tdnn_text_again(dim)));
    assert_null(tdnn_text_again(b));
}

static void lists(void **state)
{
    (void)state;
    const tdnn_text *root =
        parse("a: [] m: [ { x: 1 }, < x: 2 > ] e: [ONE, TWO] [ext.name]: 7");
    assert_null(tdnn_text_find(root, "a"));
    const tdnn_text *m = tdnn_text_find(root, "m");
    assert_int_equal(int_of(m, "x"), 1);
    assert_int_equal(int_of(tdnn_text_again(m), "x"), 2);
    const tdnn_text *e = tdnn_text_find(root, "e");
    assert_int_equal(e->kind, TDNN_TEXT_WORD);
    assert_string_equal(e->value, "ONE");
    assert_string_equal(tdnn_text_again(e)->value, "TWO");
    assert_int_equal(int_of(root, "ext.name"), 7);
}

static void strings(void **state)
{
    (void)state;
    const tdnn_text *root = parse("a: \"it's\" 'two \"pieces\"'\n  \" and a third\"\n"
                                  "b: '\\n\\t\\\\\\'\\x41\\102\\0z' c: \"caf\303\251\"");
    assert_string_equal(tdnn_text_find(root, "a")->value, "it'stwo \"pieces\" and a third");
    const tdnn_text *b = tdnn_text_find(root, "b");
    assert_int_equal(b->length, 8);
    assert_memory_equal(b->value, "\n\t\\'AB\0z", 9);
    assert_int_equal(b->line, 3);
    assert_string_equal(tdnn_text_find(root, "c")->value, "caf\303\251");
}

static void many_pieces_of_a_string(void **state)
{
    (void)state;
    enum { PIECES = 100000 };
    char *text = malloc(5 * PIECES + 4);
    char *at = text;
    assert_non_null(text);
    memcpy(at, "a: ", 3), at += 3;
    for (int i = 0; i < PIECES; i++, at += 4) memcpy(at, "'x'\n", 4);
    *at = '\0';
    const tdnn_text *root = parse(text);
    assert_int_equal(root->first->length, PIECES);
    assert_true(tdnn_zone_bytes(zone) < 8u * PIECES);
    free(text);
}

static void numbers(void **state)
{
    (void)state;
    const tdnn_text *root =
        parse("d: -12 h: 0x1F o: 017 f: -1.5e-3 g: 2.5f i: -inf n: nan e: .5 t: 3.");
    assert_int_equal(int_of(root, "d"), -12);
    assert_int_equal(int_of(root, "h"), 31);
    assert_int_equal(int_of(root, "o"), 15);
    assert_true(double_of(root, "d") == -12);
    assert_true(double_of(root, "f") == -1.5e-3);
    assert_true(double_of(root, "g") == 2.5);
    assert_true(double_of(root, "i") == -(double)INFINITY);
    assert_true(isnan(double_of(root, "n")));
    assert_true(double_of(root, "e") == 0.5);
    assert_true(double_of(root, "t") == 3);
}

static void not_a_number(void **state)
{
    (void)state;
    const tdnn_text *root =
        parse("a: 1.5\nb: x2\nc: 99999999999999999999\nd { }\ne: yes\nf: '1'");
    int64_t i;
    double d;
    bool b;
    assert_status(tdnn_text_int(tdnn_text_find(root, "a"), &i, &err), TDNN_ERR_FORMAT);
    assert_string_equal(err.where, "line 1");
    assert_string_equal(err.message, "a is 1.5, expected an integer");
    assert_status(tdnn_text_double(tdnn_text_find(root, "b"), &d, &err), TDNN_ERR_FORMAT);
    assert_string_equal(err.message, "b is x2, expected a number");
    assert_status(tdnn_text_int(tdnn_text_find(root, "c"), &i, &err), TDNN_ERR_FORMAT);
    assert_status(tdnn_text_int(tdnn_text_find(root, "d"), &i, &err), TDNN_ERR_FORMAT);
    assert_string_equal(err.message, "d is a message, expected an integer");
    assert_status(tdnn_text_bool(tdnn_text_find(root, "e"), &b, &err), TDNN_ERR_FORMAT);
    assert_string_equal(err.where, "line 5");
    assert_status(tdnn_text_double(tdnn_text_find(root, "f"), &d, &err), TDNN_ERR_FORMAT);
}

static void truth(void **state)
{
    (void)state;
    const tdnn_text *field =
        parse("a: true a: false a: 1 a: 0 a: t a: f a: True a: False")->first;
    for (int i = 0; field; field = field->next, i++) {
        bool value;
        assert_ok(tdnn_text_bool(field, &value, &err), err);
        assert_int_equal(value, i % 2 == 0);
    }
}

static void malformed(void **state)
{
    (void)state;
    refuse("a: 1\nb {\n c: 2\n", "line 4", "the end of a message");
    refuse("a: 1 }", "line 1", "found '}'");
    refuse("a: { b: 1 >", "line 1", "found '>'");
    refuse("a 1", "line 1", "':' or '{'");
    refuse("a:\n\n", "line 3", "a value");
    refuse("a: 'open\nb: 1", "line 1", "closing quote");
    refuse("a: [1, 2", "line 1", "',' or ']'");
    refuse("a: [1 2]", "line 1", "',' or ']'");
    refuse("[a: 1", "line 1", "']'");
    refuse("a: 1\n\001\002", "line 2", "a field's name");
}

static void deep_nesting(void **state)
{
    (void)state;
    char text[1000] = "";
    for (int i = 0; i < 100; i++) strcat(text, "a{");
    refuse(text, "line 1", "nested more than 64 deep");
}

/* Nothing beyond the end is read: AddressSanitizer would see it. */
static void cut_anywhere(void **state)
{
    (void)state;
    const char *whole = "name: 'n\\x41' layer { type: \"T\" p < q: [1, -2.5e3, {r: .5}] > } x: "
                        "\"a\" 'b' # c\n y: [E]";
    for (size_t n = 0; n <= strlen(whole); n++) {
        char *part = malloc(n ? n : 1);
        tdnn_text *root;
        assert_non_null(part);
        memcpy(part, whole, n);
        tdnn_status status = tdnn_text_parse((tdnn_bytes){part, n}, zone, &root, &err);
        assert_true(status == TDNN_OK || status == TDNN_ERR_FORMAT);
        free(part);
    }
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

/* Against the C library, in the C locale. */
static void number_reading(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int digits = 1 + (int)(next_random(&x) % 20),
            exponent = (int)(next_random(&x) % 60) - 30;
        double base = (double)(next_random(&x) >> 11) / 9007199254740992.0, got;
        snprintf(text, sizeof text, "%.*fe%d", digits, base, exponent);
        const double wanted = strtod(text, NULL);
        assert_int_equal(tdnn_number_parse(text, strlen(text), &got), strlen(text));
        if (got != wanted) fail_msg("%s is read as %.17g, not %.17g", text, got, wanted);
    }
}

static void number_edges(void **state)
{
    (void)state;
    static const char *const same[] = {"0",
                                       "-0.0",
                                       "1e400",
                                       "-1e400",
                                       "1e-400",
                                       "00012",
                                       "1.e5",
                                       "123456789012345678901234567890",
                                       "0.00000000000000000000000000012",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "INF",
                                       "-Infinity",
                                       "+7"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        double got, wanted = strtod(same[i], NULL);
        assert_int_equal(tdnn_number_parse(same[i], strlen(same[i]), &got), strlen(same[i]));
        assert_true(got == wanted && signbit(got) == signbit(wanted));
    }
    double value;
    assert_int_equal(tdnn_number_parse("", 0, &value), 0);
    assert_int_equal(tdnn_number_parse("-", 1, &value), 0);
    assert_int_equal(tdnn_number_parse(".", 1, &value), 0);
    assert_int_equal(tdnn_number_parse("e5", 2, &value), 0);
    assert_int_equal(tdnn_number_parse("1e", 2, &value), 1);
    assert_int_equal(tdnn_number_parse("12345", 2, &value), 2);
    assert_true(value == 12);
    assert_int_equal(tdnn_number_parse("1.2.3", 5, &value), 3);
    assert_true(value == 1.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nested_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_pieces_of_a_string, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_a_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep_nesting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_anywhere, set_up, tear_down),
        cmocka_unit_test(number_reading),
        cmocka_unit_test(number_edges),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
