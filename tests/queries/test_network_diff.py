"""What a change opens and closes, and which policy did it (AGG-8)."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach
from kubeaudit.proof import RANK, State
from kubeaudit.queries.network_diff import ChangedRow, Kind, difference, flat
from kubeaudit.queries.pairs import by_policies
from tests.factory import deployment, namespace, policy
from tests.network.asking import is_end
from tests.network.loading import load
from tests.network.naive.world import World
from tests.network.worlds import ADDRESSES, PORTS, worlds

from .connections import B, R, U, context, of, pod

WEB, API, DB = "shop/web[Pod]", "shop/api[Pod]", "data/db[Pod]"
SHOP = [namespace(), namespace("data"), pod("web"), pod("api"), pod("db", "data")]


def _allow(*peers: Any, port: int = 80) -> Any:
    selector = {"matchLabels": {"app": "api"}}
    return policy("api", podSelector=selector, ingress=[{"from": list(peers), "ports": [{"port": port}]}])


FROM_WEB, FROM_ANY = {"podSelector": {"matchLabels": {"app": "web"}}}, {"namespaceSelector": {}}


def _said(old: Context, new: Context) -> set[tuple[Any, ...]]:
    return {(c.kind, c.sources, c.targets, c.ports, c.causes) for c in difference(old, new).changes}


def test_one_changed_policy_opens_exactly_these_pairs() -> None:
    old, new = context(*SHOP, _allow(FROM_WEB)), context(*SHOP, _allow(FROM_ANY))
    changed = ("NetworkPolicy shop/api changed",)
    assert _said(old, new) == {(Kind.ADDED, (DB, API), (API,), (("TCP", 80, 80),), changed)}
    assert _said(new, old) == {(Kind.REMOVED, (DB, API), (API,), (("TCP", 80, 80),), changed)}
    assert (difference(old, new).opens, difference(new, old).opens) == (True, False)


def test_only_the_policy_that_did_it_is_named() -> None:
    """A policy that changed and decides nothing here is not a cause."""
    other = policy("db", "data", egress=[], policyTypes=["Egress"])
    old = context(*SHOP, _allow(FROM_WEB), policy("db", "data", policyTypes=["Egress"], egress=[{}]))
    found = difference(old, context(*SHOP, _allow(FROM_ANY), other))
    assert {str(each.policy) for each in found.policies} == {"NetworkPolicy shop/api", "NetworkPolicy data/db"}
    opened = [change for change in found.changes if change.opens]
    assert [(change.sources, change.causes) for change in opened] == [((API,), ("NetworkPolicy shop/api changed",))]


def test_a_moved_port_is_closed_and_opened() -> None:
    """Ports are compared on the common refinement of both cuts."""
    old, new = context(*SHOP, _allow(FROM_WEB)), context(*SHOP, _allow(FROM_WEB, port=81))
    changed = ("NetworkPolicy shop/api changed",)
    assert _said(old, new) == {
        (Kind.REMOVED, (WEB,), (API,), (("TCP", 80, 80),), changed),
        (Kind.ADDED, (WEB,), (API,), (("TCP", 81, 81),), changed),
    }


def test_address_ranges_are_compared_on_the_common_refinement() -> None:
    """AGG-3, AGG-8."""
    blocks = [_allow({"ipBlock": {"cidr": cidr}}) for cidr in ("203.0.112.0/24", "203.0.112.0/23")]
    old, new = (context(*SHOP, found) for found in blocks)
    changed = ("NetworkPolicy shop/api changed",)
    assert _said(old, new) == {(Kind.ADDED, ("203.0.113.0/24",), (API,), (("TCP", 80, 80),), changed)}


def test_policies_that_come_and_go_are_the_causes() -> None:
    bare, closed = context(*SHOP), context(*SHOP, policy("deny", "data"))
    closes = difference(bare, closed)
    assert {c.causes for c in closes.changes} == {("NetworkPolicy data/deny added",)}
    assert {c.kind for c in closes.changes} == {Kind.REMOVED}
    opens = difference(closed, bare)
    assert {c.causes for c in opens.changes} == {("NetworkPolicy data/deny removed",)}
    assert opens.opens


def test_a_workload_that_comes_or_goes_is_the_cause() -> None:
    """AGG-8."""
    old, new = context(*SHOP[:-1], policy("deny")), context(*SHOP, policy("deny"))
    found = difference(old, new)
    assert (found.workloads_added, found.workloads_removed) == ((DB,), ())
    assert {c.causes for c in found.changes} == {(f"workload {DB} added",)}
    assert all(c.before == () and c.opens for c in found.changes)
    back = difference(new, old)
    assert (back.workloads_removed, back.opens) == ((DB,), False)


def test_labels_and_the_plugin_are_causes_where_no_policy_changed() -> None:
    old = context(*SHOP, _allow(FROM_WEB))
    relabelled = [namespace(), namespace("data"), pod("web", labels={"app": "cart"}), *SHOP[3:]]
    found = difference(old, context(*relabelled, _allow(FROM_WEB)))
    assert [(c.kind, c.causes) for c in found.changes] == [(Kind.REMOVED, (f"labels or ports of {WEB} changed",))]
    unenforced = difference(old, context(*SHOP, _allow(FROM_WEB), plugin=profile("none")))
    assert unenforced.opens
    assert {cause.partition(":")[0] for c in unenforced.changes for cause in c.causes} == {"network plugin"}


def test_a_part_of_a_workload_that_opens_is_not_hidden_by_the_rest() -> None:
    """Pods of one workload may differ: what some can do now and could not before is opened."""
    owner = deployment("web")
    parts = [pod(f"web-{n}", owner=owner, labels={"app": "web", "track": n}) for n in ("a", "b")]
    some = _allow({"podSelector": {"matchLabels": {"app": "web", "track": "a"}}})
    old, new = (context(namespace(), owner, *parts, pod("api"), found) for found in (some, _allow(FROM_WEB)))
    (change,) = difference(old, new).changes
    assert (change.before, change.after, change.opens, change.kind) == ((R, B), (R,), True, Kind.CHANGED)


def test_unknown_becoming_reachable_is_opened() -> None:
    """An unknown is no pass, and no reachable either."""
    nameless = profile("aws-vpc-cni", enforces=None)
    from msgspec import structs

    from kubeaudit.settings import Fact

    doubtful = structs.replace(nameless, enforces=Fact.UNKNOWN)
    old, new = (context(*SHOP, found, plugin=doubtful) for found in (_allow(FROM_WEB), _allow(FROM_ANY)))
    (change,) = difference(old, new).changes
    assert (change.before, change.after, change.opens, change.kind) == ((U,), (R,), True, Kind.CHANGED)


def test_equal_states_have_no_difference() -> None:
    found = difference(context(*SHOP, _allow(FROM_WEB)), context(*SHOP, _allow(FROM_WEB)))
    assert (found.changes, found.policies, found.opens) == ((), (), False)


def test_flat_rows_are_refused_above_a_limit() -> None:
    """AGG-6."""
    old, new = context(*SHOP, _allow(FROM_WEB)), context(*SHOP, _allow(FROM_ANY))
    assert len(list(flat(old, new, 2))) == 2
    try:
        list(flat(old, new, 1))
    except UsageError as error:
        assert "2 rows, more than 1" in error.message
    else:
        raise AssertionError("not refused")


def _states(reach: Reach, workload: str, other: str, at: tuple[str, int], family: str) -> tuple[State, ...]:
    """The states between the pods of two workloads, or of one and an address; ``other`` opens the connection."""
    classes, found = reach.cluster.classes, set()
    mine = [c.index for c in classes if _name(reach, c.workload) == workload]
    for cls in mine:
        if other[0].isdigit() or ":" in other:
            if not classes[cls].families or family in classes[cls].families:
                found.add(reach.ingress(other, cls, *at).state)
            continue
        for source in (c.index for c in classes if _name(reach, c.workload) == other):
            having = [classes[c].families for c in (source, cls)]
            if any(known and family not in known for known in having):
                continue
            if source == cls:
                found.add(by_policies(reach, cls, cls, (*at, at[1]), family).state)
            else:
                found.add(reach.connect(source, cls, *at, family).state)
    return tuple(sorted(found, key=lambda state: -RANK[state]))


def _name(reach: Reach, workload: int) -> str:
    ref = reach.cluster.workloads[workload].ref
    return f"{ref.namespace}/{ref.name}[{ref.kind}]"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), other=worlds(), same=st.booleans())
def test_differences_are_those_of_single_questions(world: World, other: World, same: bool) -> None:
    """Every pair of workloads and every address, on every port: a row where the states differ, none where they do not.

    Pods may be the same or others; nodes are the same, so their addresses are left out (NET-44).
    """
    after = replace(other, plugin=world.plugin, pods=world.pods if same else other.pods)
    old, new = load(world), load(after)
    rows = list(flat(of(old.cluster, old.cni), of(new.cluster, new.cni), 1_000_000))
    names = sorted({_name(reach, c.workload) for reach in (old, new) for c in reach.cluster.classes})
    for family in ("IPv4", "IPv6"):
        of_family = (a for a in ADDRESSES if (":" in a) == (family == "IPv6"))
        outside = [a for a in of_family if not a.startswith(("172.18.", "fd00:18:"))]
        for at in PORTS:
            for target in names:
                for source in (*names, *outside):
                    before, now = (_states(reach, target, source, at, family) for reach in (old, new))
                    found = {(row.before, row.after) for row in rows if _is_about(row, source, target, family, at)}
                    differ = before != now and {*before, *now} != {B}
                    assert found == ({(before, now)} if differ else set()), (source, target, at, family)


def _is_about(row: ChangedRow, source: str, target: str, family: str, at: tuple[str, int]) -> bool:
    if (row.target, row.family, row.protocol) != (target, family, at[0]) or not row.first <= at[1] <= row.last:
        return False
    return row.source == source or ("[" not in row.source + source and is_end(row.source, source))
