"""From where each workload can be reached (CHK-15)."""

from kubeaudit.edges.context import workload
from kubeaudit.findings import Exposure
from kubeaudit.proof import State
from kubeaudit.refs import Facet, ObjectRef
from kubeaudit.world import World


def exposures(world: World) -> dict[ObjectRef, Exposure]:
    """The widest exposure of each workload over its classes."""
    found: dict[ObjectRef, Exposure] = {}
    order = list(Exposure)
    for cls in world.cluster.classes:
        vertex = workload(cls, Facet.NET)
        match world.exposed.state(vertex), world.private.state(vertex):
            case State.YES, _:
                exposure = Exposure.INTERNET
            case State.UNKNOWN, _:
                exposure = Exposure.UNKNOWN
            case _, None:
                exposure = Exposure.NONE
            case _:
                exposure = Exposure.INTERNAL
        ref = world.cluster.workloads[cls.workload].ref
        found[ref] = min(found.get(ref, Exposure.NONE), exposure, key=order.index)
    return found
