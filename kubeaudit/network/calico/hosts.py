"""Calico's host endpoints and the policies that select them (NET-125, NET-126).

Failsafe ports come first, then untracked policies and those before destination translation, then the tiers, then the
profiles of the host endpoint; what none of them allows is denied.
"""

import copy
import math
from collections.abc import Iterator, Mapping

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.calico_looks import GROUPS
from kubeaudit.model.calico_selector import Node, select
from kubeaudit.model.objects.calico import CalicoPolicy, HostEndpoint, Profile
from kubeaudit.model.selectors import bits_of, index, mask_of
from kubeaudit.network.calico import failsafe, felix
from kubeaudit.network.calico.compile import PolicyCompiler
from kubeaudit.network.calico.doubts import PRE_DNAT, UNTRACKED
from kubeaudit.network.calico.faces import ALL, Faces, named
from kubeaudit.network.calico.fields import RefusedError
from kubeaudit.network.calico.labels import Labels
from kubeaudit.network.calico.objects import (
    FELIX,
    HOSTS,
    POLICIES,
    PROFILES,
    every,
    policies,
    unread,
)
from kubeaudit.network.calico.rules import Rules
from kubeaudit.network.calico.tiers import tiers
from kubeaudit.network.compiled import LAST_RANK, CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.masks import Masks
from kubeaudit.network.nodes.policies import HostMasks, HostPolicies, of_policies
from kubeaudit.network.verdicts import Action, Basis, Direction
from kubeaudit.refs import ObjectRef
from kubeaudit.snapshot import Gap

_ALLOWS = "projectcalico-default-allow"
"""The profile of host endpoints that Calico makes itself: it allows everything, whether or not it is listed."""
_EARLY = {PRE_DNAT: Tier(-math.inf, "pre-DNAT", Action.PASS), UNTRACKED: Tier(-math.inf, "untracked", Action.PASS)}
_HOST_PROFILES = Tier(LAST_RANK, "~profiles", Action.DENY)
_BOTH = (Direction.INGRESS, Direction.EGRESS)
_RESOURCE, _FELIX = f"{HOSTS}.{GROUPS[-1]}", f"{FELIX}.{GROUPS[-1]}"


def compile_all(masks: Masks) -> HostPolicies | None:
    """The policies of nodes; None where no host endpoint exists, and none may be missing."""
    faces = Faces(every(masks.held, HOSTS, "HostEndpoint", HostEndpoint))
    gap = unread(masks.cluster, HOSTS) if masks.cni.has_effect(_RESOURCE) else None
    return _Hosts(masks, faces).compiled(gap) if faces.endpoints or gap else None


_Entry = tuple[str, ObjectRef, CalicoPolicy]


class _Chosen(Struct, frozen=True):
    """A global policy with its parsed selector, and the faces it matches."""

    entry: _Entry
    selects: Node
    faces: int
    policy: CalicoPolicy


