"""Which fields an expression reads: taken from its syntax tree, never too few (architecture.md, idea 7)."""

import pytest

from kubeaudit.policy.cel import compile_expression

VARIABLES = ("podSpec", "container")


def reads(expression: str) -> list[str]:
    """The fields, ``?`` before those of which only the presence is read."""
    fields = compile_expression(expression, VARIABLES).fields
    return [f"{'?' if field.presence else ''}{field}" for field in fields]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("podSpec.hostPID", ["podSpec.hostPID"]),
        ("!has(podSpec.hostPID)", ["?podSpec.hostPID"]),
        ("has(podSpec.a) && podSpec.a.b == 1", ["podSpec.a.b"]),
        ("podSpec.?a.?b.orValue(false)", ["podSpec.a.b"]),
        ("podSpec.?a.hasValue()", ["?podSpec.a"]),
        ("podSpec.?a.?b.or(podSpec.?c).orValue(1) == 1", ["podSpec.a.b", "podSpec.c"]),
        ("podSpec['a.b'] == 1", ["podSpec.a.b"]),
        ("podSpec[?'a'].orValue(1) == 1", ["podSpec.a"]),
        ("podSpec[container.name] == 1", ["container.name", "podSpec[*]"]),
        ("podSpec.a[0].b == 1", ["podSpec.a[*].b"]),
        ("dyn(podSpec).a == 1", ["podSpec.a"]),
        ("podSpec.a == 'x' ? podSpec.b : podSpec.c", ["podSpec.a", "podSpec.b", "podSpec.c"]),
        ("podSpec == container", ["container", "podSpec"]),
        ("size(podSpec.volumes) > 0", ["podSpec.volumes"]),
        ("podSpec.v.all(x, x.a == 1)", ["podSpec.v[*].a"]),
        ("podSpec.v.exists(x, true)", ["?podSpec.v[*]"]),
        ("podSpec.v.exists(x, x == 'a')", ["podSpec.v[*]"]),
        ("podSpec.v.exists_one(x, has(x.a))", ["?podSpec.v[*].a"]),
        ("podSpec.v.all(x, x.w.all(y, y.a == x.b))", ["podSpec.v[*].w[*].a", "podSpec.v[*].b"]),
        ("podSpec.v.filter(x, has(x.a)).all(x, x.a.b == 1)", ["podSpec.v[*].a.b"]),
        ("podSpec.v.map(x, x.a).all(y, y.b == 1)", ["podSpec.v[*].a.b"]),
        ("podSpec.v.map(x, x.a == 1, x.b).exists(y, y)", ["podSpec.v[*].a", "podSpec.v[*].b"]),
        ("(podSpec.v + podSpec.?w.orValue([])).all(x, x.a == 1)", ["podSpec.v[*].a", "podSpec.w[*].a"]),
        ("[podSpec.?a, container.?b].exists(x, x.hasValue())", ["?container.b", "?podSpec.a"]),
        ("podSpec.?a.optMap(x, x.b).orValue(1) == 1", ["podSpec.a.b"]),
        ("{'k': podSpec.a}.k == 1", ["podSpec.a"]),
        ("podSpec.a.startsWith(container.b)", ["podSpec.a", "container.b"]),
        ("params.minor > 3", ["params.minor"]),
        ("1 == 1", []),
    ],
)  # fmt: skip
def test_fields_of_an_expression(expression: str, wanted: list[str]) -> None:
    assert sorted(reads(expression)) == sorted(wanted)


def test_a_field_that_is_read_whole_covers_what_lies_below() -> None:
    assert reads("podSpec.a == 1 || podSpec.a.b == 2") == ["podSpec.a"]


def test_an_accumulator_that_never_settles_is_read() -> None:
    nested = "podSpec.v.map(x, x.a).map(x, x.b).map(x, x.c).all(x, x.d)"
    assert reads(nested) == ["podSpec.v[*].a.b.c.d"]
