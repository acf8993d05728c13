"""Columns say of a value what its projection says (architecture.md, idea 7)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.documents import drop_nulls
from kubeaudit.policy.columns import Columns, nothing
from kubeaudit.policy.project import Tree, project

from .test_project import KEYS, VALUES

TREES: list[Tree | None] = [None, {}, {"a": None}, {"a": {}, "b": {"a": None}, "v": {"*": {"a": None}}}]
OBJECTS = st.dictionaries(KEYS, VALUES | st.none(), max_size=4)
RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fields(value: dict[str, Any]) -> dict[str, msgspec.Raw]:
    return RAW.decode(msgspec.json.encode(value))


@pytest.mark.parametrize("tree", TREES, ids=str)
@pytest.mark.parametrize("repeats", [True, False])
@settings(max_examples=60, deadline=None)
@given(values=st.lists(OBJECTS, min_size=2, max_size=6))
def test_rows_are_projections(tree: Tree | None, repeats: bool, values: list[dict[str, Any]]) -> None:
    columns = Columns(tree, repeats=repeats)
    names = list(tree or ())
    pick = columns.pick(names)
    rows = [columns.row(fields(value)) for value in values]
    cuts = [drop_nulls(project(value, tree)) for value in values]
    assert [columns.value(row, names) for row in rows] == cuts
    texts = [msgspec.json.encode(cut, order="deterministic") for cut in cuts]
    for row, text in zip(rows, texts, strict=True):
        assert (row == rows[0]) == (text == texts[0])
        assert (pick(row) == pick(rows[0])) == (text == texts[0])


def test_a_rule_tells_rows_apart_by_its_own_fields_only() -> None:
    columns = Columns({"a": None, "b": None})
    one, other = columns.row(fields({"a": 1, "b": 1})), columns.row(fields({"a": 1, "b": 2}))
    assert one != other
    assert columns.pick(["a"])(one) == columns.pick(["a"])(other)
    assert columns.pick(["b"])(one) != columns.pick(["b"])(other)
    assert columns.pick([]) is nothing
    assert columns.value(other, ["b"]) == {"b": 2}


@pytest.mark.parametrize("tree", [None, {"a": None, "b": None}], ids=["whole", "fields"])
def test_bytes_that_are_no_text_are_no_value(tree: Tree | None) -> None:
    columns = Columns(tree)
    row = columns.row(RAW.decode(b'{"a":"\xff","b":1}'))
    assert columns.value(row, ["a", "b"]) is None
    assert tree is None or columns.value(row, ["b"]) == {"b": 1}
