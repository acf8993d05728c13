"""Pods that do not exist yet, as the selectors of rules name them: who could come and be let in.

A stranger stands for every pod that one peer of a rule matches. Of its labels only what that peer asks for is known, so
a rule holds for it where the rule's selectors follow from that. It has no address. Only how the policies of existing
pods treat it is of interest.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct, structs

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.implied import Known, form, known
from kubeaudit.model.objects.admin import PodPeer, TierPolicy
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.objects.networking import NetworkPolicy, Peer
from kubeaudit.model.objects.pods import Container, ContainerPort, PodSpec
from kubeaudit.model.open_labels import opened
from kubeaudit.model.selectors import InvalidSelectorError, check, index
from kubeaudit.model.workloads import Workload, WorkloadClass
from kubeaudit.network import fields
from kubeaudit.network.admin import fields as adminfields
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS, Interval
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Direction
from kubeaudit.refs import ObjectRef

_EVERY = LabelSelector()
_NAME = "stranger"


class Stranger(Struct, frozen=True):
    """Pods with these labels, in one namespace, or in those with these labels where ``namespace`` is ""."""

    namespace: str
    namespaces: LabelSelector
    pods: LabelSelector


ANYBODY = Stranger("", _EVERY, _EVERY)
"""A pod of which nothing is known: what it may do, every pod may (but for rules that name others)."""


def strangers(cluster: Cluster, policies: Iterable[CompiledPolicy]) -> tuple[Stranger, ...]:
    """Those that NetworkPolicies and policies of the Admin and Baseline tiers name, each once, after ``ANYBODY``."""
    found: dict[object, Stranger] = {_key(ANYBODY): ANYBODY}
    for namespace, namespaces, pods in _named(policies):
        try:
            made = _stranger(cluster, namespace, namespaces, pods)
        except InvalidSelectorError:
            continue
        if made is not None:
            found.setdefault(_key(made), made)
    return tuple(found.values())


def with_strangers(
    cluster: Cluster, found: Iterable[Stranger], ports: dict[str, int]
) -> tuple[Cluster, dict[int, Stranger]]:
    """The cluster with a class for every stranger. ``ports`` are the numbers at which each has ports of these names."""
    listed = [ContainerPort(number, name, protocol) for name, number in ports.items() for protocol in PROTOCOLS]
    shape = PodSpec(containers=(Container(ports=tuple(listed)),))
    ref = ObjectRef("Pod", "", _NAME)
    workload = Workload(ref, "v1", "", -1, ("spec",), (), active=False, owner_unread=False, pods=())
    number, start = len(cluster.workloads), len(cluster.classes)
    added = {start + position: stranger for position, stranger in enumerate(found)}
    spaces = {position: stranger.namespace or f"{_NAME} {position}" for position, stranger in added.items()}
    classes = tuple(
        WorkloadClass(position, number, _NAME, space, (), shape, 0, (), (), "", (), ())
        for position, space in spaces.items()
    )
    cluster = structs.replace(
        cluster,
        workloads=(*cluster.workloads, workload),
        classes=(*cluster.classes, *classes),
        namespaces={space: {METADATA_NAME: space} for space in spaces.values()} | cluster.namespaces,
    )
    return cluster, added


def seen(found: Universe, added: dict[int, Stranger]) -> Universe:
    """The universe of a cluster with strangers, in which selectors hold for them where they must."""
    pods = {position: known(stranger.pods) for position, stranger in added.items()}
    place = {name: position for position, name in enumerate(found.names)}
    spaces = {
        place[f"{_NAME} {position}"]: known(stranger.namespaces)
        for position, stranger in added.items()
        if not stranger.namespace
    }
    return structs.replace(found, labels=opened(found.labels, pods), spaces=opened(found.spaces, spaces))


def free_ports(names: Iterable[str], intervals: Iterable[Interval]) -> dict[str, int]:
    """A number for every port name that no interval begins, ends or stands at, so that what a rule says of the name can
    be told from what it says of numbers.
    """
    taken = {FIRST, LAST} | {edge for _, first, last in intervals for edge in (first, last)}
    free = (number for number in range(FIRST + 2, LAST) if not taken & {number - 1, number, number + 1})
    found: dict[str, int] = {}
    for name in sorted(names):
        found[name] = next(free)
        next(free)
    return found


def members(universe: Universe, stranger: Stranger) -> int:
    """The classes a stranger stands for that exist already. ``universe`` is that of the cluster without strangers."""
    spaces = (
        universe.members.get(stranger.namespace, 0)
        if stranger.namespace
        else universe.in_namespaces(stranger.namespaces)
    )
    return spaces & universe.labels.select(stranger.pods)


def _key(stranger: Stranger) -> object:
    return stranger.namespace, form(stranger.namespaces), form(stranger.pods)


def _named(policies: Iterable[CompiledPolicy]) -> Iterator[tuple[str, LabelSelector, LabelSelector]]:
    """Namespace of the policy where a peer names none, selector of namespaces, selector of pods."""
    for policy in policies:
        source = policy.source
        if isinstance(source, NetworkPolicy):
            for direction in fields.directions(source):
                for peer in (peer for rule in fields.rules(source, direction) for peer in rule.peers):
                    yield from _of_peer(source.metadata.namespace, peer)
        elif isinstance(source, TierPolicy):
            for direction in Direction:
                for other in (peer for rule in adminfields.rules(source, direction) for peer in rule.peers):
                    yield from _of_tier_peer(other)


def _of_peer(own: str, peer: Peer) -> Iterator[tuple[str, LabelSelector, LabelSelector]]:
    if peer.ip_block is not None or (peer.pod_selector is None and peer.namespace_selector is None):
        return
    pods = peer.pod_selector or _EVERY
    if peer.namespace_selector is None:
        yield own, _EVERY, pods
    else:
        yield "", peer.namespace_selector, pods


def _of_tier_peer(peer: PodPeer) -> Iterator[tuple[str, LabelSelector, LabelSelector]]:
    if len(adminfields.fields_of(peer)) != 1:
        return
    if peer.namespaces is not None:
        yield "", peer.namespaces, _EVERY
    elif peer.pods is not None:
        yield "", peer.pods.namespace_selector or _EVERY, peer.pods.pod_selector or _EVERY


def _stranger(cluster: Cluster, namespace: str, namespaces: LabelSelector, pods: LabelSelector) -> Stranger | None:
    """None where no pod can match. Raises ``InvalidSelectorError``."""
    for selector in (namespaces, pods):
        check(selector)
        index([]).select(selector)
    if any(fact.is_void for selector in (namespaces, pods) for fact in known(selector).values()):
        return None
    if not namespace:
        name = known(namespaces).get(METADATA_NAME, Known()).only
        if name and index([cluster.namespaces.get(name, {METADATA_NAME: name})]).select(namespaces):
            return Stranger(name, _EVERY, pods)
    return Stranger(namespace, namespaces, pods)
