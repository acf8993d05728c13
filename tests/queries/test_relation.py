"""The relation in groups: covers, filters, flat forms and the exposure of workloads (AGG-1..9)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeaudit.errors import UsageError
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.relation import Row
from kubeaudit.proof import State
from kubeaudit.queries.covers import covers
from kubeaudit.queries.ends import end
from kubeaudit.queries.pairs import by_policies
from kubeaudit.queries.relation import Filter, Group, flat, relation
from tests.factory import deployment, namespace, node, policy
from tests.network.loading import load
from tests.network.naive.world import World
from tests.network.worlds import worlds

from .connections import B, R, U, context, of, pod

ALLOW_WEB = policy(
    "api",
    podSelector={"matchLabels": {"app": "api"}},
    ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80}]}],
)
SHOP = [namespace(), namespace("data"), pod("web"), pod("api"), pod("db", "data"), ALLOW_WEB]
WEB, API, DB = "shop/web[Pod]", "shop/api[Pod]", "data/db[Pod]"
ALL = (("TCP", 1, 65535), ("UDP", 1, 65535), ("SCTP", 1, 65535))


def _groups(found: Any, **asked: Any) -> set[tuple[Any, ...]]:
    return {(g.sources, g.targets, g.ports, g.state) for g in relation(found, Filter(**asked)).groups}


def test_sources_and_then_destinations_are_grouped() -> None:
    """AGG-2, AGG-4: equal rows are one group; ports are merged."""
    assert _groups(context(*SHOP)) == {
        ((WEB,), (API,), (("TCP", 80, 80),), R),
        (("all pods",), (DB, WEB), ALL, R),
        (("0.0.0.0/0",), (DB, WEB), ALL, R),
        (("all pods",), ("0.0.0.0/0",), ALL, R),
    }


def test_groups_name_the_rules_that_decide() -> None:
    """AGG-7: the explanation is data."""
    (group,) = (g for g in relation(context(*SHOP), Filter()).groups if g.targets == (API,))
    assert [(str(d.policy), d.path) for d in group.by] == [
        ("NetworkPolicy shop/api", ("spec", "ingress", 0, "from", 0))
    ]
    assert group.basis == ("default_allow", "policy")


def test_an_exemption_is_the_basis_of_what_no_policy_lets_pass() -> None:
    """NET-44, NET-45: a pod of the host network reaches the isolated pods of its node."""
    agent = pod("agent", "data", hostNetwork=True, ip="10.0.0.1")
    found = context(namespace(), node("n1"), agent, pod("web"), policy("deny"))
    (group,) = (g for g in relation(found, Filter()).groups if g.targets == (WEB,))
    assert (group.sources, group.basis, group.by) == (("data/agent[Pod]",), ("spec_exception",), ())


def test_filters() -> None:
    """AGG-6: workload, peer, namespace, direction, port and state."""
    found = context(*SHOP)
    assert _groups(found, source=end(found, "shop/web"), target=end(found, "shop/api")) == {
        ((WEB,), (API,), (("TCP", 80, 80),), R)
    }
    assert _groups(found, source=end(found, "internet"), ports=(("TCP", 443, 443),)) == {
        (("internet",), (DB, WEB), (("TCP", 443, 443),), R)
    }
    assert _groups(found, namespaces=("data",), direction="ingress") == {
        (("all pods",), (DB,), ALL, R),
        (("0.0.0.0/0",), (DB,), ALL, R),
    }
    assert _groups(found, namespaces=("data",), direction="egress") == {
        ((DB,), (DB, WEB), ALL, R),
        ((DB,), ("0.0.0.0/0",), ALL, R),
    }
    assert _groups(found, target=end(found, "shop/api"), states=(B,), ports=(("TCP", 80, 80),)) == {
        ((DB, API), (API,), (("TCP", 80, 80),), B),
        (("0.0.0.0/0",), (API,), (("TCP", 80, 80),), B),
    }
    assert _groups(found, source=end(found, "203.0.113.9"), ports=(("TCP", 443, 443),)) == {
        (("203.0.113.9/32",), (DB, WEB), (("TCP", 443, 443),), R)
    }
    rows = flat(found, Filter(target=end(found, "10.0.0.0/9"), source=end(found, "shop/api")))
    assert {row.target for row in rows} == {"10.0.0.0/9"}
    assert {group[1] for group in _groups(found, basis=("policy",))} == {(API,)}
    with pytest.raises(UsageError, match="no namespace cart"):
        relation(found, Filter(namespaces=("cart",)))


def test_a_namespace_filter_states_every_connection_once() -> None:
    found = context(*SHOP)
    rows = list(flat(found, Filter(namespaces=("shop",))))
    assert len(rows) == len(set(rows))
    ends = {row for row in flat(found, Filter()) if "shop/" in row.source + row.target}
    assert set(rows) == ends


def test_icmp_is_listed_where_it_is_asked_for() -> None:
    """NET-34: for a pod that rules with ports isolate it is not known."""
    found = context(*SHOP)
    asked = Filter(target=end(found, "shop/api"), ports=(("ICMP", 0, 0),))
    groups = {(g.sources, g.ports, g.state) for g in relation(found, asked).groups}
    assert groups == {(sources, (("ICMP", 0, 0),), U) for sources in (("all pods",), ("0.0.0.0/0",))}
    rows = list(flat(found, asked))
    assert {(row.protocol, row.state) for row in rows} == {("ICMP", U)} and len(rows) == relation(found, asked).rows


def test_flat_rows_are_refused_above_a_limit_with_their_number() -> None:
    """AGG-6."""
    found = context(*SHOP)
    number = relation(found, Filter()).rows
    assert len(list(flat(found, Filter()))) == number == 3 * (6 + 2 + 3) + 1
    with pytest.raises(UsageError, match=f"has {number} rows, more than {number - 1}"):
        flat(found, Filter(), number - 1)
    rows = list(flat(found, Filter(ports=(("TCP", 443, 443),), target=end(found, "data/db"))))
    assert Row(WEB, DB, "IPv4", "TCP", 443, 443, R) in rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), mask=st.integers(0, 63))
def test_a_cover_names_the_set_and_nothing_else(world: World, mask: int) -> None:
    """AGG-2."""
    cluster = load(world).cluster
    named = covers(cluster)
    mask &= (1 << len(cluster.classes)) - 1
    meant = {name: found for found, name in named.exact.items()} | {
        name: 1 << cls for cls, name in enumerate(named.names)
    }
    found = 0
    for name in named.of(mask):
        found |= meant[name]
    assert found == mask
    assert len(set(named.names)) == len(named.names)


def test_parts_of_a_workload_are_told_apart_by_what_differs() -> None:
    """AGG-1."""
    owner = deployment("web")
    parts = [pod(f"web-{n}", owner=owner, labels={"app": "web", "track": n}) for n in ("stable", "canary")]
    canary = policy("canary", podSelector={"matchLabels": {"track": "canary"}})
    names = {found.workload for found in relation(context(owner, *parts, canary), Filter()).workloads}
    assert names == {"shop/web[Deployment] (track=canary)", "shop/web[Deployment] (track=stable)"}


def _exposure(found: Any, workload: str) -> Any:
    return next(each for each in relation(found, Filter()).workloads if each.workload == workload)


def test_exposures_say_who_reaches_a_workload_and_where_it_can_go() -> None:
    """AGG-9."""
    found = context(*SHOP)
    api, web = _exposure(found, API), _exposure(found, WEB)
    assert (api.reached_from, api.open) == (("own namespace",), ("egress",))
    assert (web.reached_from, web.open) == (
        ("internet", "private addresses", "whole cluster"),
        ("ingress", "egress"),
    )
    assert web.reaches == ("internet", "private addresses", "whole cluster")
    assert _exposure(context(*SHOP, policy("deny")), WEB).reached_from == ("nobody",)
    assert _exposure(found, DB).reaches == ("internet", "private addresses", "namespace shop", "own namespace")


def test_exposures_say_what_is_not_known_and_why() -> None:
    """AGG-9: a policy kind that may not be listed."""
    from kubeaudit.snapshot import Outcome

    unread = {"networkpolicies.networking.k8s.io": Outcome.REFUSED}
    found = _exposure(context(pod("web"), pod("api"), outcomes=unread), WEB)
    assert (found.reached_from, found.maybe_from[0]) == (("nobody",), "internet")
    assert {item.resource for item in found.unknown} == {"networkpolicies.networking.k8s.io"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_exposures_are_what_single_questions_answer(world: World) -> None:
    """AGG-9 against ``connect`` and ``from_internet`` on every port where a verdict may change."""
    reach = load(world)
    cluster = reach.cluster
    said = {each.workload: each for each in relation(of(cluster, reach.cni), Filter()).workloads}
    ports = [(protocol, start) for protocol, starts in reach.judge.ports.starts.items() for start in starts]
    for cls in cluster.classes:
        found = said[covers(cluster).names[cls.index]]
        internet = {reach.from_internet(cls.index, *at).state for at in ports}
        if cls.families:
            assert ("internet" in found.reached_from) is (R in internet)
        spaces = set()
        for other in cluster.classes:
            for family in ("IPv4", "IPv6"):
                for at in ports:
                    if other is cls:
                        state = by_policies(reach, cls.index, cls.index, (*at, at[1]), family).state
                    else:
                        state = reach.connect(other.index, cls.index, *at, family).state
                    if state is State.YES:
                        spaces.add(other.namespace)
        words = set(found.reached_from) - {"internet", "private addresses", "nobody"}
        if words == {"whole cluster"}:
            assert spaces | {cls.namespace} == {other.namespace for other in cluster.classes}
        else:
            assert ("own namespace" in words) is (cls.namespace in spaces)
            assert len(words - {"own namespace"}) == bool(spaces - {cls.namespace})


def test_groups_are_the_flat_rows() -> None:
    """AGG-5: both forms state the same."""
    found = context(*SHOP)
    rows = set(flat(found, Filter()))
    named = covers(found.cluster)
    meant = {name: [named.names[cls] for cls in bits_of(mask)] for mask, name in named.exact.items()}
    told = set()
    for group in relation(found, Filter()).groups:
        told |= set(_rows(group, meant))
    assert told == rows


def _rows(group: Group, meant: dict[str, list[str]]) -> Any:
    for family in group.families:
        for protocol, first, last in group.ports:
            for source in (name for text in group.sources for name in meant.get(text, [text])):
                for target in (name for text in group.targets for name in meant.get(text, [text])):
                    yield Row(source, target, family, protocol, first, last, group.state)
