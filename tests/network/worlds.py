"""Random clusters with NetworkPolicies: few labels, names and addresses, so that selectors and blocks meet often."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from .clusters import Object, namespace, node, pod, policy, port
from .naive.world import NO, UNKNOWN, YES, Plugin, World

SPACES = ("red", "blue", "green")
_NODES = {"n1": ("172.18.0.2", "fd00:18::2"), "n2": ("172.18.0.3", "fd00:18::3")}
_KEYS, _VALUES = ("app", "tier"), ("a", "b")
_NAMES = ("http", "dns")
_V4 = ("10.1.0.1", "10.1.0.2", "10.1.1.1", "10.2.0.1")
_V6 = ("fd00:1::1", "fd00:1::2", "fd00:2::1")
_BLOCKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0.0.0.0/0", ("10.1.0.0/24", "169.254.169.254/32", "172.18.0.0/16", "203.0.113.0/24")),
    ("10.1.0.0/16", ("10.1.0.0/24", "10.1.0.1/32")),
    ("10.1.0.5/24", ("10.1.0.2/32",)),
    ("172.18.0.0/16", ("172.18.0.3/32",)),
    ("203.0.113.0/24", ("203.0.113.128/25",)),
    ("::/0", ("fd00:1::/64", "fd00:ec2::254/128")),
    ("fd00:1::/64", ("fd00:1::1/128",)),
)
ADDRESSES = (
    "203.0.113.1",
    "203.0.113.200",
    "169.254.169.254",
    "10.1.0.1",
    "172.18.0.2",
    "172.18.0.3",
    "192.168.7.7",
    "100.100.100.200",
    "8.8.8.8",
    "fd00:1::1",
    "fd00:18::2",
    "fd00:ec2::254",
    "2001:db8::1",
)
PORTS = (
    ("TCP", 80),
    ("TCP", 8080),
    ("TCP", 8081),
    ("UDP", 53),
    ("UDP", 80),
    ("SCTP", 80),
    ("TCP", 65535),
)
PACKETS = (*PORTS, ("ICMP", 0))

labels = st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES))
_expression = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(_KEYS),
        st.sampled_from(("In", "NotIn")),
        st.lists(st.sampled_from(_VALUES), min_size=1, unique=True),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(_KEYS),
        st.sampled_from(("Exists", "DoesNotExist")),
    ),
)
selectors = st.one_of(
    st.just({}),
    labels.map(lambda found: {"matchLabels": found}),
    st.builds(
        lambda found, terms: {"matchLabels": found, "matchExpressions": terms},
        labels,
        st.lists(_expression, max_size=2),
    ),
)


@st.composite
def _blocks(draw: st.DrawFn) -> Object:
    cidr, inside = draw(st.sampled_from(_BLOCKS))
    excluded = draw(st.lists(st.sampled_from(inside), unique=True, max_size=2))
    return {"ipBlock": {"cidr": cidr, "except": excluded} if excluded else {"cidr": cidr}}


_peers = st.one_of(
    selectors.map(lambda found: {"podSelector": found}),
    selectors.map(lambda found: {"namespaceSelector": found}),
    st.builds(lambda one, other: {"namespaceSelector": one, "podSelector": other}, selectors, selectors),
    _blocks(),
)
_protocols = st.sampled_from(("TCP", "TCP", "UDP", "SCTP"))
_items = st.one_of(
    st.just({}),
    _protocols.map(lambda protocol: {"protocol": protocol}),
    st.builds(lambda p, n: {"protocol": p, "port": n}, _protocols, st.sampled_from((53, 80, 8080))),
    st.builds(lambda p, n: {"protocol": p, "port": n}, _protocols, st.sampled_from(_NAMES)),
    st.builds(
        lambda p, n, m: {"protocol": p, "port": n, "endPort": n + m}, _protocols, st.just(8080), st.integers(0, 1)
    ),
)


@st.composite
def _rules(draw: st.DrawFn, key: str) -> Object:
    rule: Object = {}
    if draw(st.booleans()):
        rule[key] = draw(st.lists(_peers, max_size=2))
    if draw(st.booleans()):
        rule["ports"] = draw(st.lists(_items, max_size=2))
    return rule


@st.composite
def policies(draw: st.DrawFn, number: int) -> Object:
    spec: dict[str, Any] = {}
    if draw(st.booleans()):
        spec["podSelector"] = draw(selectors)
    types = draw(st.sampled_from((None, ["Ingress"], ["Egress"], ["Ingress", "Egress"])))
    if types is not None:
        spec["policyTypes"] = types
    for direction, key in (("ingress", "from"), ("egress", "to")):
        if draw(st.booleans()):
            spec[direction] = draw(st.lists(_rules(key), max_size=2))
    return policy(f"np-{number}", draw(st.sampled_from(SPACES)), **spec)


_ports = st.lists(
    st.builds(port, st.sampled_from((53, 80, 8080)), st.sampled_from((*_NAMES, "")), _protocols), max_size=2
)


@st.composite
def _pods(draw: st.DrawFn, number: int) -> Object:
    init = [
        {"name": "proxy", "image": "i", "ports": draw(_ports), "restartPolicy": draw(st.sampled_from(("", "Always")))}
    ]
    made = pod(
        f"p{number}",
        draw(st.sampled_from(SPACES)),
        labels=draw(labels),
        ports=draw(_ports),
        host=draw(st.integers(0, 4)) == 0,
        phase=draw(st.sampled_from(("Running", "Running", "Running", "Running", "Pending", "Failed"))),
        owner=draw(st.sampled_from(("", "set", "other"))),
        init=init if draw(st.integers(0, 3)) == 0 else None,
    )
    place(draw, made)
    return made


def place(draw: st.DrawFn, made: Object) -> None:
    """Put a pod on a node, or on none yet, and give it addresses, of any family or none yet."""
    spec, status = made["spec"], made["status"]
    on = draw(st.sampled_from(("n1", "n2") if "hostNetwork" in spec else ("", "n1", "n2")))
    families = draw(st.sampled_from(((), (0,), (1,), (0, 1), (0, 1), (0, 1))))
    pools = tuple(zip(_NODES[on])) if "hostNetwork" in spec else (_V4, _V6)
    for key in ("podIP", "podIPs"):
        status.pop(key, None)
    ips = [draw(st.sampled_from(pools[family])) for family in families]
    if ips:
        status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    spec.pop("nodeName", None)
    if on:
        spec["nodeName"] = on


@st.composite
def places(draw: st.DrawFn, most: int) -> World:
    """A cluster without policies, its plugin to be said, of at most so many pods; some have a ServiceAccount."""
    spaces = [namespace(name, **draw(labels)) for name in SPACES if draw(st.booleans())]
    nodes = [node(name, *addresses) for name, addresses in _NODES.items()]
    for item, value in zip(nodes, "ab", strict=True):
        item["metadata"]["labels"] = {"app": value}
    pods = [draw(_pods(number)) for number in range(draw(st.integers(1, most)))]
    for found in pods:
        if draw(st.booleans()):
            found["spec"]["serviceAccountName"] = "web"
    accounts = [_account(space, draw(labels)) for space in SPACES]
    return World(Plugin(), spaces, nodes, pods, [], accounts)


def _account(space: str, labels: Object) -> Object:
    metadata = {"name": "web", "namespace": space, "labels": labels}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


_facts = st.sampled_from((YES, NO, UNKNOWN))


@st.composite
def plugins(draw: st.DrawFn) -> Plugin:
    """Plugins of no table, where neither Calico nor Cilium has objects. Without a name all kinds count where policies
    are enforced (MAP-31), else it is not known.
    """
    enforces, named = draw(st.sampled_from((YES, YES, NO, UNKNOWN))), draw(st.booleans())
    tiers = draw(st.sampled_from(((YES, YES), (NO, YES), (UNKNOWN, UNKNOWN), (YES, UNKNOWN))))
    if not named:
        tiers = (YES, YES) if enforces == YES else (UNKNOWN, UNKNOWN)
    name = "some" if named else ""
    return Plugin(name, enforces, draw(_facts), draw(_facts), implements=(*tiers, NO, NO))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """NetworkPolicies alone, under any plugin."""
    found = draw(places(6))
    listed = [draw(policies(number)) for number in range(draw(st.integers(0, 4)))]
    return replace(found, plugin=draw(plugins()), policies=listed)
