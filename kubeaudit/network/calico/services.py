"""Services as an end of a rule (NET-128): the addresses of their endpoints, as a destination with their ports."""

from collections.abc import Iterator

from msgspec import Struct, structs

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.calico import Rule, ServiceMatch
from kubeaudit.model.objects.core import Service, ServicePort
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Direction


class Behind(Struct, frozen=True):
    """Endpoints of a Service on some ports. ``sure`` and ``maybe`` are peer masks."""

    sure: int
    maybe: int
    ports: int


def cuts(cluster: Cluster, rules: list[Rule]) -> Cuts:
    """The ports and port names of Services that rules name."""
    names, intervals = set[str](), set[tuple[str, int, int]]()
    for rule in rules:
        for match in (rule.source.services, rule.destination.services):
            for port in _ports(cluster, match) if match else ():
                number = port.target_port or port.port
                if isinstance(number, int):
                    intervals.add((port.protocol, number, number))
                else:
                    names.add(number)
    return Cuts(frozenset(), frozenset(names), frozenset(intervals))


def behind(masks: Masks, match: ServiceMatch, direction: Direction, own: str) -> Iterator[Behind]:
    """The endpoints of a Service, in the policy's ``own`` namespace where the rule names none, ready or not.

    A source is compared by address alone. What no selector of a Service tells, and a Service that may not have been
    read, is ``maybe``.
    """
    cluster, universe = masks.cluster, masks.universe
    match = structs.replace(match, namespace=match.namespace or own)
    service = _service(cluster, match)
    if service is None or not service.spec.selector:
        if service is not None or cluster.complete.gap("services", match.namespace):
            yield Behind(0, universe.everything, masks.ports.everything)
        return
    chosen = masks.pods(LabelSelector(match_labels=service.spec.selector)) & universe.members.get(match.namespace, 0)
    if direction is Direction.INGRESS:
        yield Behind(universe.both(chosen), 0, masks.ports.everything)
        return
    for port in service.spec.ports:
        yield from _on_port(masks, port, chosen)


def _on_port(masks: Masks, port: ServicePort, chosen: int) -> Iterator[Behind]:
    number = port.target_port or port.port
    if isinstance(number, int):
        yield Behind(masks.universe.both(chosen), 0, masks.ports.atom(port.protocol, number))
        return
    for found, holders in masks.universe.named.get((number, port.protocol), {}).items():
        if chosen & holders:
            yield Behind(masks.universe.both(chosen & holders), 0, masks.ports.atom(port.protocol, found))


def _ports(cluster: Cluster, match: ServiceMatch) -> Iterator[ServicePort]:
    """The ports of every Service that a match may mean."""
    for service in cluster.services:
        meta = service.metadata
        if meta.name == match.name and match.namespace in ("", meta.namespace):
            yield from service.spec.ports


def _service(cluster: Cluster, match: ServiceMatch) -> Service | None:
    wanted = (match.namespace, match.name)
    return next((s for s in cluster.services if (s.metadata.namespace, s.metadata.name) == wanted), None)
