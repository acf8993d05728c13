"""Random objects of Calico."""

from typing import Any

from hypothesis import strategies as st

from .clusters import Object
from .worlds import SPACES, labels

_NETS = ("0.0.0.0/0", "10.1.0.0/16", "10.1.0.1", "172.18.0.0/16", "203.0.113.0/25", "::/0", "fd00:1::/64", "fd00:1::1")
_BY_VERSION = {4: _NETS[:5], 6: _NETS[5:]}
_TIERS = ("first", "second", "default", "gone")
GROUPS = ("projectcalico.org/v3", "crd.projectcalico.org/v1")
_ORDERS = ((1, 2), (2, 1), (2_000_000, None), (None, 1_000_000), (1_000_000, 3), (1_000, 1_000), (20_000_000, 5_000))
_IN_PROFILES = ("Allow", "Deny", "Log")

_keys, _values = st.sampled_from(("app", "tier")), st.sampled_from(("a", "b", ""))
_operators = st.sampled_from(("==", "!=", "contains", "starts with", "ends with"))
_lists = st.lists(st.sampled_from(("'a'", "'b'")), max_size=2).map(", ".join)
_simple = st.one_of(
    st.builds(lambda key, operator, value: f"{key} {operator} '{value}'", _keys, _operators, _values),
    st.builds(lambda key, word, values: f"{key} {word} {{{values}}}", _keys, st.sampled_from(("in", "not in")), _lists),
    st.sampled_from(("all()", "has(app)", "!has(tier)")),
)
terms = st.one_of(_simple, _simple, st.sampled_from(("projectcalico.org/namespace == 'red'", "pcns.app == 'a'")))
selectors = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.builds(lambda one, op, other: f"({one}) {op} ({other})", inner, st.sampled_from(("&&", "||")), inner),
    ),
    max_leaves=3,
)
_protocols = st.sampled_from(("TCP", "TCP", "UDP", "ICMP", "ICMPv6"))
_names = st.lists(st.sampled_from(("http", "dns")), min_size=1, max_size=2)
_ports = st.lists(st.sampled_from((80, "8080:8081", "http", "dns", "1:65535", 53)), min_size=1, max_size=2)


@st.composite
def _ends(draw: st.DrawFn, with_ports: st.SearchStrategy[Any] | None, version: int) -> Object:
    end: Object = {}
    kinds = draw(st.lists(st.sampled_from(("selector", "nets", "not", "namespace", "account", "notNets")), max_size=2))
    for kind in kinds:
        match kind:
            case "selector":
                end["selector"] = draw(selectors)
            case "not":
                end["notSelector"] = draw(selectors)
            case "nets" | "notNets":
                end[kind] = draw(st.lists(st.sampled_from(_BY_VERSION[version]), min_size=1, max_size=2))
            case "namespace":
                end["namespaceSelector"] = draw(st.one_of(_simple, st.just("global()")))
            case "account":
                end["serviceAccounts"] = draw(
                    st.sampled_from(
                        ({"names": ["web"]}, {"selector": "app == 'a'"}, {"names": ["default"], "selector": "all()"})
                    )
                )
    if with_ports is not None and draw(st.booleans()):
        end[draw(st.sampled_from(("ports", "ports", "notPorts")))] = draw(with_ports)
    return end