class _Hosts:
    """Compiles the policies of the host endpoints of one cluster."""

    def __init__(self, masks: Masks, faces: Faces) -> None:
        cluster = masks.cluster
        self._masks, self._faces = masks, faces
        self._nodes = {node.ref.name: node.addresses for node in cluster.nodes}
        for name in (name for cls in cluster.classes if cls.shape.host_network for name in cls.nodes):
            self._nodes.setdefault(name, ())
        for _, _, endpoint in faces.endpoints:
            self._nodes.setdefault(endpoint.spec.node, ())
        addresses = [self._addresses(endpoint) for _, _, endpoint in faces.endpoints]
        self._hosts = HostMasks(masks, [*addresses, (), ()], named(faces.endpoints))
        self._labels = Labels(self._hosts)
        listed = every(masks.held, PROFILES, "Profile", Profile)
        self._profiles = {ref.name: (key, ref, profile) for key, ref, profile in listed}
        self._tiers = tiers(self._hosts)
        self._index = index([self._own(endpoint) for _, _, endpoint in faces.endpoints])

    def compiled(self, gap: Gap | None) -> HostPolicies:
        """Everything that is asked of traffic of nodes, with what leaves it open."""
        chosen = list(self._selecting()) if self._faces.endpoints else []
        listed = [*self._failsafe(), *self._of_policies(chosen), *self._of_profiles()]
        doubts = [*self._hosts.doubts, *self._unread(gap), *of_policies(self._masks.cluster, listed)]
        having = {endpoint.spec.node for _, _, endpoint in self._faces.endpoints}
        nodes = [(name, addresses) for name, addresses in self._nodes.items() if gap or name in having]
        ways = self._faces.ways(nodes, felix.ebpf(self._masks.cluster))
        forwarded = tuple(self._forwarded(chosen))
        return HostPolicies(self._faces.size, ways, tuple(listed), tuple(doubts), forwarded)

    def _addresses(self, endpoint: HostEndpoint) -> tuple[str, ...]:
        """What traffic at a host endpoint may have as the node's address."""
        space = self._masks.universe.space
        stated = tuple(ip for ip in endpoint.spec.expected_ips if "/" not in ip and space.atom(ip) is not None)
        return stated if stated and endpoint.spec.interface_name != ALL else self._nodes[endpoint.spec.node]

    def _own(self, endpoint: HostEndpoint) -> Mapping[str, str]:
        """The labels of a host endpoint, with those that its profiles add."""
        labels: dict[str, str] = {}
        for name in reversed(endpoint.spec.profiles):
            if name in self._profiles:
                labels |= self._profiles[name][2].spec.labels_to_apply
        return labels | endpoint.metadata.labels

    @property
    def _protected(self) -> int:
        return (1 << len(self._faces.endpoints)) - 1

    def _selecting(self) -> Iterator[_Chosen]:
        """Global policies with the faces they select."""
        for entry in policies(self._masks.held):
            _, ref, policy = entry
            if ref.namespace:
                continue
            selects = self._compiler(self._hosts, entry).selects
            if selects is None:
                self._hosts.doubts.append(self._faulty(entry[0], ref))
            elif faces := select(selects, self._index):
                yield _Chosen(entry, selects, faces, policy)

    def _compiler(self, masks: Masks, entry: _Entry) -> PolicyCompiler:
        return PolicyCompiler(masks, self._labels, self._tiers, *entry)

    def _failsafe(self) -> Iterator[CompiledPolicy]:
        faces: dict[str, int] = {}
        for number, (_, _, endpoint) in enumerate(self._faces.endpoints):
            faces[endpoint.spec.node] = faces.get(endpoint.spec.node, 0) | 1 << number
        yield from failsafe.policies(self._hosts, self._labels, faces, _FELIX)

    def _of_policies(self, chosen: list[_Chosen]) -> Iterator[CompiledPolicy]:
        for one in chosen:
            before, early = len(self._hosts.problems), _early(one.policy)
            faces = one.faces & ~self._everywhere if early == UNTRACKED else one.faces
            found = self._compiler(self._hosts, one.entry).on(one.selects, faces)
            if early:
                # Policies of pods have reported all others.
                self._masks.problems.extend(self._hosts.problems[before:])
            if found is not None and faces:
                yield _undecided(found, early) if early else found

    @property
    def _everywhere(self) -> int:
        """Faces of host endpoints for all interfaces, which untracked policies do not hold for."""
        listed = enumerate(self._faces.endpoints)
        return mask_of(number for number, (_, _, endpoint) in listed if endpoint.spec.interface_name == ALL)

    def _of_profiles(self) -> Iterator[CompiledPolicy]:
        """What the profiles of each host endpoint allow, and that it denies the rest."""
        for number, (key, ref, endpoint) in enumerate(self._faces.endpoints):
            face = 1 << number
            for place, name in enumerate(endpoint.spec.profiles):
                order = (float(place), name)
                if name in self._profiles:
                    yield self._profile(name, face, order)
                elif name == _ALLOWS:
                    path = ("spec", "profiles", place)
                    everyone, ports = self._masks.universe.everything, self._masks.ports.everything
                    entries = (Entry(face, everyone, 0, ports, place, path),)
                    halves = tuple(Half(direction, entries, isolates=False) for direction in Direction)
                    yield CompiledPolicy(ref, key, endpoint, face, halves, _HOST_PROFILES, order, path)
            halves = tuple(Half(direction, ()) for direction in Direction)
            field = "interfaceName" if endpoint.spec.interface_name else "expectedIPs"
            yield CompiledPolicy(ref, key, endpoint, face, halves, _HOST_PROFILES, (math.inf, ""), ("spec", field))

    def _profile(self, name: str, face: int, order: tuple[float, str]) -> CompiledPolicy:
        key, ref, profile = self._profiles[name]
        compiler, halves, faulty = Rules(self._hosts, self._labels, ""), list[Half](), 0
        for direction, listed in ((Direction.INGRESS, profile.spec.ingress), (Direction.EGRESS, profile.spec.egress)):
            entries = list[Entry]()
            for number, rule in enumerate(listed):
                try:
                    entries += compiler.entries(direction, number, rule, face)
                except RefusedError as error:
                    self._masks.report(ref, error.place, str(error))
                    faulty = face
            halves.append(Half(direction, tuple(entries), isolates=False))
        return CompiledPolicy(ref, key, profile, face, tuple(halves), _HOST_PROFILES, order, ("spec",), faulty=faulty)

    def _forwarded(self, chosen: list[_Chosen]) -> Iterator[CompiledPolicy]:
        """What policies with ``applyOnForward`` say of traffic to and from the pods of their nodes."""
        masks = copy.copy(self._masks)
        masks.problems, masks.doubts = [], []
        for one in chosen:
            early = _early(one.policy)
            if early != UNTRACKED and (early or one.policy.spec.apply_on_forward):
                found = self._compiler(masks, one.entry).on(one.selects, self._pods_behind(one.faces))
                if found is not None:
                    found = structs.replace(found, selector=("spec", "applyOnForward"), faulty=0)
                    yield _undecided(found, early) if early else found

    def _pods_behind(self, faces: int) -> int:
        """Pods on the nodes of some faces, or on none yet."""
        nodes = {self._faces.endpoints[number][2].spec.node for number in bits_of(faces)}
        return self._labels.pods & mask_of(
            cls.index for cls in self._masks.cluster.classes if not cls.nodes or nodes.intersection(cls.nodes)
        )

    def _unread(self, gap: Gap | None) -> Iterator[Doubt]:
        """Host endpoints, policies and profiles that were not read."""
        unseen_profiles = mask_of(
            number
            for number, (_, _, endpoint) in enumerate(self._faces.endpoints)
            if any(name not in self._profiles and name != _ALLOWS for name in endpoint.spec.profiles)
        )
        nodes = self._masks.cluster.complete.gap("nodes")
        missing = (
            (nodes, self._protected),
            (gap, self._protected | 1 << self._faces.bare),
            (unread(self._masks.cluster, POLICIES[1][0]), self._protected),
            (unread(self._masks.cluster, PROFILES), unseen_profiles),
        )
        for found, faces in missing:
            if found is not None and faces:
                unseen = Unseen(Reason(found.reason), found.resource, found.scope, found.detail)
                yield Doubt(Basis.INPUT_INCOMPLETE, faces, _BOTH, True, True, f"list {found.resource}", unseen)

    def _faulty(self, resource: str, ref: ObjectRef) -> Doubt:
        unseen = Unseen(Reason.EVALUATION_ERROR, resource, "", f"{ref} is faulty")
        return Doubt(Basis.INPUT_INCOMPLETE, self._protected, _BOTH, True, True, f"a correction of {ref}", unseen)


def _early(policy: CalicoPolicy) -> str:
    """Whether a policy is asked before all tiers."""
    return UNTRACKED if policy.spec.do_not_track else PRE_DNAT if policy.spec.pre_dnat else ""


def _undecided(policy: CompiledPolicy, doubt: str) -> CompiledPolicy:
    """A policy of which it is not known whether it meets the traffic as its rules see it."""
    halves = tuple(
        Half(
            half.direction,
            tuple(
                structs.replace(entry, peers=0, maybe=entry.peers | entry.maybe, doubt=doubt) for entry in half.entries
            ),
            isolates=False,
        )
        for half in policy.halves
        if doubt == UNTRACKED or half.direction is Direction.INGRESS
    )
    return structs.replace(policy, halves=halves, tier=_EARLY[doubt])
