"""Lints about Services: policies see the pod's port and address, never those of a Service (NET-23, NET-58)."""

from collections.abc import Iterator

from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.networking import IPBlock, NetworkPolicy
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.evidence import value_at
from kubeaudit.network.fields import PEERS, InvalidFieldError, directions, network, ref_of, rules
from kubeaudit.network.ipspace import Network
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.reach import Reach, declared
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Evidence, field
from kubeaudit.refs import ObjectRef


def service_port(reach: Reach) -> Iterator[Lint]:
    """An ingress rule that names the port of a Service where its pods listen on another (NET-23)."""
    mapped = _mapped(reach)
    for policy in reach.policies:
        half = policy.half(Direction.INGRESS) if isinstance(policy.source, NetworkPolicy) else None
        if half is None:
            continue
        for number, rule in enumerate(policy.source.spec.ingress):
            for place, port in enumerate(rule.ports):
                for service, target, classes in mapped.get((port.protocol, port.port), ()):
                    behind = bits_of(policy.selected & classes)
                    if behind and not any(_listens(reach, cls, port.protocol, port.port) for cls in behind):
                        path = ("spec", "ingress", number, "ports", place)
                        text = (
                            f"{policy.ref} admits port {port.port}, the port of Service {service.metadata.name}; "
                            f"policies see the port of its pods, {target}."
                        )
                        shown = (value_at(policy, path), _ports(service))
                        yield Lint("service-port", policy.ref, text, "NET-23", shown)


def _mapped(reach: Reach) -> dict[tuple[str, object], list[tuple[Service, object, int]]]:
    """Service ports that differ from the port of the pods behind them, with the masks of these."""
    universe = reach.judge.universe
    found: dict[tuple[str, object], list[tuple[Service, object, int]]] = {}
    for service in reach.cluster.services:
        behind = universe.members.get(service.metadata.namespace, 0) if service.spec.selector else 0
        for pair in service.spec.selector.items():
            behind &= universe.labels.labels.get(pair, 0)
        for port in service.spec.ports if behind else ():
            if port.target_port is not None and port.target_port != port.port:
                found.setdefault((port.protocol, port.port), []).append((service, port.target_port, behind))
    return found


def _listens(reach: Reach, cls: int, protocol: str, port: object) -> bool:
    return any(p.container_port == port and p.protocol == protocol for p in declared(reach.cluster.classes[cls].shape))


def _ref(service: Service) -> ObjectRef:
    return ObjectRef("Service", service.metadata.namespace, service.metadata.name)


def _ports(service: Service) -> Evidence:
    return field(
        _ref(service), ("spec", "ports"), [{"port": p.port, "targetPort": p.target_port} for p in service.spec.ports]
    )


def cluster_ip_range(reach: Reach) -> Iterator[Lint]:
    """An ipBlock that lies among ClusterIPs: the address is translated before, or after, policies see it (NET-58)."""
    ranges, pods = list(_service_ranges(reach)), [parse(ip) for cls in reach.cluster.classes for ip in cls.addresses]
    for policy in reach.cluster.network_policies if ranges else ():
        for direction in directions(policy):
            for number, rule in enumerate(rules(policy, direction)):
                for place, peer in enumerate(rule.peers):
                    if peer.ip_block is None:
                        continue
                    block = _block(peer.ip_block)
                    whose = next((ref for held, ref in ranges if block and _among(block, held)), None)
                    if block is None or whose is None or any(ip in block for ip in pods if ip is not None):
                        continue
                    ref = ref_of(policy)
                    path = ("spec", str(direction), number, PEERS[direction], place, "ipBlock", "cidr")
                    text = (
                        f"{ref} names {block}, where Services have their addresses (see {whose}): whether policies see "
                        f"them depends on the network plugin. Name the pods."
                    )
                    yield Lint("cluster-ip-range", ref, text, "NET-58", (field(ref, path, peer.ip_block.cidr),))


def _service_ranges(reach: Reach) -> Iterator[tuple[Network, ObjectRef]]:
    """Where Services have their addresses: the ranges of the cluster, and each address in use."""
    texts = [
        (text, ObjectRef("ServiceCIDR", "", item.metadata.name, "networking.k8s.io"))
        for item in reach.cluster.service_cidrs
        for text in item.spec.cidrs
    ]
    texts += [(s.spec.cluster_ip, _ref(s)) for s in reach.cluster.services if parse(s.spec.cluster_ip)]
    for text, ref in texts:
        try:
            yield network(text if "/" in text else f"{text}/{128 if ':' in text else 32}"), ref
        except InvalidFieldError:
            continue


def _among(block: Network, held: Network) -> bool:
    """Whether a block lies in a range of Services, or holds the address of one."""
    inner, outer = (block, held) if held.prefixlen < held.max_prefixlen else (held, block)
    return inner.version == outer.version and inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _block(block: IPBlock) -> Network | None:
    try:
        return network(block.cidr)
    except InvalidFieldError:
        return None