@st.composite
def _rules(
    draw: st.DrawFn, direction: str, actions: tuple[str, ...] = ("Allow", "Allow", "Deny", "Pass", "Log")
) -> Object:
    rule: Object = {"action": draw(st.sampled_from(actions))}
    protocol = draw(st.one_of(st.none(), _protocols))
    version = draw(st.sampled_from((4, 6)))
    if protocol:
        rule["protocol"] = protocol
    elif draw(st.integers(0, 4)) == 0:
        rule["notProtocol"] = draw(_protocols)
    if protocol in ("ICMP", "ICMPv6") and draw(st.booleans()):
        rule["icmp"] = {"type": 8}
    if draw(st.integers(0, 5)) == 0:
        rule["ipVersion"] = version
    far, near = ("source", "destination") if direction == "ingress" else ("destination", "source")
    has_ports = _ports if protocol in ("TCP", "UDP") else _names if "protocol" not in rule else None
    if draw(st.booleans()):
        rule[far] = draw(_ends(has_ports if far == "destination" else None, version))
    if draw(st.integers(0, 2)) == 0:
        rule[near] = draw(_ends(has_ports if near == "destination" else None, version))
    if has_ports is _ports and draw(st.integers(0, 6)) == 0:
        rule.setdefault("source", {})["ports"] = ["1024:65535"]
    if direction == "ingress" and protocol == "TCP" and draw(st.integers(0, 4)) == 0:
        rule["http"] = {"methods": ["GET"]}
    return rule


def _object(kind: str, name: str, space: str = "", labels: Object | None = None, **spec: Any) -> Object:
    metadata: Object = {"name": name, "labels": labels or {}} | ({"namespace": space} if space else {})
    return {"apiVersion": GROUPS[0], "kind": kind, "metadata": metadata, "spec": spec}


@st.composite
def _policies(draw: st.DrawFn, number: int) -> Object:
    spec: Object = {}
    if draw(st.booleans()):
        spec["selector"] = draw(selectors)
    if draw(st.integers(0, 3)) == 0:
        spec["serviceAccountSelector"] = "app == 'a'"
    if draw(st.booleans()):
        spec["order"] = draw(st.sampled_from((1, 5.5, 1000, 2000)))
    spec["tier"] = draw(st.sampled_from(_TIERS))
    if draw(st.booleans()):
        spec["types"] = draw(st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"])))
    for direction in ("ingress", "egress"):
        if draw(st.booleans()):
            spec[direction] = draw(st.lists(_rules(direction), max_size=3))
    name = draw(st.sampled_from((f"a{number}", f"z{number}")))
    if draw(st.booleans()):
        return _object("NetworkPolicy", name, draw(st.sampled_from(SPACES)), **spec)
    if draw(st.integers(0, 3)) == 0:
        spec["namespaceSelector"] = draw(_simple)
    if draw(st.integers(0, 5)) == 0:
        spec |= {"doNotTrack": True, "applyOnForward": True}
    return _object("GlobalNetworkPolicy", name, **spec)


@st.composite
def _others(draw: st.DrawFn) -> list[Object]:
    found = []
    orders = draw(st.sampled_from(_ORDERS))
    for name, order in zip(("first", "second"), orders, strict=True):
        spec = {"defaultAction": draw(st.sampled_from(("Deny", "Pass")))} | ({"order": order} if order else {})
        found.append(_object("Tier", name, **spec))
    nets = st.lists(st.sampled_from(_NETS), max_size=2)
    if draw(st.booleans()):
        found.append(_object("GlobalNetworkSet", "outside", labels=draw(labels), nets=draw(nets)))
    if draw(st.booleans()):
        found.append(
            _object("NetworkSet", "inside", draw(st.sampled_from(SPACES)), labels=draw(labels), nets=draw(nets))
        )
    chosen = [name for name in ("kns.red", "ksa.red.web") if draw(st.integers(0, 4)) == 0]
    of_profile = {d: st.lists(_rules(d, _IN_PROFILES), max_size=2) for d in ("ingress", "egress")}
    found += [_object("Profile", name, **{d: draw(listed) for d, listed in of_profile.items()}) for name in chosen]
    return found


@st.composite
def calico_objects(draw: st.DrawFn, most: int) -> list[Object]:
    """Policies, at least one, tiers, address sets and profiles, in either API group or in both (NET-131)."""
    found = [draw(_policies(number)) for number in range(draw(st.integers(1, most)))] + draw(_others())
    groups = draw(st.sampled_from((GROUPS[:1], GROUPS[1:], GROUPS)))
    return [made | {"apiVersion": group} for group in groups for made in found]
