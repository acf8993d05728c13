"""Absence is evidence only where the whole list was read (CHK-02, CHK-05, EXP-33)."""

import pytest
from factory import snapshot

from kubeaudit.model.completeness import completeness
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot

PODS, CILIUM = "pods", "ciliumnetworkpolicies.cilium.io"
OK, REFUSED, NOT_SERVED = Outcome.COMPLETE, Outcome.REFUSED, Outcome.NOT_SERVED


def gap(reads: dict[str, Outcome], resource: str = PODS, namespace: str = "") -> str | None:
    made = Snapshot(
        Header("0", "live", "", ""), tuple(Read(resource, scope, outcome) for scope, outcome in reads.items()), ()
    )
    found = completeness(made).gap(resource, namespace)
    return f"{found.reason}@{found.scope}" if found else None


@pytest.mark.parametrize(
    ("reads", "namespace", "wanted"),
    [
        ({"": OK}, "", None),
        ({"": OK}, "a", None),
        ({"": NOT_SERVED}, "a", None),
        ({"": REFUSED}, "", "forbidden@"),
        ({"": REFUSED}, "a", "forbidden@"),
        ({"": Outcome.UNAUTHORIZED}, "", "unauthorized@"),
        ({"": Outcome.FAILED}, "", "read-incomplete@"),
        ({"": Outcome.PARTIAL}, "", "read-incomplete@"),
        ({"": Outcome.NOT_ASKED}, "", "opt-in@"),
        ({"": Outcome.ABSENT}, "", "file-not-visible@"),
        ({"": REFUSED, "a": OK}, "a", None),
        ({"": REFUSED, "a": OK}, "b", "forbidden@"),
        ({"": REFUSED, "a": OK}, "", "forbidden@"),
        ({"": REFUSED, "a": Outcome.FAILED}, "a", "forbidden@"),
        ({"a": OK}, "a", None),
        ({"a": OK}, "b", "opt-in@b"),
        ({"a": OK}, "", "opt-in@"),
        ({}, "", "opt-in@"),
    ],
)
def test_gaps(reads: dict[str, Outcome], namespace: str, wanted: str | None) -> None:
    assert gap(reads, PODS, namespace) == wanted


def test_chk_05_a_custom_kind_nobody_asked_for_is_not_served() -> None:
    assert gap({}, CILIUM) is None
    assert gap({"": REFUSED}, CILIUM) == "forbidden@"
    assert gap({"a": OK}, CILIUM, "b") == "opt-in@b", "read in one namespace is not read in another"


def test_named_config_maps_are_one_entry() -> None:
    assert completeness(snapshot([])).gap("configmaps(named)") is None
    found = completeness(snapshot([], {"configmaps": REFUSED})).gap("configmaps(named)")
    assert found is not None and found.reason == "forbidden"


def test_served_and_first_gap() -> None:
    found = completeness(snapshot([], {"nodes": REFUSED, CILIUM: NOT_SERVED}))
    assert found.served("nodes") and not found.served(CILIUM) and not found.served("nonsense")
    first = found.first_gap(["pods", "nodes"])
    assert first is not None and first.resource == "nodes" and found.first_gap(["pods"]) is None
