"""A projection answers every expression over its fields as the whole value does (architecture.md, idea 7)."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.policy.cel import Program, compile_expression
from kubeaudit.policy.project import project, tree_of
from kubeaudit.policy.schema import Field

from .snapshots import shipped

EXPRESSIONS = [
    "podSpec.a.b == container.a",
    "has(podSpec.a) && has(podSpec.a.b) && podSpec.a.b == 'x'",
    "podSpec.?v.orValue([]).all(x, !has(x.a) || x.a == 'x')",
    "podSpec.v.exists(x, true)",
    "podSpec.v.filter(x, has(x.a)).map(x, x.a).all(y, y == 'x')",
    "(podSpec.v + podSpec.?w.orValue([])).exists(x, x.a == 1)",
    "podSpec.v[0].a == 1",
    "podSpec[container.a] == 1",
    "size(podSpec.v) == 1",
    "podSpec.?a.optMap(x, x.b).orValue(1) == 1",
    "podSpec.a == {}",
    "[podSpec.?a, container.?a].exists(x, x.hasValue())",
]
KEYS = st.sampled_from(["a", "b", "v", "w"])
VALUES = st.recursive(
    st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "b", "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
ROOTS = st.dictionaries(KEYS, VALUES, max_size=4)


compiled = cache(compile_expression)


def same(program: Program, bindings: dict[str, Any]) -> None:
    cut = {name: project(value, tree_of(program.fields, name)) for name, value in bindings.items()}
    assert program.evaluate({**cut, "params": {}}) == program.evaluate({**bindings, "params": {}})


@pytest.mark.parametrize("expression", EXPRESSIONS)
@settings(max_examples=60, deadline=None)
@given(pod_spec=ROOTS, container=ROOTS)
def test_the_answer_is_that_of_the_whole_value(
    expression: str, pod_spec: dict[str, Any], container: dict[str, Any]
) -> None:
    program = compiled(expression, ("podSpec", "container"))
    same(program, {"podSpec": pod_spec, "container": container})


def at(path: tuple[str, ...], value: object) -> object:
    for key in reversed(path):
        value = [value] if key == "*" else {key: value}
    return value


def merged(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return {key: merged(first.get(key), second.get(key)) for key in first | second}
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    return first if second is None else second


LEAVES = st.sampled_from(
    [True, False, 0, "", "default", "RuntimeDefault", "SYS_ADMIN", "ALL", "/etc", "/", "img", "img:1", "1Gi"]
)


@pytest.mark.parametrize("policy", [p.id for p in shipped().values() if p.expression and p.on_workloads])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_shipped_expressions_too(policy: str, data: st.DataObject) -> None:
    program = compiled(shipped()[policy].expression, shipped()[policy].variables)
    bindings: dict[str, Any] = {name: {"noise": 1} for name in shipped()[policy].variables}
    for field in program.fields:
        if data.draw(st.booleans()):
            value = data.draw(LEAVES | st.lists(LEAVES, max_size=2) | VALUES)
            bindings[field.path[0]] = merged(bindings[field.path[0]], at(field.path[1:], value))
    same(program, bindings)


def test_other_fields_are_gone_and_lists_keep_their_length() -> None:
    tree = tree_of([Field(("o", "v", "*", "a")), Field(("o", "p"), presence=True)], "o")
    value = {"v": [{"a": 1, "b": 2}, {"b": 3}, 4], "p": {"big": 1}, "z": 1}
    assert project(value, tree) == {"v": [{"a": 1}, {}, 4], "p": {}}


def test_a_root_that_is_read_whole_stays_whole() -> None:
    assert tree_of([Field(("o",)), Field(("o", "a"))], "o") is None
