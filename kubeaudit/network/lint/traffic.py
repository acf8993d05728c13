"""Lints about traffic that breaks or stays open unseen: DNS (NET-79) and the other address family (NET-42)."""

from collections.abc import Iterator

from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.evidence import value_at
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.reach import Reach, declared
from kubeaudit.proof import State
from kubeaudit.settings import Fact

_DNS = (("kube-system", "kube-dns"), ("openshift-dns", "dns-default"))
_CACHE, _CACHE_ADDRESS = "node-local-dns", "169.254.20.10"
_METADATA = {"IPv4": "169.254.169.254", "IPv6": "fd00:ec2::254"}


def dns_blocked(reach: Reach) -> Iterator[Lint]:
    """Policies that isolate pods for egress and leave them no way to the DNS of the cluster, over UDP or TCP: its pods,
    on their own ports, or the cache on the node.
    """
    if reach.cni.enforces is not Fact.YES:
        return
    isolated = reach.judge.egress.isolated & ~reach.judge.universe.host
    for service in reach.cluster.services:
        if (service.metadata.namespace, service.metadata.name) in _DNS:
            yield from _cut_off(reach, service, isolated)
    if any(workload.ref.kind == "DaemonSet" and workload.ref.name == _CACHE for workload in reach.cluster.workloads):
        yield from _cut_off_from_cache(reach, isolated)


def _cut_off(reach: Reach, service: Service, isolated: int) -> Iterator[Lint]:
    universe = reach.judge.universe
    behind = universe.members.get(service.metadata.namespace, 0) if service.spec.selector else 0
    for pair in service.spec.selector.items():
        behind &= universe.labels.labels.get(pair, 0)
    for port in service.spec.ports:
        if port.protocol not in ("UDP", "TCP") or port.port != 53:
            continue
        served, numbers = 0, set[int]()
        for target in bits_of(behind):
            for number in _numbers(reach, target, port):
                numbers.add(number)
                column = reach.matrix.sources(target, port.protocol, number)
                served |= column.reachable | column.unknown
        listed = ", ".join(map(str, sorted(numbers)))
        where = f"port {listed} of the pods of {service.metadata.namespace}/{service.metadata.name}"
        yield from _lints(reach, isolated & ~behind & ~served if numbers else 0, port.protocol, where)


def _numbers(reach: Reach, cls: int, port: ServicePort) -> tuple[int, ...]:
    """The port of a class that a Service port leads to: a name is that of the pod's port (NET-57)."""
    target = port.port if port.target_port is None else port.target_port
    if isinstance(target, int):
        return (target,)
    named = (p for p in declared(reach.cluster.classes[cls].shape) if (p.name, p.protocol) == (target, port.protocol))
    return tuple(p.container_port for p in named)[:1]


def _cut_off_from_cache(reach: Reach, isolated: int) -> Iterator[Lint]:
    for protocol in ("UDP", "TCP"):
        table, closed = reach.judge.egress, 0
        for signature in table.signatures:
            found = signature.classes & isolated
            if found and reach.egress(bits_of(found)[0], _CACHE_ADDRESS, protocol, 53).state is State.BLOCKED:
                closed |= found
        where = f"port 53 of {_CACHE_ADDRESS}, where NodeLocal DNSCache answers on the node"
        yield from _lints(reach, closed, protocol, where)


def _lints(reach: Reach, classes: int, protocol: str, where: str) -> Iterator[Lint]:
    for group in _by_policies(reach, classes):
        cls = reach.cluster.classes[group[0]]
        policy = reach.judge.policies[reach.judge.egress.of(group[0]).isolating[0]]
        others = f" and {len(group) - 1} more" if len(group) > 1 else ""
        text = (
            f"{cls.label}{others} cannot ask DNS over {protocol}: {policy.ref} isolates for egress, and no rule allows "
            f"{where}."
        )
        yield Lint("dns-blocked", policy.ref, text, "NET-79", (value_at(policy, policy.selector),))


def _by_policies(reach: Reach, classes: int) -> Iterator[list[int]]:
    """Classes with the same egress policies together."""
    groups: dict[int, list[int]] = {}
    for cls in bits_of(classes):
        groups.setdefault(reach.judge.egress.signature_of[cls], []).append(cls)
    yield from groups.values()


def ipv6_gap(reach: Reach) -> Iterator[Lint]:
    """Pods with both families whose policies block the metadata address of one and leave the other's open."""
    table = reach.judge.egress
    for number, signature in enumerate(table.signatures):
        if not signature.isolating:
            continue
        both = [c for c in bits_of(signature.classes) if set(reach.cluster.classes[c].families) == set(_METADATA)]
        if not both:
            continue
        states = {family: reach.egress(both[0], address, "TCP", 80) for family, address in _METADATA.items()}
        blocked = [family for family, verdict in states.items() if verdict.state is State.BLOCKED]
        opened = [family for family, verdict in states.items() if verdict.state is State.YES]
        if len(blocked) == len(opened) == 1:
            policy = reach.judge.policies[table.signatures[number].isolating[0]]
            cls = reach.cluster.classes[both[0]]
            text = (
                f"{cls.label} is kept from {_METADATA[blocked[0]]} but reaches {_METADATA[opened[0]]}: the policies "
                f"that select it leave {opened[0]} open."
            )
            shown = tuple(reach.evidence(decision) for decision in states[opened[0]].egress.by)
            yield Lint("ipv6-gap", policy.ref, text, "NET-42", shown)
