"""What holds for a pod that nobody has written a rule for: the default of a namespace in each direction."""

from msgspec import Struct, structs

from kubeaudit.findings import Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.pods import PodSpec
from kubeaudit.model.workloads import Workload, WorkloadClass
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.judge import Judge
from kubeaudit.network.trace import trace
from kubeaudit.network.verdicts import Direction
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_NAME = "newcomer"


class Default(Struct, frozen=True):
    """Whether a new pod of a namespace is denied what no rule allows. ``by`` are the policies that deny it, ``unseen``
    is what was missing where it is not known.
    """

    denies: Fact
    by: tuple[ObjectRef, ...] = ()
    unseen: tuple[Unseen, ...] = ()


def with_newcomers(cluster: Cluster) -> tuple[Cluster, dict[str, int]]:
    """The cluster with a pod without labels in every namespace, and the class of each.

    It has the ServiceAccount ``default``, no port and no address yet. Only its policies are of interest.
    """
    ref = ObjectRef("Pod", "", _NAME)
    workload = Workload(ref, "v1", "", -1, ("spec",), (), active=False, owner_unread=False, pods=())
    number, start = len(cluster.workloads), len(cluster.classes)
    added = {name: start + position for position, name in enumerate(sorted(cluster.namespaces))}
    classes = tuple(
        WorkloadClass(index, number, _NAME, name, (), PodSpec(), 0, (), (), "", (), ()) for name, index in added.items()
    )
    cluster = structs.replace(cluster, workloads=(*cluster.workloads, workload), classes=(*cluster.classes, *classes))
    return cluster, added


def default(judge: Judge, cls: int, direction: Direction) -> Default:
    """The default of a class in a direction: denied where no traffic reaches the end of all tiers undecided."""
    if judge.cni.enforces is Fact.NO:
        return Default(Fact.NO)
    if judge.cni.isolates_all:
        return Default(Fact.YES)
    signature = judge.table(direction).of(cls)
    isolating = tuple(judge.policies[number].ref for number in signature.isolating)
    if isolating or (signature.stages and _all_decided(judge, cls, direction)):
        return Default(Fact.YES, isolating)
    unseen = tuple(doubt.unseen for doubt in judge.doubts.about(cls, direction, "TCP") if doubt.may_block)
    return Default(Fact.UNKNOWN if unseen else Fact.NO, (), unseen)


def _all_decided(judge: Judge, cls: int, direction: Direction) -> bool:
    peers, stages = _existing(judge), judge.table(direction).of(cls).stages
    ports = (1 << bit for bit in range(judge.ports.size))
    return not any(trace(direction, judge.policies, stages, peers, atom, False).rest for atom in ports)


def _existing(judge: Judge) -> int:
    """Every peer, without pods in a family that they have no address of."""
    peers = judge.universe.everything
    for cls in judge.cluster.classes:
        for family in FAMILIES:
            if cls.families and family not in cls.families:
                peers &= ~judge.universe.peer_bit(cls.index, family)
    return peers
