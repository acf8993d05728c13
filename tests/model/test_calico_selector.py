"""Calico's selector language: what parses to what, errors with their column, evaluation as masks (NET-127)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.model.calico_selector import (
    DEEPEST,
    All,
    Among,
    And,
    Compare,
    Global,
    Has,
    Node,
    Not,
    Or,
    SelectorSyntaxError,
    has_global,
    keys_of,
    parse,
    prefixed,
    select,
    text_of,
)
from kubeaudit.model.selectors import InvalidSelectorError, index

A, B = Compare("a", "==", "x"), Has("b")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All()),
        ("  \t", All()),
        ("all()", All()),
        ("all( )", All()),
        ("global()", Global()),
        ("has(projectcalico.org/namespace)", Has("projectcalico.org/namespace")),
        ("has( b )", B),
        ("a == 'x'", A),
        ('a=="x"', A),
        ("a != 'it\"s'", Compare("a", "!=", 'it"s')),
        ("a contains 'x'", Compare("a", "contains", "x")),
        ("a starts with 'x'", Compare("a", "starts with", "x")),
        ("a startswith 'x'", Compare("a", "starts with", "x")),
        ("a ends  with 'x'", Compare("a", "ends with", "x")),
        ("a in {'x', 'y'}", Among("a", ("x", "y"))),
        ("a in {'x',}", Among("a", ("x",))),
        ("a in{}", Among("a", ())),
        ("a not in {'x'}", Among("a", ("x",), True)),
        ("a notin {'x'}", Among("a", ("x",), True)),
        ("in == 'x'", Compare("in", "==", "x")),
        ("has == 'x'", Compare("has", "==", "x")),
        ("allow == 'x'", Compare("allow", "==", "x")),
        ("!has(b)", Not(B)),
        ("!!has(b)", B),
        ("! a == 'x'", Not(A)),
        ("a == 'x' && has(b) || !has(b)", Or((And((A, B)), Not(B)))),
        ("a == 'x' && (has(b) || !has(b))", And((A, Or((B, Not(B)))))),
        ("((a == 'x'))", A),
    ],
)
def test_a_text_parses_to_its_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a = 'x'", 3),
        ("a == x", 6),
        ("a == 'x", 6),
        ("a", 2),
        ("a ==", 5),
        ("a in ['x']", 6),
        ("a in {'x' 'y'}", 11),
        ("a in {x}", 7),
        ("a like 'x'", 3),
        ("a == 'x' &&", 12),
        ("a == 'x' & has(b)", 10),
        ("a == 'x' has(b)", 10),
        ("(a == 'x'", 10),
        ("a == 'x')", 9),
        ("has()", 5),
        ("has(b", 6),
        ("all(", 5),
        ("&& has(b)", 1),
        ("a == 'x'\n", 9),
        ("a$ == 'x'", 2),
        ("!", 2),
        ("'x' == a", 1),
    ],
)
def test_a_text_that_is_no_selector_is_told_with_its_column(text: str, column: int) -> None:
    with pytest.raises(SelectorSyntaxError, match=rf"^column {column}: ") as raised:
        parse(text)
    assert raised.value.column == column
    assert isinstance(raised.value, InvalidSelectorError)


def test_parentheses_nest_only_so_deep() -> None:
    assert parse("(" * DEEPEST + "has(b)" + ")" * DEEPEST) == B
    with pytest.raises(SelectorSyntaxError, match="deeper"):
        parse("(" * 100_000)
    assert parse("!" * 100_001 + "has(b)") == Not(B)


def test_a_selector_on_namespaces_becomes_one_on_what_pods_inherit() -> None:
    inside = Has("space")
    tree = parse("a == 'x' && !(all() || global())")
    expected = And((Compare("p.a", "==", "x"), Not(Or((inside, Not(inside))))))
    assert prefixed(tree, "p.", inside) == expected
    assert keys_of(expected) == {"p.a", "space"}
    assert has_global(tree) and not has_global(expected)


_keys = st.sampled_from(("a", "b", "projectcalico.org/x"))
_values = st.sampled_from(("", "x", "y", "xy", "it's", 'a"b'))
_leaves = st.one_of(
    st.just(All()),
    st.builds(Has, _keys),
    st.builds(Compare, _keys, st.sampled_from(("==", "!=", "contains", "starts with", "ends with")), _values),
    st.builds(Among, _keys, st.lists(_values, max_size=3).map(tuple), st.booleans()),
)
trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        _leaves.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: And(tuple(found))),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: Or(tuple(found))),
    ),
    max_leaves=8,
)
things = st.lists(st.dictionaries(_keys, _values), max_size=4)


def _holds(node: Node, labels: dict[str, str]) -> bool:
    """A naive interpreter of one tree on the labels of one thing."""
    match node:
        case All() | Global():
            return True
        case Has(key):
            return key in labels
        case Compare(key, operator, wanted):
            value = labels.get(key)
            if value is None:
                return operator == "!="
            tests = {
                "==": value == wanted,
                "!=": value != wanted,
                "contains": wanted in value,
                "starts with": value.startswith(wanted),
                "ends with": value.endswith(wanted),
            }
            return tests[operator]
        case Among(key, values, negated):
            return (labels.get(key) in values) is not negated
        case Not(operand):
            return not _holds(operand, labels)
        case And(operands):
            return all(_holds(operand, labels) for operand in operands)
        case Or(operands):
            return any(_holds(operand, labels) for operand in operands)


@given(tree=trees)
def test_a_tree_in_words_parses_to_itself(tree: Node) -> None:
    assert parse(text_of(tree)) == tree


@given(tree=trees, labels=things)
def test_the_mask_holds_the_things_that_match(tree: Node, labels: list[dict[str, str]]) -> None:
    mask = select(tree, index(labels))
    assert [bool(mask >> number & 1) for number in range(len(labels))] == [_holds(tree, found) for found in labels]
    assert mask >> len(labels) == 0


@given(text=st.text("a='x\"(){}!&| ,inotash.", max_size=20))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        assert parse(text_of(parse(text))) == parse(text)
    except SelectorSyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
