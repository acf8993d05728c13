"""Documents: what the API machinery would read, where it stands, and that nothing broken takes others with it."""

import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.documents import HELM, Document, Problem, compose_marked, drop_nulls, dump, parse, place
from kubeaudit.documents.compose import MAX_DEPTH
from kubeaudit.errors import UsageError

KEYS = st.text(max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=12)
    | st.sampled_from(["y", "off", "1:20", "0o17", "1e3", "~", "<<", "=", "2024-01-01", "- a", "a: b", "#", "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def read(text: str | bytes) -> list[Document | Problem]:
    return list(parse(text.encode() if isinstance(text, str) else text, "a.yaml"))


def value(text: str) -> object:
    (found,) = read(text)
    assert isinstance(found, Document), found
    return found.value


def problem(text: str | bytes) -> Problem:
    (found,) = read(text)
    assert isinstance(found, Problem), found
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True),
        ("y", True),
        ("On", True),
        ("n", False),
        ("OFF", False),
        ("yEs", "yEs"),
        ("", None),
        ("~", None),
        ("NULL", None),
        ("22:22", "22:22"),
        ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
        ("2001-12-14", "2001-12-14"),
        ("0755", 493),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000),
        (".5", 0.5),
        (".5_0", 0.5),
        ("._5", "._5"),
        ("1e400", "1e400"),
        ("18446744073709551615", 18446744073709551615),
        ("123456789012345678901", 123456789012345680000),
        ("0x10000000000000000", "0x10000000000000000"),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        ("'yes'", "yes"),
        ('"1"', "1"),
        ("!!str 1", "1"),
        ("!!int 3", 3),
        ("!own 1", "1"),
    ],
)
def test_scalars_are_those_of_go_yaml(text: str, expected: object) -> None:
    """The expected values were read with sigs.k8s.io/yaml 1.6.0."""
    found = value(f"k: {text}\n")
    assert found == {"k": expected}
    assert type(found["k"]) is type(expected)


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x [yes, 017, 'on', !!str 1]\nb: {<<: {c: 1}, d: *x}\n---\nk: [\n---\nk: |\n  1\n"
    with_libyaml = read(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    without = read(text)
    assert [found.value for found in without] == [found.value for found in with_libyaml]
    assert [type(found) for found in without] == [Document, Problem, Document]


def test_keys_become_strings() -> None:
    assert value("on: 1\n8080: 2\nno: 3\n1.50: 4\n") == {"true": 1, "8080": 2, "false": 3, "1.5": 4}


def test_merge_keys_yield_to_keys_that_are_spelled_out() -> None:
    text = "base: &b {x: 1, y1: 2}\none: {<<: *b, x: 3}\ntwo: {<<: [*b, {z: 4}]}\n"
    assert value(text) == {"base": {"x": 1, "y1": 2}, "one": {"x": 3, "y1": 2}, "two": {"x": 1, "y1": 2, "z": 4}}


def test_documents_are_numbered_and_know_their_first_line() -> None:
    text = (
        "# mine\n%YAML 1.2\n---\n\n# comment\nk: 1\n---\n---\n# nothing\n--- {k: 2}\n...\n--- # said\nk: 3\n...\nk: 4"
    )
    assert [(found.number, found.line, found.value) for found in read(text)] == [
        (1, 6, {"k": 1}),
        (2, 10, {"k": 2}),
        (3, 13, {"k": 3}),
        (4, 15, {"k": 4}),
    ]


def test_windows_line_ends_and_byte_order_marks_are_read() -> None:
    text = "k: 1\r\n---\r\nk: é\r\n"
    for encoded in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert [found.value for found in read(encoded)] == [{"k": 1}, {"k": "é"}]


def test_a_marker_inside_a_block_scalar_is_text() -> None:
    assert value("data: |\n  ---\n  x\n") == {"data": "---\nx\n"}


def test_net_12_a_broken_document_costs_none_of_the_others() -> None:
    """NET-12, REG-NET-26."""
    first, broken, last = read("k: 1\n---\nk: [1\nl: 2\n---\nk: 3\n")
    assert (first.value, last.value) == ({"k": 1}, {"k": 3})
    assert isinstance(broken, Problem)
    assert (broken.number, broken.line, broken.column) == (2, 4, 2)
    assert "did not find expected ',' or ']'" in broken.reason
    assert broken.text == b"k: [1\nl: 2\n"


def test_a_tab_is_named() -> None:
    found = problem("a:\n\tb: 1\n")
    assert (found.line, found.column) == (2, 1)
    assert found.reason.endswith("indent with spaces, not tabs")


def test_text_that_is_not_utf8_is_named_with_its_place() -> None:
    good, bad = read(b"k: 1\n---\nname: caf\xe9\n")
    assert good.value == {"k": 1}
    assert isinstance(bad, Problem)
    assert (bad.line, bad.column, bad.reason) == (3, 10, "not UTF-8: byte 0xe9")


def test_control_characters_are_refused() -> None:
    found = problem("k: 1\nl: \x07\n")
    assert found.line == 2
    assert found.reason.startswith("not YAML: control characters")


@pytest.mark.parametrize(
    "text",
    [
        "name: {{ .Values.name }}\n",
        "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
        '{{ include "x" . | nindent 2 }}\n',
    ],
)
def test_helm_templates_are_named(text: str) -> None:
    assert problem(text).reason == HELM


def test_braces_in_a_string_are_no_helm_template() -> None:
    assert value("a: 'x {{ $labels.y }}'\n") == {"a": "x {{ $labels.y }}"}


def test_a_key_given_twice_names_key_line_and_column() -> None:
    found = problem("kind: Pod\nspec:\n  a: 1\n  a: 2\n")
    assert (found.line, found.column, found.reason) == (4, 3, "key 'a' is given twice")
    assert found.value == {"kind": "Pod", "spec": {"a": 2}}


def test_keys_that_become_the_same_string_are_the_same_key() -> None:
    assert problem("on: 1\n'true': 2\n").reason == "key 'true' is given twice"


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_key_given_twice_costs_a_list_only_its_item(blank: str) -> None:
    text = '{"kind":"List","items":[{"a":1},{"b":1,"b":2},{"c":{"d":1,"d":2}}]}'.replace(",", "," + blank)
    (found,) = read(text)
    assert isinstance(found, Document)
    one, two, three = found.value["items"]
    assert one == {"a": 1}
    assert isinstance(two, Problem)
    assert (two.reason, two.value) == ("key 'b' is given twice", {"b": 2})
    assert isinstance(three, Problem)
    assert three.value == {"c": {"d": 2}}


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"a":{"b":[{"c":1,"c":2}]}}', '{"\\u0061":1,"a":2}'])
def test_json_with_a_key_given_twice_is_refused(text: str) -> None:
    assert "is given twice" in problem(text).reason


def test_json_in_another_spelling_is_no_duplicate() -> None:
    assert value('{"a": "\\u003cb\\u003e\\/", "b": 1.0e2, "c": "\\ud83d\\ude00"}') == {
        "a": "<b>/",
        "b": 100,
        "c": "\N{GRINNING FACE}",
    }


def test_json_documents_may_follow_each_other() -> None:
    found = read('{"a": 1}\n{"b": 2}{"c": 3, "c": 4}\n\n{"d": 5}\n')
    assert [(item.number, item.line) for item in found] == [(1, 1), (2, 2), (3, 2), (4, 4)]
    assert [item.value for item in found] == [{"a": 1}, {"b": 2}, {"c": 4}, {"d": 5}]
    assert isinstance(found[2], Problem)


def test_broken_json_after_whole_json_is_a_problem_of_its_own() -> None:
    whole, broken = read('{"a": 1}\n{"b": \n')
    assert whole.value == {"a": 1}
    assert isinstance(broken, Problem)
    assert (broken.number, broken.line) == (2, 3)


def test_flow_style_yaml_is_read() -> None:
    assert value("{a: 1, b: [x, y z,], # said\n}") == {"a": 1, "b": ["x", "y z"]}


def test_cyclic_aliases_are_refused() -> None:
    assert problem("a: &x\n  b: *x\n").reason == "alias *x lies inside what it stands for"


def test_unknown_aliases_are_refused() -> None:
    assert problem("a: *x\n").reason == "alias *x has no anchor"


def test_alias_bombs_are_refused_before_they_grow() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert problem("\n".join(lines)).reason.startswith("aliases stand for more than")
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 200)}]\n"
    assert problem(text).reason.startswith("aliases stand for more than")


