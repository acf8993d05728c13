"""The table of kinds that are read (report.md section 8)."""

import pytest
from factory import shipped

from kubeaudit.kinds import KINDS, NAMED_CONFIGMAPS, RBAC, WORKLOADS, by_api_kind, by_key, expand


def test_rows_are_told_apart_by_key_and_by_kind() -> None:
    assert len(by_key()) == len(by_api_kind()) == len(KINDS)
    for kind in KINDS:
        assert kind.versions and kind.why and not kind.why.endswith("."), kind.key
        assert by_key()[kind.key] is by_api_kind()[kind.group, kind.kind] is kind


def test_chk_36_secrets_are_not_in_the_table() -> None:
    assert not [kind for kind in KINDS if kind.resource == "secrets"]
    assert not [kind for kind in KINDS if kind.resource == "configmaps"], "only the named ones are read, one by one"
    assert all(space.startswith("kube-") for space, _ in NAMED_CONFIGMAPS)


@pytest.mark.parametrize("mark", ["policy", "expose", "route"])
def test_marks_are_spelled_out(mark: str) -> None:
    found = expand((f"@{mark}",))
    assert set(found) == {kind.key for kind in KINDS if mark in kind.marks} and found
    assert set(expand(("@route",))) <= set(expand(("@expose",)))


def test_expand_keeps_order_and_drops_repeats() -> None:
    assert expand(("nodes", "@rbac", "roles.rbac.authorization.k8s.io", "nodes")) == ("nodes", *RBAC)
    assert expand(()) == ()


def test_workloads_and_rbac_are_rows() -> None:
    assert set(WORKLOADS) | set(RBAC) <= set(by_key())


def test_every_requirement_of_a_shipped_policy_is_a_row() -> None:
    known = {*by_key(), "configmaps(named)"}
    for policy in shipped().values():
        assert set(expand(policy.requires)) <= known, policy.id
