"""Where Ingresses and Routes lead, and whether policies let their controllers get there, as an answer (NET-66)."""

from collections.abc import Sequence

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.findings import Unseen
from kubeaudit.proof import Evidence, State
from kubeaudit.queries.ingress_hop import CONTROLLER, hops
from kubeaudit.queries.names import parts, unit
from kubeaudit.refs import ObjectRef


class Entrance(Struct, frozen=True, omit_defaults=True):
    """One way from outside: host and path of ``entry``, the controller's workload, the workload behind and its port.

    ``controller`` is ``ingress-controller`` where no pod of it is known. ``unseen`` says why a state is not known.
    """

    entry: ObjectRef
    where: str
    controller: str
    workload: str
    port: int
    state: State
    evidence: tuple[Evidence, ...]
    unseen: tuple[Unseen, ...] = ()


def entrances(context: Context, namespaces: Sequence[str] = ()) -> tuple[Entrance, ...]:
    """Those to workloads of some namespaces, or all, by entry point, host and path."""
    part, classes = parts(context.cluster), context.cluster.classes
    found = [
        Entrance(
            hop.entry,
            hop.where,
            CONTROLLER if hop.source < 0 else unit(classes[hop.source], part[hop.source]),
            unit(classes[hop.target], part[hop.target]),
            hop.port,
            hop.state,
            hop.evidence,
            hop.unseen,
        )
        for hop in hops(context)
        if not namespaces or classes[hop.target].namespace in namespaces
    ]
    return tuple(sorted(found, key=lambda one: (one.entry, one.where, one.workload, one.port, one.controller)))
