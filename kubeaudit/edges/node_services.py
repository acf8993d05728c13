"""Kubelets and the cluster's etcd, as far as policies let pods connect to them (EXP-211, EXP-212, NET-44, NET-47).

Kubelets of pools that a policy cannot tell apart for a workload stand behind one vertex, so that there are about as
many edges as workloads.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.edges.context import Context, repository, spec_path, unseen, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vocabulary import EXP_CONTROL_PLANE, EXP_ETCD_FROM_POD, EXP_KUBELET_FROM_POD
from kubeaudit.findings import Unseen
from kubeaudit.model.nodes import family_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.reach import Direction, ReachVerdict
from kubeaudit.network.relation import likeness
from kubeaudit.proof import Assumption, Confidence, Evidence, Path, State, field, missing
from kubeaudit.refs import CLUSTER_ADMIN, Facet, Vertex, VertexKind

KUBELET = 10250
CLIENT, PEER = 2379, 2380
"""Ports of etcd for the API server, and for its other members."""
OWN_NODE = "own node"
_LISTENS = Assumption("etcd-listens", "etcd listens on the control-plane nodes")
_CREDENTIALS = Assumption("etcd-client", "the caller gets past the client certificates that etcd asks for")
_ARGUMENTS = Assumption("etcd-arguments", "no environment variable or file sets what the arguments of etcd leave out")
_SYSTEM = "kube-system"
_LOOPBACK = ("localhost", "127.", "[::1]")


class Etcd(Struct, frozen=True):
    """The members of the cluster's etcd: their addresses, where they are known to listen, and what leaves it open."""

    addresses: tuple[str, ...]
    shown: Evidence
    assumptions: tuple[Assumption, ...] = ()
    open: Evidence | None = None
    complete: bool = True


def edges(context: Context) -> Iterator[Edge]:
    """Every edge from workloads to these two services of nodes."""
    yield from _kubelets(context)
    yield from _etcd(context)


def _kubelets(context: Context) -> Iterator[Edge]:
    """EXP-211. A pod's own node is left aside at first: policies do not concern it, but with some plugins (NET-46)."""
    pools: dict[str, list[str]] = {}
    for node in context.cluster.nodes:
        pools.setdefault(node.pool.key, []).extend(node.addresses)
    places = {node.ref.name: (place, node.addresses) for place, node in enumerate(context.cluster.nodes)}
    known = NodeVerdicts(context)
    for cls in context.cluster.classes:
        verdicts = {pool: v for pool in sorted(pools) if (v := known.of(cls, pool, pools[pool], KUBELET)) is not None}
        states = {state: [pool for pool, v in verdicts.items() if v.state is state] for state in State}
        for state in (State.YES, State.UNKNOWN):
            if states[state]:
                yield _to_kubelets(context, cls, ",".join(states[state]), verdicts[states[state][0]])
        if len(states[State.BLOCKED]) == len(verdicts) > 0:
            yield _to_kubelets(context, cls, ",".join(verdicts), verdicts[states[State.BLOCKED][0]])
        if not states[State.YES] and (address := _own_node(places, cls)):
            yield _to_kubelets(context, cls, OWN_NODE, context.reach.egress(cls.index, address, "TCP", KUBELET))


def _to_kubelets(context: Context, cls: WorkloadClass, nodes: str, verdict: ReachVerdict) -> Edge:
    target = Vertex(VertexKind.KUBELET, "", f"{nodes}:{KUBELET}")
    where = "its own node" if nodes == OWN_NODE else f"nodes of {nodes.replace(',', ', ')}"
    sentence = f"{cls.label} may connect to the kubelet of {where}."
    fix = f"NetworkPolicy in {cls.namespace}: an egress rule for {cls.name} that leaves the nodes out"
    why = verdict.unseen if verdict.state is State.UNKNOWN else ()
    shown = context.reach.proof(verdict)
    source, row = workload(cls, Facet.CTL), EXP_KUBELET_FROM_POD
    return Edge(row, source, target, verdict.state, Confidence.OBJ, 1, sentence, shown, (), why, fix)


def _own_node(places: dict[str, tuple[int, tuple[str, ...]]], cls: WorkloadClass) -> str:
    """An address of a node that runs a pod of a class, of the first in the order of reading; "" where none is known.

    ``places`` has the place and the addresses of every node.
    """
    found = (address for _, held in sorted(places[name] for name in cls.nodes if name in places) for address in held)
    return next((address for address in found if not cls.families or family_of(address) in cls.families), "")


