"""Random policies of the Admin and Baseline tiers: few priorities, so that equal ones meet often."""

from typing import Any

from hypothesis import strategies as st

from .clusters import Object
from .worlds import selectors

_GROUP = "policy.networking.k8s.io"
_CIDRS = ("0.0.0.0/0", "10.1.0.0/16", "10.1.0.1/32", "172.18.0.0/16", "203.0.113.0/24", "::/0", "fd00:1::/64")
_NUMBERS = (53, 80, 8080)
_protocols = st.sampled_from(("TCP", "TCP", "UDP", "SCTP"))
_names = st.sampled_from(("http", "dns"))
_rarely = st.integers(0, 5).map(lambda found: found == 0)
_pod_peers = st.one_of(
    selectors.map(lambda found: {"namespaces": found}),
    st.builds(lambda one, other: {"pods": {"namespaceSelector": one, "podSelector": other}}, selectors, selectors),
)
_egress_peers = st.one_of(
    _pod_peers,
    selectors.map(lambda found: {"nodes": found}),
    st.lists(st.sampled_from(_CIDRS), min_size=1, max_size=2, unique=True).map(lambda found: {"networks": found}),
)
_alpha1_items = st.one_of(
    _names.map(lambda name: {"namedPort": name}),
    st.builds(lambda p, n: {"portNumber": {"protocol": p, "port": n}}, _protocols, st.sampled_from(_NUMBERS)),
    _protocols.map(lambda p: {"portRange": {"protocol": p, "start": 80, "end": 8080}}),
)
_destinations = st.one_of(
    st.just({}),
    st.sampled_from(_NUMBERS).map(lambda n: {"destinationPort": {"number": n}}),
    st.just({"destinationPort": {"range": {"start": 80, "end": 8080}}}),
)
_alpha2_items = st.one_of(
    _names.map(lambda name: {"destinationNamedPort": name}),
    st.builds(lambda p, to: {p: to}, st.sampled_from(("tcp", "tcp", "udp", "sctp")), _destinations),
)


@st.composite
def _rules(draw: st.DrawFn, actions: tuple[str, ...], may_name: tuple[str, ...], direction: str, word: str) -> Object:
    """A port name stands beside pods only; the API server refuses it beside other peers (NET-99).

    ``may_name`` are the actions beside which domain names may stand (NET-97).
    """
    rule: Object = {"action": draw(st.sampled_from(actions))}
    if draw(st.booleans()):
        items = _alpha1_items if word == "ports" else _alpha2_items
        rule[word] = draw(st.lists(items, min_size=1, max_size=2))
    with_names = any("namedPort" in item or "destinationNamedPort" in item for item in rule.get(word, ()))
    peers = _pod_peers if with_names or direction == "ingress" else _egress_peers
    rule["from" if direction == "ingress" else "to"] = draw(st.lists(peers, min_size=1, max_size=2))
    if direction == "egress" and not with_names and rule["action"] in may_name and draw(_rarely):
        rule["to"] = [{"domainNames": ["example.com"]}]
    return rule


@st.composite
def _policies(draw: st.DrawFn, number: int) -> Object:
    kind = draw(st.sampled_from(("AdminNetworkPolicy", "ClusterNetworkPolicy")))
    spec: dict[str, Any] = {"priority": draw(st.integers(0, 2))}
    if kind == "ClusterNetworkPolicy":
        spec["tier"] = draw(st.sampled_from(("Admin", "Baseline")))
    return _filled(draw, kind, f"{kind[:1].lower()}np-{number}", spec)


def _filled(draw: st.DrawFn, kind: str, name: str, spec: dict[str, Any]) -> Object:
    is_cluster = kind == "ClusterNetworkPolicy"
    actions: tuple[str, ...] = ("Accept" if is_cluster else "Allow", "Deny")
    if kind != "BaselineAdminNetworkPolicy":
        actions += ("Pass",)
    may_name = () if kind == "BaselineAdminNetworkPolicy" else actions[:1]
    spec["subject"] = draw(_pod_peers)
    for direction in ("ingress", "egress"):
        if draw(st.booleans()):
            rules = _rules(actions, may_name, direction, "protocols" if is_cluster else "ports")
            spec[direction] = draw(st.lists(rules, min_size=1, max_size=3))
    version = f"{_GROUP}/{'v1alpha2' if is_cluster else 'v1alpha1'}"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


@st.composite
def tier_policies(draw: st.DrawFn, most: int) -> list[Object]:
    """At least one, and perhaps the BaselineAdminNetworkPolicy."""
    found = [draw(_policies(number)) for number in range(draw(st.integers(1, most)))]
    if draw(st.booleans()):
        found.append(_filled(draw, "BaselineAdminNetworkPolicy", "default", {}))
    return found
