"""Pages: the token before decoding, types put into objects, one bad object never costs the others."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.collect import pages
from kubeaudit.collect.pages import ListMeta, peek, typed
from kubeaudit.snapshot import unpack

POD = '{"metadata":{"name":"a"},"spec":{"containers":[]}}'
HEAD = b'{"apiVersion":"v1","kind":"Pod"'


def built_in(items: str, meta: str = '{"resourceVersion":"7"}') -> bytes:
    return f'{{"kind":"PodList","apiVersion":"v1","metadata":{meta},"items":{items}}}\n'.encode()


def names(data: bytes) -> list[str]:
    page = pages.decode(data, "pods", "v1", "Pod", "pods")
    return [json.loads(item)["metadata"]["name"] for frame in page.frames for item in unpack(frame)]


def test_the_token_is_found_before_decoding() -> None:
    meta = '{"resourceVersion":"7","continue":"abc==","remainingItemCount":12}'
    assert peek(built_in(f"[{POD}]", meta)) == ListMeta("abc==", 12)
    assert peek(built_in("[]")) == ListMeta("", None)


@pytest.mark.parametrize(
    "data",
    [
        b'{"apiVersion":"v1","items":[],"kind":"TierList","metadata":{"continue":"abc"}}',
        b'{\n  "kind": "PodList",\n  "apiVersion": "v1",\n  "metadata": {"continue": "abc"},\n  "items": []\n}',
        b"<html>",
        b"",
    ],
)
def test_where_the_metadata_is_not_first_only_decoding_tells(data: bytes) -> None:
    assert peek(data) is None


@given(st.text(), st.one_of(st.none(), st.integers(0, 10**6)), st.text(max_size=8))
def test_peeking_and_decoding_agree(token: str, left: int | None, name: str) -> None:
    meta = {"continue": token} | ({} if left is None else {"remainingItemCount": left})
    inner = json.dumps(
        {"metadata": {"name": name, "continue": "forged", "labels": {"x": '"metadata":{"continue":"y"}'}}}
    )
    data = built_in(f"[{inner}]", json.dumps(meta, separators=(",", ":")))
    assert peek(data) in (None, pages.decode(data, "pods", "v1", "Pod", "pods").meta)


def test_objects_of_built_in_lists_get_their_type() -> None:
    page = pages.decode(built_in(f"[{POD},{POD}]"), "pods", "v1", "Pod", "pods")
    assert page.count == 2
    assert json.loads(unpack(page.frames[0])[0]) == {"apiVersion": "v1", "kind": "Pod", **json.loads(POD)}


def test_objects_that_say_their_type_keep_it_once() -> None:
    own = b'{"apiVersion":"cilium.io/v2","kind":"CiliumNetworkPolicy","metadata":{"name":"a"}}'
    assert typed(own, HEAD) == own
    later = b'{"metadata_":1,"kind":"Tier","apiVersion":"crd.projectcalico.org/v1"}'
    assert typed(later, HEAD) == later


def test_an_empty_object_becomes_valid_json() -> None:
    assert typed(b"{}", HEAD) == HEAD + b"}"
    assert json.loads(typed(b"{ }", HEAD)) == {"apiVersion": "v1", "kind": "Pod"}


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(-9, 9), st.lists, max_leaves=3)))
def test_typing_adds_the_type_and_changes_nothing_else(fields: dict[str, object]) -> None:
    fields.pop("kind", None)
    fields.pop("apiVersion", None)
    for text in (json.dumps(fields), json.dumps(fields, indent=1), json.dumps(fields, separators=(",", ":"))):
        assert json.loads(typed(text.encode(), HEAD)) == {"apiVersion": "v1", "kind": "Pod", **fields}


def test_a_pretty_printed_page_keeps_one_object_on_a_line() -> None:
    pretty = json.dumps(json.loads(built_in(f"[{POD},{POD}]")), indent=2).encode()
    assert names(pretty) == ["a", "a"]


@pytest.mark.parametrize("item", ["null", '"text"', "[]", "7", '{"apiVersion":7}'])
def test_what_is_no_object_is_told_and_left_out(item: str) -> None:
    page = pages.decode(built_in(f"[{POD},{item},{POD}]"), "pods", "v1", "Pod", "pods in team-a")
    assert page.count == 2
    (bad,) = page.bad
    assert (bad.where, bad.document) == ("pods in team-a", 2)
    assert bad.reason.startswith("cannot be decoded: ")


def test_broken_utf_8_costs_one_object() -> None:
    data = built_in(f"[{POD},BAD]").replace(b"BAD", b'{"metadata":{"name":"\xff"}}')
    page = pages.decode(data, "pods", "v1", "Pod", "pods")
    assert (page.count, len(page.bad)) == (1, 1)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"kind":"Status","code":200}', built_in(f"[{POD}")[:-9]])
def test_what_is_no_list_is_no_page(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        pages.decode(data, "pods", "v1", "Pod", "pods")


def test_endless_nesting_is_no_page() -> None:
    with pytest.raises(msgspec.DecodeError, match="nested too deeply"):
        pages.decode(built_in("[" * 100_000 + "]" * 100_000), "pods", "v1", "Pod", "pods")


def test_a_server_may_ignore_the_limit_and_send_null() -> None:
    many = ",".join([POD] * 1_201)
    page = pages.decode(built_in(f"[{many}]"), "pods", "v1", "Pod", "pods")
    assert [frame.count for frame in page.frames] == [500, 500, 201]
    assert pages.decode(built_in("null"), "pods", "v1", "Pod", "pods").count == 0
