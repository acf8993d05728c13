"""Cilium's policies against the naive evaluator, NetworkPolicies mixed in (network.md, 3.9)."""

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import State
from kubeaudit.settings import Fact

from . import naive_cilium
from .cilium_objects import CILIUM, agent, ccnp, cidr_group, cnp, config
from .clusters import Object, cluster
from .naive_cilium import CiliumWorld
from .worlds import ADDRESSES, PORTS, selectors, worlds

_KEYS = ("app", "k8s:tier", "any:app", "io.cilium.k8s.policy.serviceaccount")
_SPACES = ("red", "blue", "green")
_OUTSIDE = (*ADDRESSES, "172.18.0.3", "fd00:18::2", "192.168.7.7", "100.100.100.200")
_AT = (*PORTS, ("ICMP", 0))
thorough = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_selectors = st.one_of(
    selectors,
    st.builds(lambda key, value: {"matchLabels": {key: value}}, st.sampled_from(_KEYS), st.sampled_from(("a", "b"))),
    st.builds(lambda space: {"matchLabels": {"k8s:io.kubernetes.pod.namespace": space}}, st.sampled_from(_SPACES)),
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
    asked = draw(st.integers(0, 4))
    if asked == 0:
        rule["icmps"] = [{"fields": [{"type": 8, "family": draw(st.sampled_from(("IPv4", "IPv6")))}]}]
    elif asked < 3:
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
    return ccnp(f"p{number}", **spec) if wide else cnp(f"p{number}", draw(st.sampled_from(_SPACES)), **spec)


@st.composite
def cilium_worlds(draw: st.DrawFn) -> CiliumWorld:
    plain = draw(worlds())
    return CiliumWorld(
        plain.namespaces,
        plain.nodes,
        plain.pods,
        plain.policies[: draw(st.integers(0, 2))],
        [draw(_policies(number)) for number in range(draw(st.integers(1, 3)))],
        [cidr_group("group", "203.0.113.0/24", "fd00::/8")],
        draw(st.sampled_from((("172.18.0.3",), ("198.51.100.7",), ("fd00:18::2", "172.18.0.2")))),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def load(world: CiliumWorld, pods: list[Object]) -> Reach:
    plugin = msgspec.structs.replace(
        CILIUM,
        node_reaches_own_pod=Fact.YES if world.own_node_exempt else Fact.NO,
        ipblock_matches_nodes=Fact.YES if world.nodes_by_cidr else Fact.NO,
    )
    listed = [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kubernetes",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "kubernetes"},
            },
            "endpoints": [{"addresses": list(world.api_server)}],
        }
    ]
    of_agent = (config(), agent("v1.18.2"))
    objects = (*world.namespaces, *world.nodes, *pods, *world.networkpolicies, *world.policies, *world.groups, *listed)
    found = assemble(cluster(*objects, *of_agent), plugin)
    assert not [problem for problem in found.problems if problem.object.kind.startswith("Cilium")]
    return found


def alone(world: CiliumWorld) -> list[Object]:
    """The pods without owners, so that each is a class."""
    return [
        pod | {"metadata": {k: v for k, v in pod["metadata"].items() if k != "ownerReferences"}} for pod in world.pods
    ]


def packets(pods: list[Object]) -> Iterator[tuple[Any, Any, Any, Any, str]]:
    """Pairs of ends as (object, index or address), for both families."""
    for family in ("IPv4", "IPv6"):
        outside = [address for address in _OUTSIDE if (":" in address) == (family == "IPv6")]
        for number, pod in enumerate(pods):
            for other, target in enumerate(pods):
                yield pod, number, target, other, family
            for address in outside:
                yield pod, number, address, address, family
                yield address, address, pod, number, family


@thorough
@given(world=cilium_worlds(), at=st.sampled_from(_AT))
def test_every_packet_is_judged_as_the_naive_evaluator_judges_it(world: CiliumWorld, at: tuple[str, int]) -> None:
    """NET-100..111, NET-115, with NetworkPolicies beside (NET-101)."""
    pods = alone(world)
    found = load(world, pods)
    for source, one, target, other, family in packets(pods):
        expected = naive_cilium.judge(world, source, target, *at, family)
        assert found.packet(one, other, *at, family).state == expected, (one, other, at, family)


@thorough
@given(world=cilium_worlds())
def test_masks_of_all_pairs_say_what_the_naive_evaluator_says(world: CiliumWorld) -> None:
    pods = alone(world)
    found = load(world, pods)
    for family in ("IPv4", "IPv6"):
        for number, target in enumerate(pods):
            cls = found.cluster.pods[number].cls
            for at in _AT if cls >= 0 else ():
                column = found.matrix.sources(cls, *at, family)
                for other, source in enumerate(pods):
                    bit = found.cluster.pods[other].cls
                    expected = naive_cilium.judge(world, source, target, *at, family)
                    if bit >= 0:
                        masked = (column.reachable >> bit & 1, column.unknown >> bit & 1)
                        assert masked == (expected == State.YES, expected == State.UNKNOWN), (other, number, at, family)


@thorough
@given(world=cilium_worlds(), at=st.sampled_from(_AT))
def test_a_class_of_several_pods_is_never_surer_than_its_pods(world: CiliumWorld, at: tuple[str, int]) -> None:
    """Only the node of a pod may be more than its class shows (NET-108)."""
    found = load(world, world.pods)
    for source, one, target, other, family in packets(world.pods):
        expected = naive_cilium.judge(world, source, target, *at, family)
        assert found.packet(one, other, *at, family).state in (expected, State.UNKNOWN), (one, other, at, family)
