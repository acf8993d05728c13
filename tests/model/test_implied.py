"""What follows from a label selector (NET-18..20)."""

from itertools import product

import pytest
from hypothesis import given, strategies

from kubeaudit.model.implied import form, implies, known
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import InvalidSelectorError, check, index

KEYS, VALUES, FRESH = ("a", "b"), ("x", "y"), "z"
EVERY = [
    {key: value for key, value in zip(KEYS, values, strict=True) if value}
    for values in product(("", *VALUES, FRESH), repeat=len(KEYS))
]
TERMS = strategies.one_of(
    strategies.builds(
        Requirement,
        strategies.sampled_from(KEYS),
        strategies.sampled_from(("In", "NotIn")),
        strategies.lists(strategies.sampled_from(VALUES), min_size=1, max_size=2).map(tuple),
    ),
    strategies.builds(Requirement, strategies.sampled_from(KEYS), strategies.sampled_from(("Exists", "DoesNotExist"))),
)
SELECTORS = strategies.builds(
    LabelSelector,
    strategies.dictionaries(strategies.sampled_from(KEYS), strategies.sampled_from(VALUES), max_size=1),
    strategies.lists(TERMS, max_size=3).map(tuple),
)


@given(SELECTORS, SELECTORS)
def test_a_selector_follows_where_all_that_one_matches_matches_the_other(
    one: LabelSelector, other: LabelSelector
) -> None:
    labels = index(EVERY)
    matched = labels.select(one)
    assert (not matched) is any(fact.is_void for fact in known(one).values())
    if matched:
        assert implies(known(one), other) is (matched & ~labels.select(other) == 0)


def test_spellings_of_one_selector_have_one_form() -> None:
    spelt = LabelSelector(match_expressions=(Requirement("a", "In", ("x",)), Requirement("b", "In", ("y", "x", "y"))))
    assert form(spelt) == form(LabelSelector({"a": "x"}, (Requirement("b", "In", ("x", "y")),)))


@pytest.mark.parametrize(
    "selector",
    [
        LabelSelector({"app": "$backend"}),
        LabelSelector({"app": "x" * 64}),
        LabelSelector({"-app": "x"}),
        LabelSelector({"Not.A.Domain/app": "x"}),
        LabelSelector(match_expressions=(Requirement("app", "NotIn", ("a b",)),)),
        LabelSelector(match_expressions=(Requirement("a/b/c", "Exists"),)),
    ],
)
def test_net_20_keys_and_values_that_no_label_may_have(selector: LabelSelector) -> None:
    with pytest.raises(InvalidSelectorError, match="is no label"):
        check(selector)


def test_keys_and_values_of_labels() -> None:
    check(LabelSelector({"app.kubernetes.io/name": "A_b.c-d", "x": "", "y": "x" * 63}))
