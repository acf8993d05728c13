"""What was not read or is not evaluated, and which verdicts that leaves open (network.md, section 1; NET-78, -135)."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.kinds import KINDS, by_key
from kubeaudit.model.cluster import Cluster
from kubeaudit.network import multinet
from kubeaudit.network.compiled import CompiledPolicy, Half
from kubeaudit.network.fields import RESOURCE
from kubeaudit.network.mesh import membership
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.rows import Table
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Action, Basis, Direction
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Gap

_NEVER_ALONE = frozenset(
    [
        "tiers",
        "profiles",
        "felixconfigurations",
        "networksets",
        "globalnetworksets",
        "ciliumcidrgroups",
    ]
)
"""Policy kinds that change a verdict only through another kind."""
_BASELINE = "baselineadminnetworkpolicies.policy.networking.k8s.io"
_HOST_POLICY = "hostendpoints"
_BOTH = (Direction.INGRESS, Direction.EGRESS)


class Doubt(Struct, frozen=True):
    """Classes whose verdicts something unseen may change.

    ``may_block``: a reachable verdict may be wrong; ``may_allow``: a blocked one may be. ``only_tcp``: other protocols
    are not touched.
    """

    basis: Basis
    classes: int
    directions: tuple[Direction, ...]
    may_block: bool
    may_allow: bool
    settle_by: str
    unseen: Unseen
    only_tcp: bool = False

    def touches(self, cls: int, direction: Direction, protocol: str) -> bool:
        """Whether it concerns a side of a connection."""
        return (
            bool(self.classes >> cls & 1) and direction in self.directions and (protocol == "TCP" or not self.only_tcp)
        )


class Doubts(Struct, frozen=True):
    """Every doubt about a cluster, and the masks of the classes they touch by (direction, whether TCP). ``aside`` are
    kinds that are present, not evaluated, and touch none.
    """

    every: tuple[Doubt, ...]
    may_block: dict[tuple[Direction, bool], int]
    may_allow: dict[tuple[Direction, bool], int]
    aside: tuple[Unseen, ...] = ()

    def about(self, cls: int, direction: Direction, protocol: str) -> list[Doubt]:
        """The doubts that touch a side of a connection."""
        key = (direction, protocol == "TCP")
        if not (self.may_block[key] | self.may_allow[key]) >> cls & 1:
            return []
        return [doubt for doubt in self.every if doubt.touches(cls, direction, protocol)]


def gathered(every: Sequence[Doubt], aside: Iterable[Unseen] = ()) -> Doubts:
    """The doubts with the masks of the classes they touch."""
    may_block = {(direction, tcp): 0 for direction in _BOTH for tcp in (True, False)}
    may_allow = dict(may_block)
    for doubt in every:
        for direction in doubt.directions:
            for tcp in (True, False) if not doubt.only_tcp else (True,):
                may_block[direction, tcp] |= doubt.classes if doubt.may_block else 0
                may_allow[direction, tcp] |= doubt.classes if doubt.may_allow else 0
    return Doubts(tuple(every), may_block, may_allow, tuple(aside))


def doubts(
    cluster: Cluster,
    universe: Universe,
    cni: CniProfile,
    policies: Sequence[CompiledPolicy],
    tables: Sequence[Table],
    evaluated: frozenset[str],
    of_dialects: Iterable[Doubt] = (),
) -> Doubts:
    """Everything that leaves verdicts of this cluster open. ``evaluated`` are the kinds that some dialect compiles,
    ``of_dialects`` what these leave open themselves.
    """
    found: list[Doubt] = []
    if cni.enforces is not Fact.NO:
        found.extend(of_dialects)
        found.extend(_unread_policies(cluster, universe))
        found.extend(_faulty(cluster, universe, policies, evaluated))
        found.extend(_unread_namespaces(cluster, universe, policies))
    found.extend(_other_kinds(cluster, universe, cni, tables, evaluated))
    isolating = multinet.primary(cluster, universe, cni)
    found.extend(_own_networks(cluster, universe, cni, isolating))
    return gathered([doubt for doubt in found if doubt.classes], multinet.aside(cluster, isolating))


def _unread_policies(cluster: Cluster, universe: Universe) -> Iterator[Doubt]:
    """NetworkPolicies that were not listed may block, and may allow what those that were listed do not (NET-08)."""
    for namespace, classes in universe.members.items():
        gap = cluster.complete.gap(RESOURCE, namespace)
        if gap is not None:
            yield Doubt(
                Basis.INPUT_INCOMPLETE,
                classes & ~universe.host,
                _BOTH,
                True,
                True,
                f"list {RESOURCE} in namespace {namespace}",
                _unseen(gap),
            )


def _faulty(
    cluster: Cluster, universe: Universe, policies: Sequence[CompiledPolicy], resources: frozenset[str]
) -> Iterator[Doubt]:
    """A part that could not be read may allow more: what is blocked beside it is not certain (section 1)."""
    for policy in policies:
        if policy.faulty:
            unseen = Unseen(Reason.EVALUATION_ERROR, policy.resource, policy.ref.namespace, f"{policy.ref} is faulty")
            yield Doubt(
                Basis.INPUT_INCOMPLETE, policy.faulty, _BOTH, False, True, f"a correction of {policy.ref}", unseen
            )
    kinds = {(kind.group, kind.kind): kind for kind in KINDS if kind.key in resources}
    kinds |= {("", kind.kind): kind for kind in kinds.values()}
    by_key = {kind.key: kind for kind in kinds.values()}
    for bad in cluster.bad:
        kind = by_key.get(bad.where) or (kinds.get((bad.object.group, bad.object.kind)) if bad.object else None)
        if kind is None:
            continue
        namespace = bad.object.namespace if bad.object else ""
        classes = universe.members.get(namespace, 0) if namespace else universe.classes
        name = str(bad.object) if bad.object else f"a {kind.kind}"
        unseen = Unseen(Reason.EVALUATION_ERROR, kind.key, namespace, f"{name} {bad.reason}")
        yield Doubt(Basis.INPUT_INCOMPLETE, classes, _BOTH, False, True, f"a correction of {name}", unseen)


def _unread_namespaces(cluster: Cluster, universe: Universe, policies: Sequence[CompiledPolicy]) -> Iterator[Doubt]:
    """Labels of namespaces that were not listed may match a selector, or may keep one from matching an absent key."""
    gap = cluster.complete.gap("namespaces")
    if gap is None:
        return
    pods = universe.classes & ~universe.host
    for policy in policies:
        for half in policy.halves:
            if policy.selects_by_namespace or half.namespace_labels:
                open_subjects = policy.selects_by_namespace
                subjects = pods if open_subjects else policy.selected & pods
                may_block = open_subjects or half.absent_labels or _denies(half)
                yield Doubt(
                    Basis.INPUT_INCOMPLETE,
                    subjects,
                    (half.direction,),
                    may_block,
                    True,
                    "list namespaces",
                    _unseen(gap),
                )


def _denies(half: Half) -> bool:
    return any(entry.action is not Action.ALLOW for entry in half.entries)


def _other_kinds(
    cluster: Cluster, universe: Universe, cni: CniProfile, tables: Sequence[Table], evaluated: frozenset[str]
) -> Iterator[Doubt]:
    for kind in KINDS:
        if (
            "policy" not in kind.marks
            or kind.key == RESOURCE
            or kind.resource in _NEVER_ALONE
            or kind.key in multinet.USER_DEFINED_KINDS
            or not cni.has_effect(kind.key)
        ):
            continue
        count, gap = cluster.counts.get(kind.key, 0), _gap(cluster, kind.resource, kind.group)
        if count and kind.key not in evaluated:
            unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, kind.key, detail=f"{count} {kind.kind} not evaluated")
            yield from _of_kind(
                cluster, universe, tables, kind.key, Basis.KIND_NOT_EVALUATED, f"evaluation of {kind.key}", unseen
            )
        elif gap is not None:
            yield from _of_kind(
                cluster, universe, tables, kind.key, Basis.INPUT_INCOMPLETE, f"list {kind.key}", _unseen(gap)
            )


def _own_networks(cluster: Cluster, universe: Universe, cni: CniProfile, isolating: dict[str, int]) -> Iterator[Doubt]:
    """Pods on a network of their own, and all pods where it was not read which are (section 1)."""
    for key, classes in isolating.items():
        count = f"{cluster.counts.get(key, 0)} {by_key()[key].kind} not evaluated"
        unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, key, detail=count)
        yield Doubt(Basis.KIND_NOT_EVALUATED, classes, _BOTH, True, True, f"evaluation of {key}", unseen)
    for key in multinet.USER_DEFINED_KINDS if cni.has_effect(multinet.USER_DEFINED_KINDS[0]) else ():
        if gap := cluster.complete.gap(key):
            pods = universe.classes & ~universe.host
            yield Doubt(Basis.INPUT_INCOMPLETE, pods, _BOTH, True, True, f"list {key}", _unseen(gap))


def _gap(cluster: Cluster, resource: str, group: str) -> Gap | None:
    """What is missing of a kind; of the two groups of Calico one is enough (NET-131)."""
    gap = cluster.complete.gap(f"{resource}.{group}")
    if gap is not None and group == "projectcalico.org":
        other = f"{resource}.crd.projectcalico.org"
        if cluster.complete.served(other) and cluster.complete.gap(other) is None:
            return None
    return gap


def _of_kind(
    cluster: Cluster,
    universe: Universe,
    tables: Sequence[Table],
    key: str,
    basis: Basis,
    settle_by: str,
    unseen: Unseen,
) -> Iterator[Doubt]:
    """What a kind can change: the mesh only narrows, a baseline decides only where nothing isolates."""
    pods = universe.classes & ~universe.host
    if key in membership.KINDS:
        around = membership.mesh(cluster)
        subjects = (around.inside | around.perhaps) & pods
        yield Doubt(basis, subjects, (Direction.INGRESS,), True, False, settle_by, unseen, only_tcp=True)
    elif key == _BASELINE:
        for table in tables:
            yield Doubt(basis, pods & ~table.isolated, (table.direction,), True, False, settle_by, unseen)
    elif key.startswith(_HOST_POLICY):
        yield Doubt(basis, universe.host, _BOTH, True, True, settle_by, unseen)
    else:
        yield Doubt(basis, pods, _BOTH, True, True, settle_by, unseen)


def _unseen(gap: Gap) -> Unseen:
    return Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
