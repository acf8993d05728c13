"""The last hop to a pod from clients whose address cannot be told (NET-40, NET-52, NET-63, NET-66)."""

from msgspec import structs

from kubeaudit.edges.context import Context
from kubeaudit.findings import Reason, Unseen
from kubeaudit.network.reach import Basis, ReachVerdict
from kubeaudit.proof import State
from kubeaudit.settings import Fact

CONTROLLER = "ingress-controller"
"""The client of backends of an entry point whose controller is not known."""
BY_SERVICE = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="with externalTrafficPolicy Cluster the pod may see a node's address instead of the client's",
)
BY_HOST_PORT = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="behind a hostPort the pod may see a node's address instead of the client's",
)
_ISOLATED = Unseen(
    Reason.UNKNOWN_IMPLEMENTATION,
    detail="no pod of the ingress controller is known, and policies isolate the pod",
)


def translated(context: Context, cls: int, protocol: str, port: int, why: Unseen) -> ReachVerdict:
    """Whether the internet may open a port of a class that may see addresses of nodes instead of those of clients.

    Where policies treat the two in different ways it is unknown: what they close to clients and open to nodes, and what
    they open to ranges of clients alone.
    """
    world = context.reach.from_internet(cls, protocol, port)
    if world.state is State.UNKNOWN or world.ingress.basis == (Basis.DEFAULT_ALLOW,):
        return world
    # What a pod's own node may do besides policies (NET-44) is not asked: there the address is translated after they
    # judged.
    as_node = {context.reach.ingress(address, cls, protocol, port).ingress.state for address in context.node_addresses}
    differs = as_node & ({State.YES, State.BLOCKED} - {world.state})
    of_unknown_nodes = not as_node and bool(world.sources)
    return _undefined(world, "snat", why) if differs or of_unknown_nodes else world


def of_controller(context: Context, cls: int, protocol: str, port: int) -> ReachVerdict:
    """Whether an ingress controller whose pods are not known may open a port of a class.

    It may where policies let every client in; else it is unknown, because a rule may be about pods that are not seen
    (NET-66).
    """
    reach, judge = context.reach, context.reach.judge
    world, signature = reach.from_internet(cls, protocol, port), judge.ingress.of(cls)
    judged = signature.stages and reach.cni.enforces is not Fact.NO and not judge.universe.host >> cls & 1
    if not judged:
        return world
    every = not judge.universe.everything & ~signature.at(judge.ports.atom(protocol, port)).peers
    return world if every else _undefined(world, CONTROLLER, _ISOLATED)


def _undefined(world: ReachVerdict, detail: str, why: Unseen) -> ReachVerdict:
    return structs.replace(
        world, state=State.UNKNOWN, basis=(Basis.UNDEFINED,), details=(detail,), unseen=(why,), sources=()
    )
