"""LP-06, LP-07, LP-11: the least role, from the policies and the kinds table."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from factory import shipped

from kubeaudit import data, snapshot
from kubeaudit.findings import CheckResult, Run, Tool
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, RBAC, WORKLOADS
from kubeaudit.model.completeness import NAMED
from kubeaudit.policy.role import Need, beyond, missing, needs, resources, roles
from kubeaudit.policy.schema import Policy
from kubeaudit.scan import scan
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome, Snapshot

DEPLOY = Path(__file__).parents[2] / "deploy" / "rbac.yaml"
PODS, NODES = Need("list", "", "pods"), Need("list", "", "nodes")


def policy(name: str) -> Policy:
    return shipped()[name]


def chosen(*names: str) -> tuple[Policy, ...]:
    return tuple(policy(name) for name in names)


def known() -> tuple[Policy, ...]:
    return tuple(shipped().values())


def test_lp_11_without_a_selection_it_is_the_role_that_ships() -> None:
    documents = yaml.safe_load_all(DEPLOY.read_text("utf-8"))
    ships = [item for item in documents if item["kind"] in ("Role", "ClusterRole")]
    assert list(roles(needs(known(), known()))) == ships


def test_lp_11_every_kind_is_listed_and_every_named_configmap_read() -> None:
    wanted = needs(known(), known())
    assert {(each.group, each.resource) for each in wanted if each.verb == "list"} == {
        (kind.group, kind.resource) for kind in KINDS
    }
    assert {(each.namespace, each.name) for each in wanted if each.verb == "get"} == set(NAMED_CONFIGMAPS)
    assert {each.verb for each in wanted} == {"list", "get"}


def test_lp_06_a_selection_needs_what_its_policies_require() -> None:
    wanted = needs(known(), chosen("rbac-wildcard"))
    assert {each.key for each in wanted} == {"namespaces", *RBAC}
    wanted = needs(known(), chosen("pod-host-pid"))
    assert {each.key for each in wanted} == {"namespaces", *WORKLOADS}


def test_lp_06_policies_that_are_off_do_not_make_a_selection_whole() -> None:
    on = [each for each in known() if each.default == "on"]
    assert needs(known(), on) == needs(known(), known())
    assert needs(known(), on[1:]) != needs(known(), on)


def test_lp_07_a_role_of_a_namespace_has_its_kinds_only() -> None:
    wanted = needs(known(), known(), ("shop", "kube-public"))
    assert {each.namespace for each in wanted} == {"shop", "kube-public"}
    namespaced = {(kind.group, kind.resource) for kind in KINDS if kind.namespaced}
    assert {(each.group, each.resource) for each in wanted if each.namespace == "shop"} == namespaced
    assert [each.name for each in wanted if each.verb == "get"] == ["cluster-info"]
    made: list[dict[str, Any]] = list(roles(wanted))
    assert [(role["kind"], role["metadata"]["namespace"], role["metadata"]["name"]) for role in made] == [
        ("Role", "shop", "kubeaudit-reader"),
        ("Role", "kube-public", "kubeaudit-reader"),
        ("Role", "kube-public", "kubeaudit-configmaps"),
    ]


def test_lp_07_policies_that_need_the_whole_cluster() -> None:
    assert beyond(chosen("pod-host-pid", "rbac-wildcard", "net-allow-all")) == ("rbac-wildcard", "net-allow-all")


def test_groups_share_a_rule_only_with_equal_resources_verbs_and_names() -> None:
    a, b, c = Need("list", "a", "x"), Need("list", "b", "x"), Need("list", "c", "y")
    (role,) = roles([a, b, c, Need("get", "c", "y")])
    assert role["rules"] == [
        {"apiGroups": ["a", "b"], "verbs": ["list"], "resources": ["x"]},
        {"apiGroups": ["c"], "verbs": ["list"], "resources": ["y"]},
        {"apiGroups": ["c"], "verbs": ["get"], "resources": ["y"]},
    ]


def test_lp_06_what_is_missing_names_the_policies_it_costs() -> None:
    selected = chosen("pod-host-pid", "exp-node-external-ip", "rbac-wildcard")
    (lack,) = missing([NODES], selected)
    assert (lack.need, lack.policies, lack.enables) == (NODES, ("exp-node-external-ip",), ("exp-node-external-ip",))
    both = missing([PODS, NODES], selected)
    assert [(each.policies, each.enables) for each in both] == [
        (("pod-host-pid", "exp-node-external-ip"), ("pod-host-pid",)),
        (("exp-node-external-ip",), ()),
    ]
    config = Need("get", "", CONFIGMAPS, "kube-system", "coredns")
    hit = missing([config], known())[0].policies
    assert set(hit) == {each.id for each in known() if NAMED in resources(each)} and hit


def test_a_need_speaks_as_kubectl_auth_can_i_does() -> None:
    assert str(NODES) == "list nodes"
    assert str(Need("list", "apps", "deployments", "shop")) == "list deployments.apps -n shop"
    assert str(Need("get", "", CONFIGMAPS, "kube-system", "coredns")) == "get configmaps/coredns -n kube-system"


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return snapshot.read(Path(str(data.file("demo.kubeaudit"))))


@pytest.fixture(scope="module")
def whole(demo: Snapshot) -> dict[str, CheckResult]:
    """What a scan that read everything says."""
    return {check.id: check for check in judged(demo, *known())}


def judged(of: Snapshot, *policies: Policy) -> tuple[CheckResult, ...]:
    tool = Tool("kubeaudit", "0", "shipped", "")
    return scan(of, policies, Settings(), Run(tool=tool, start="", end="", duration=0.0, source="live")).checks


@pytest.mark.parametrize("name", sorted(shipped()))
def test_lp_06_the_role_of_a_policy_is_enough_for_its_verdict(
    demo: Snapshot, whole: dict[str, CheckResult], name: str
) -> None:
    """On the demo cluster, with everything else refused: verdict, counts and what is missing stay the same."""
    readable = {CONFIGMAPS if each.key == NAMED else each.key for each in needs(known(), chosen(name))}
    refused = {"outcome": Outcome.REFUSED, "count": 0, "status": 403}
    reads = tuple(
        read if read.resource in readable else msgspec.structs.replace(read, **refused) for read in demo.reads
    )
    frames = tuple(frame for frame in demo.frames if frame.resource in readable)
    (few,) = judged(msgspec.structs.replace(demo, reads=reads, frames=frames), policy(name))
    assert (few.verdict, few.counts, few.unseen) == (whole[name].verdict, whole[name].counts, whole[name].unseen)