def _etcd(context: Context) -> Iterator[Edge]:
    """EXP-212, and that whoever reads etcd without a certificate has every Secret of the cluster."""
    etcd = etcd_of(context)
    if etcd is None:
        return
    target = Vertex(VertexKind.ETCD, "", str(CLIENT))
    assumptions = etcd.assumptions if etcd.open else (*etcd.assumptions, _CREDENTIALS)
    known = NodeVerdicts(context)
    gap = context.cluster.complete.gap("nodes")
    missed: tuple[Unseen, ...] = (unseen(gap),) if gap is not None else ()
    for cls in context.cluster.classes:
        found = (known.of(cls, "etcd", etcd.addresses, port) for port in (CLIENT, PEER))
        verdicts = [verdict for verdict in found if verdict is not None]
        if not verdicts:
            continue
        verdict = min(verdicts, key=lambda v: list(State).index(v.state))
        state = State.UNKNOWN if verdict.state is State.BLOCKED and missed else verdict.state
        why = (*verdict.unseen, *missed) if state is State.UNKNOWN else ()
        sentence = f"{cls.label} may connect to the etcd of the cluster."
        fix = f"NetworkPolicy in {cls.namespace}: an egress rule for {cls.name} that leaves the control plane out"
        shown = (etcd.shown, *context.reach.proof(verdict))
        effort = 1 if etcd.open else 7
        yield Edge(
            EXP_ETCD_FROM_POD, workload(cls, Facet.CTL), target, state, Confidence.ENV, effort, sentence, shown,
            assumptions, why, fix,
        )  # fmt: skip
    if etcd.open:
        sentence = "The etcd of the cluster holds every Secret, and lets callers without a certificate read and write."
        fix = "etcd: --client-cert-auth=true and --listen-client-urls with https only"
        yield Edge(
            EXP_CONTROL_PLANE, target, CLUSTER_ADMIN, State.YES, Confidence.ENV, 0, sentence, (etcd.open,),
            (_ARGUMENTS,), (), fix,
        )  # fmt: skip


def etcd_of(context: Context) -> Etcd | None:
    """The cluster's etcd: its pods, else the control-plane nodes; None where neither is seen, as with managed ones."""
    members = [cls for cls in context.classes_by_image.get("etcd", ()) if cls.namespace == _SYSTEM]
    nodes = {name for cls in members if cls.shape.host_network for name in cls.nodes}
    if members and nodes:
        addresses = (a for node in context.cluster.nodes if node.ref.name in nodes for a in node.addresses)
        found = (_unguarded(context, cls) for cls in members)
        return Etcd(tuple(addresses), _image(context, members[0]), (), next(filter(None, found), None))
    planes = [node for node in context.cluster.nodes if node.pool.control_plane]
    if not planes:
        return None
    shown = field(planes[0].ref, ("metadata", "name"), planes[0].ref.name)
    return Etcd(tuple(address for node in planes for address in node.addresses), shown, (_LISTENS,))


def _image(context: Context, cls: WorkloadClass) -> Evidence:
    ref, path = spec_path(context.cluster, cls)
    return field(ref, (*path, "containers", _container(cls), "image"), cls.shape.containers[_container(cls)].image)


def _container(cls: WorkloadClass) -> int:
    images = (repository(container.image).rpartition("/")[2] for container in cls.shape.containers)
    return next(number for number, image in enumerate(images) if image == "etcd")


def _unguarded(context: Context, cls: WorkloadClass) -> Evidence | None:
    """The argument that lets callers without a certificate in over the network, or the one that is missing."""
    ref, path = spec_path(context.cluster, cls)
    number = _container(cls)
    container = cls.shape.containers[number]
    urls, is_asked = "", False
    place: Path = (*path, "containers", number, "command")
    for key, words in (("command", container.command), ("args", container.args)):
        for position, word in enumerate(words):
            name, _, value = word.lstrip("-").partition("=")
            if name == "listen-client-urls":
                urls, place = value, (*path, "containers", number, key, position)
            is_asked |= name == "client-cert-auth" and value in ("", "true")
    outside = [url for url in urls.split(",") if url and not url.partition("://")[2].startswith(_LOOPBACK)]
    if any(url.startswith("http://") for url in outside):
        return field(ref, place, urls)
    if outside and not is_asked:
        return missing(ref, (*path, "containers", number, "command"), "no --client-cert-auth")
    return None


class NodeVerdicts:
    """Verdicts of classes that policies treat alike, asked once. Only addresses of a class's families count."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[object, ReachVerdict | None] = {}
        self._told_apart: dict[tuple[str, tuple[str, ...]], list[str]] = {}

    def of(self, cls: WorkloadClass, name: str, addresses: Iterable[str], port: int) -> ReachVerdict | None:
        """Whether a class may open a port of any of some addresses, which ``name`` stands for; None where it shares no
        family with them.
        """
        reach = self._context.reach
        alike = likeness(reach.judge, Direction.EGRESS, cls.index)
        key = (alike, cls.namespace, cls.shape.host_network, cls.families, name, port)
        if key not in self._known:
            listed = self._each(name, addresses, cls.families)
            self._known[key] = reach.egress_to_any(cls.index, listed, "TCP", port) if listed else None
        return self._known[key]

    def _each(self, name: str, addresses: Iterable[str], families: tuple[str, ...]) -> list[str]:
        """One address of each that policies tell apart."""
        if (name, families) not in self._told_apart:
            atom = self._context.cluster.atoms.atom
            listed = {atom(a): a for a in addresses if not families or family_of(a) in families}
            self._told_apart[name, families] = list(listed.values())
        return self._told_apart[name, families]
