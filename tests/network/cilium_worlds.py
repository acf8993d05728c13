"""Random policies of Cilium, and what its agent and the API server show."""

from typing import Any

from hypothesis import strategies as st

from .cilium_objects import agent, ccnp, cidr_group, cnp, config
from .clusters import Object
from .worlds import SPACES, selectors

_KEYS = ("app", "k8s:tier", "any:app", "io.cilium.k8s.policy.serviceaccount")
_selectors = st.one_of(
    selectors,
    st.builds(lambda key, value: {"matchLabels": {key: value}}, st.sampled_from(_KEYS), st.sampled_from(("a", "web"))),
    st.builds(lambda space: {"matchLabels": {"k8s:io.kubernetes.pod.namespace": space}}, st.sampled_from(SPACES)),
)
_anywhere = st.builds(
    lambda key, value: {"matchLabels": {f"io.cilium.k8s.namespace.labels.{key}": value}},
    st.sampled_from(("app", "tier")),
    st.sampled_from(("a", "b")),
)
_entities = st.sampled_from(
    ("all", "world", "world-ipv6", "cluster", "host", "remote-node", "kube-apiserver", "health", "none")
)
_cidrs = st.sampled_from(("0.0.0.0/0", "203.0.113.0/24", "10.1.0.0/16", "172.18.0.0/16", "::/0", "fd00::/8"))
_sets = st.one_of(
    st.builds(lambda cidr: {"cidr": cidr}, _cidrs),
    st.just({"cidr": "0.0.0.0/0", "except": ["203.0.113.128/25", "172.18.0.3/32"]}),
    st.just({"cidrGroupRef": "group", "except": ["203.0.113.0/25"]}),
    st.just({"cidrGroupRef": "missing"}),
)
_ports = st.one_of(
    st.builds(lambda n: {"port": n}, st.sampled_from(("53", "80", "0", "http"))),
    st.builds(
        lambda n, p: {"port": n, "protocol": p},
        st.sampled_from(("80", "HTTP", "dns", "0")),
        st.sampled_from(("TCP", "UDP")),
    ),
    st.just({"port": "8080", "endPort": 8081, "protocol": "TCP"}),
)


@st.composite
def _rules(draw: st.DrawFn, prefix: str, wide: bool, deny: bool) -> Object:
    endpoints = st.one_of(_selectors, _anywhere) if wide else _selectors
    peers = {"Endpoints": endpoints, "Entities": _entities, "CIDR": _cidrs, "CIDRSet": _sets}
    sorts = ["", "Endpoints", "Endpoints", "Entities", "Entities", "CIDR", "CIDRSet"]
    if prefix == "to" and not deny:
        sorts.append("FQDNs")
        peers["FQDNs"] = st.just({"matchName": "example.com"})
    rule: Object = {}
    sort = draw(st.sampled_from(sorts))
    if sort:
        rule[prefix + sort] = draw(st.lists(peers[sort], max_size=2))
    asked = draw(st.integers(0, 5))
    if asked == 0:
        rule["icmps"] = [{"fields": [{"type": 8, "family": draw(st.sampled_from(("IPv4", "IPv6")))}]}]
    elif asked == 1 and not deny:
        rule["toPorts"] = [{"ports": [{"port": "80", "protocol": "TCP"}], "rules": {"http": [{"method": "GET"}]}}]
    elif asked < 4:
        rule["toPorts"] = [{"ports": draw(st.lists(_ports, min_size=1, max_size=2))}]
    return rule


@st.composite
def _policies(draw: st.DrawFn, number: int) -> Object:
    wide = draw(st.booleans())
    spec: dict[str, Any] = {"endpointSelector": draw(st.one_of(_selectors, _anywhere) if wide else selectors)}
    sections = {"ingress": "from", "ingressDeny": "from", "egress": "to", "egressDeny": "to"}
    for section, prefix in sections.items():
        deny = section.endswith("Deny")
        if draw(st.integers(0, 2)) < (1 if deny else 2):
            spec[section] = draw(st.lists(_rules(prefix, wide, deny), max_size=2))
    if draw(st.integers(0, 9)) == 0:
        spec["ingress"] = None
    if draw(st.integers(0, 3)) == 0:
        spec["enableDefaultDeny"] = {"ingress": draw(st.booleans()), "egress": draw(st.booleans())}
    if not any(spec.get(section) or (section in spec and spec[section] is None) for section in sections):
        spec["ingress"] = [{"fromEntities": ["all"]}]
    return ccnp(f"p{number}", **spec) if wide else cnp(f"p{number}", draw(st.sampled_from(SPACES)), **spec)


@st.composite
def cilium_objects(draw: st.DrawFn, most: int) -> list[Object]:
    """Policies, at least one, and a CIDR group."""
    policies = [draw(_policies(number)) for number in range(draw(st.integers(1, most)))]
    return [*policies, cidr_group("group", "203.0.113.0/24", "fd00::/8")]


API_SERVERS = st.sampled_from((("172.18.0.3",), ("198.51.100.7",), ("fd00:18::2", "172.18.0.2")))


def around(api_server: tuple[str, ...]) -> list[Object]:
    """The agent's release and settings, and the addresses of the API server."""
    labels = {"kubernetes.io/service-name": "kubernetes"}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    endpoints = [{"addresses": list(api_server)}]
    served = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
    return [config(), agent("v1.18.2"), served | {"endpoints": endpoints}]