def test_deep_nesting_is_refused() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert problem("- " * (MAX_DEPTH + 1)).reason == f"nested deeper than {MAX_DEPTH} levels"
    assert "maximum nesting depth" in problem("[" * 100_000 + "]" * 100_000).reason
    assert problem("- " * 100_000 + "x").reason == f"nested deeper than {MAX_DEPTH} levels"


@pytest.mark.parametrize("text", ["? [a]\n: 1\n", "? {a: 1}\n: 1\n", "~: 1\n"])
def test_keys_json_cannot_hold_are_refused(text: str) -> None:
    assert problem(text).reason.startswith("a key is")


@pytest.mark.parametrize("text", ["k: .nan\n", "k: -.inf\n", "k: !!float .inf\n", "k: !!binary aGk=\n", "k: !!int x\n"])
def test_values_json_cannot_hold_are_refused(text: str) -> None:
    assert problem(text).line == 1


def test_nulls_are_dropped_as_the_server_does() -> None:
    given_value = {"a": None, "b": {"c": None, "d": [None, {"e": None}]}, "matchLabels": {"app": None, "x": "y"}}
    assert drop_nulls(given_value, frozenset({"matchLabels"})) == {
        "b": {"d": [None, {}]},
        "matchLabels": {"app": "", "x": "y"},
    }


