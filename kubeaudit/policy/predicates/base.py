"""What a graph predicate is, and what all of them share."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from kubeaudit.edges.contract import Edge
from kubeaudit.findings import Reason, Subject, Unseen
from kubeaudit.graph.paths import Searches
from kubeaudit.model.cluster import object_class
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import Evidence, State
from kubeaudit.refs import ObjectRef
from kubeaudit.world import World


class Predicate(Struct, frozen=True):
    """A question to the graph: the parameters a policy may give, and the function that judges every subject."""

    parameters: frozenset[str]
    judge: Callable[[World, Policy], Iterator[Judgement]]


def parameter(policy: Policy, name: str, default: str = "") -> str:
    """A parameter of the policy's predicate."""
    return policy.predicate.parameters.get(name, default) if policy.predicate is not None else default


def subject(ref: ObjectRef, api_version: str = "", uid: str = "") -> Subject:
    """A subject that is no workload."""
    return Subject(ref, api_version, uid, object_class=object_class(ref))


def workload_subject(world: World, index: int) -> Subject:
    """A workload as a subject."""
    found = world.cluster.workloads[index]
    return Subject(found.ref, found.api_version, found.uid, "", object_class(found.ref), found.owner_unread)


def classes_by_workload(world: World) -> Iterator[tuple[int, list[WorkloadClass]]]:
    """Every workload that runs or will run something, with its classes."""
    found: dict[int, list[WorkloadClass]] = {}
    for cls in world.cluster.classes:
        found.setdefault(cls.workload, []).append(cls)
    yield from found.items()


def members(world: World, classes: list[WorkloadClass]) -> tuple[int, tuple[str, ...]]:
    """How many pods the classes have, and the names of five."""
    pods = [number for cls in classes for number in cls.pods]
    return len(pods), tuple(sorted(world.cluster.pods[number].name for number in pods)[:5])


def evidence_of(edges: tuple[Edge, ...]) -> tuple[Evidence, ...]:
    """The evidence of every edge, without repeats: one entry per hop and field (CHK-29)."""
    return tuple(dict.fromkeys(item for edge in edges for item in edge.evidence))


def beyond_limit(*searches: Searches) -> tuple[Unseen, ...]:
    """That a search ended at its bound: what it did not reach may still be reached (PERF-06)."""
    return (
        (Unseen(Reason.LIMIT, detail="paths of more hops than limits.max-hops were not searched"),)
        if any(s.cut for s in searches)
        else ()
    )


def unseen_of(edges: tuple[Edge, ...]) -> tuple[Unseen, ...]:
    """What was missing on the undecided edges."""
    return tuple(sorted({word for edge in edges if edge.state is State.UNKNOWN for word in edge.unseen}))
