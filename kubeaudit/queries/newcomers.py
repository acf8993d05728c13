"""What the policies of every workload let pods do that do not exist yet, as an answer (AGG-9)."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.objects.admin import TierPolicy
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.network.judge import Judge
from kubeaudit.network.ports import Interval
from kubeaudit.network.strangers import ANYBODY
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import State
from kubeaudit.queries.names import parts, unit
from kubeaudit.queries.openings import NamedPort, Opening, openings, text

ANY_POD = text(ANYBODY)
"""What is open to this is open to whoever may create a pod at all."""


class Newcomer(Struct, frozen=True, omit_defaults=True):
    """Pods of one sort, and the ports on which they may connect to a workload, or it to them.

    ``ports`` are empty where they may less than every pod. ``names`` are ports that the other pod calls so,
    ``without`` those taken out of ``ports`` again. ``exists``: such pods are there already.
    """

    pods: str
    state: State
    families: tuple[str, ...]
    ports: tuple[Interval, ...]
    names: tuple[NamedPort, ...] = ()
    without: tuple[NamedPort, ...] = ()
    exists: bool = False


class Openings(Struct, frozen=True, omit_defaults=True):
    """What one workload is open to, and what it may open; ``unseen`` is why a direction is not known."""

    workload: str
    ingress: tuple[Newcomer, ...] = ()
    egress: tuple[Newcomer, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def newcomers(context: Context, namespaces: Sequence[str] = ()) -> tuple[Openings, ...]:
    """The openings of the workloads of some namespaces, or of all, by name.

    Selectors of Cilium and Calico policies are not asked: a direction that such a policy decides is not known.
    """
    cluster, judge = context.cluster, context.reach.judge
    part = parts(cluster)
    wanted = [cls for cls in cluster.classes if not namespaces or cls.namespace in namespaces]
    of_class: dict[int, list[Opening]] = {cls.index: [] for cls in wanted}
    for found in openings(context.reach, of_class):
        of_class[found.cls].append(found)
    made = (_of_class(judge, cls.index, unit(cls, part[cls.index]), of_class[cls.index]) for cls in wanted)
    return tuple(sorted(made, key=lambda one: one.workload))


def _of_class(judge: Judge, cls: int, name: str, found: Sequence[Opening]) -> Openings:
    known: dict[Direction, tuple[Newcomer, ...]] = {}
    missing: dict[Unseen, None] = {}
    for direction in Direction:
        unseen = dict.fromkeys(_unseen(judge, cls, direction))
        known[direction] = () if unseen else tuple(_merged(one for one in found if one.direction is direction))
        missing |= unseen
    return Openings(name, known[Direction.INGRESS], known[Direction.EGRESS], tuple(missing))


def _unseen(judge: Judge, cls: int, direction: Direction) -> Iterator[Unseen]:
    """The policies of other dialects that are asked of a class."""
    for stage in judge.table(direction).of(cls).stages:
        for asked in (one for group in stage.groups for one in group):
            policy = judge.policies[asked.policy]
            if not isinstance(policy.source, NetworkPolicy | TierPolicy):
                detail = f"{direction}: whom the selectors of {policy.ref} would match is not told of pods to come"
                yield Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail)


def _merged(found: Iterable[Opening]) -> Iterator[Newcomer]:
    """Openings that differ in the family alone as one, every pod first."""

    def key(one: Opening) -> tuple[object, ...]:
        return text(one.peer), one.state, one.ports, one.names, one.without, one.matched

    order: dict[tuple[object, ...], list[Opening]] = {}
    for one in found:
        order.setdefault(key(one), []).append(one)
    for same in order.values():
        first = same[0]
        families = tuple(dict.fromkeys(one.family for one in same))
        yield Newcomer(text(first.peer), first.state, families, first.ports, first.names, first.without, first.matched)