def test_marks_give_line_and_column_of_every_field() -> None:
    found, marks = compose_marked("# policy\nid: x\nspec:\n  rules:\n    - a: 1\n    - b: {c: 2}\n", "p.yaml")
    assert found == {"id": "x", "spec": {"rules": [{"a": 1}, {"b": {"c": 2}}]}}
    assert marks == {
        (): (2, 1),
        ("id",): (2, 1),
        ("spec",): (3, 1),
        ("spec", "rules"): (4, 3),
        ("spec", "rules", 0): (5, 7),
        ("spec", "rules", 0, "a"): (5, 7),
        ("spec", "rules", 1): (6, 7),
        ("spec", "rules", 1, "b"): (6, 7),
        ("spec", "rules", 1, "b", "c"): (6, 11),
    }
    assert place(marks, ("spec", "rules", 1, "absent", 3)) == (6, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "p.yaml:2:1: key 'a' is given twice"),
        ("a: [\n", "p.yaml:2:1: not YAML"),
        ("a: 1\n---\n\nb: 2\n", "p.yaml:4:1: expected one document, found 2"),
        ("# nothing\n", "p.yaml:1:1: expected one document, found 0"),
    ],
)
def test_a_text_that_is_not_one_document_is_a_usage_error(text: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        compose_marked(text, "p.yaml")
    assert caught.value.message.startswith(expected)


def test_dump_writes_blocks_and_keeps_the_order() -> None:
    text = dump({"spec": {"z": ["a", "yes"], "a": "l1\nl2\n", "y": 8080}})
    assert text == "spec:\n  z:\n  - a\n  - 'yes'\n  a: |\n    l1\n    l2\n  'y': 8080\n"


def test_dump_repeats_shared_values() -> None:
    shared = {"a": 1}
    assert dump([shared, shared]) == "- a: 1\n- a: 1\n"


@given(VALUES)
def test_what_is_dumped_reads_back(given_value: object) -> None:
    assert value("---\n" + dump(given_value) if given_value is None else dump(given_value)) == given_value


@given(VALUES.filter(lambda found: isinstance(found, dict | list)))
def test_yaml_and_json_give_the_same_values(given_value: object) -> None:
    text = json.dumps(given_value)
    assert value(text) == value(dump(given_value)) == value("--- \n" + json.dumps(given_value, indent=2)) == given_value


@given(st.binary(max_size=200))
def test_random_bytes_never_crash(text: bytes) -> None:
    for found in read(text):
        assert isinstance(found, Document | Problem)
        assert 1 <= found.line <= text.count(b"\n") + 2


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                ": ",
                "\n",
                "- ",
                "  ",
                "---",
                "...",
                "[",
                "]",
                "{",
                "}",
                ",",
                "&x ",
                "*x",
                "'",
                '"',
                "|",
                "#",
                "\t",
                "<<",
                "!",
                "%",
                "? ",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_random_yaml_never_crashes(text: str) -> None:
    for found in read(text):
        if isinstance(found, Document):
            json.dumps(found.value, allow_nan=False)
        else:
            assert math.isfinite(found.line)
