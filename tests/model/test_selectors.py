"""Selectors as masks against brute force (NET-17..20)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import InvalidSelectorError, bits_of, index, keys_of, mask_of

_keys, _values = st.sampled_from("abc"), st.sampled_from(("", "x", "y"))
_labels = st.dictionaries(_keys, _values)
_needs = st.one_of(
    st.builds(
        lambda k, o, v: Requirement(k, o, tuple(v)),
        _keys,
        st.sampled_from(("In", "NotIn")),
        st.lists(_values, min_size=1),
    ),
    st.builds(lambda k, o: Requirement(k, o), _keys, st.sampled_from(("Exists", "DoesNotExist"))),
)
_selectors = st.builds(lambda m, e: LabelSelector(m, tuple(e)), _labels, st.lists(_needs, max_size=3))


def matches(selector: LabelSelector, labels: dict[str, str]) -> bool:
    for need in selector.match_expressions:
        has = need.key in labels
        held = {
            "In": has and labels.get(need.key) in need.values,
            "NotIn": not has or labels[need.key] not in need.values,
            "Exists": has,
            "DoesNotExist": not has,
        }[need.operator]
        if not held:
            return False
    return selector.match_labels.items() <= labels.items()


@given(st.lists(_labels, max_size=9), _selectors)
def test_net_17_19_masks_equal_brute_force(things: list[dict[str, str]], selector: LabelSelector) -> None:
    wanted = [n for n, labels in enumerate(things) if matches(selector, labels)]
    assert bits_of(index(things).select(selector)) == wanted
    assert keys_of(selector) == {*selector.match_labels, *(r.key for r in selector.match_expressions)}


@given(st.sets(st.integers(0, 300)) | st.sets(st.integers(0, 20_000), max_size=40))
def test_masks_and_bits_are_inverse(positions: set[int]) -> None:
    assert bits_of(mask_of(positions)) == sorted(positions)


@pytest.mark.parametrize(
    "need",
    [
        Requirement("a", "In"),
        Requirement("a", "NotIn"),
        Requirement("a", "Exists", ("x",)),
        Requirement("a", "DoesNotExist", ("x",)),
        Requirement("a", "in", ("x",)),
        Requirement("a"),
    ],
)
def test_net_20_what_the_api_server_refuses_matches_nothing_silently(need: Requirement) -> None:
    with pytest.raises(InvalidSelectorError, match="key a"):
        index([{"a": "x"}]).select(LabelSelector(match_expressions=(need,)))
