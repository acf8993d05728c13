"""The door of the package: who may open a connection to whom, on which port, and what decides it.

``build`` compiles the policies of a cluster once; every question is then answered from masks, in microseconds.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import chain

from msgspec import Struct, structs

from kubeaudit.findings import Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import family_of
from kubeaudit.network import fields, internet
from kubeaudit.network.cilium.places import single
from kubeaudit.network.combine import combine, external, no_address
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.cuts import Cuts, united
from kubeaudit.network.dialects import DIALECTS, EVALUATED, of_hosts
from kubeaudit.network.doubts import doubts
from kubeaudit.network.evidence import AllowAll, allow_all, evidence, no_policy
from kubeaudit.network.exempt import End, Exemptions
from kubeaudit.network.inert import marked
from kubeaudit.network.ipspace import FAMILIES, ip_space
from kubeaudit.network.judge import Judge
from kubeaudit.network.masks import Masks
from kubeaudit.network.matrix import Column, Matrix
from kubeaudit.network.mesh import istio, membership
from kubeaudit.network.mesh.narrowing import Narrowing
from kubeaudit.network.networkpolicy import plugin_cuts
from kubeaudit.network.newcomer import Default, default, with_newcomers
from kubeaudit.network.nodes.guards import BARRIER, barriers, guards
from kubeaudit.network.nodes.whereabouts import Place
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.plugin.detect import detect
from kubeaudit.network.ports import port_space
from kubeaudit.network.relation import Row, relation
from kubeaudit.network.rows import Frame, table
from kubeaudit.network.universe import Universe, declared, declared_twice, universe
from kubeaudit.network.verdicts import Action, Basis, Decision, Direction, PolicyProblem, ReachVerdict, Side
from kubeaudit.proof import Evidence, State, field
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Settings

__all__ = [
    "Action",
    "AllowAll",
    "Basis",
    "CniProfile",
    "Column",
    "CompiledPolicy",
    "Decision",
    "Default",
    "Direction",
    "Matrix",
    "PolicyProblem",
    "Reach",
    "ReachVerdict",
    "Row",
    "Side",
    "assemble",
    "build",
    "declared",
]

_WIDEST = (State.YES, State.UNKNOWN, State.BLOCKED)
_BY_PLUGIN = frozenset([Basis.NOT_ENFORCED, Basis.CNI_UNKNOWN, Basis.CNI_PROFILE])


class Reach(Struct, frozen=True, eq=False, dict=True):
    """Answers for one cluster. Classes and pods are named by their index in it.

    Pure: the same question always has the same answer. ``problems`` are parts of policies that the API server would
    refuse. Methods raise ``ValueError`` for what is no address, no port (TCP, UDP, SCTP 1 to 65535, or ICMP) or no
    address family.
    """

    cluster: Cluster
    cni: CniProfile
    problems: tuple[PolicyProblem, ...]
    judge: Judge

    def egress(self, cls: int, address: str, protocol: str, port: int) -> ReachVerdict:
        """Whether a class may open a connection to an address outside the pods: metadata, a node, the API server."""
        return self._egress(self._class(cls), address, protocol, port)

    def ingress(self, address: str, cls: int, protocol: str, port: int) -> ReachVerdict:
        """Whether an address outside the pods may open a connection to a class."""
        return self._ingress(address, self._class(cls), protocol, port)

    def from_internet(self, cls: int, protocol: str, port: int) -> ReachVerdict:
        """Whether some public address (EXP-01) may open a connection to a class, in a family the class has.

        ``sources`` of the verdict are the public CIDRs let in, if they are fewer than half of a family's addresses
        (EXP-02).
        """
        return internet.from_internet(self.judge, cls, protocol, port)

    def connect(self, source: int, target: int, protocol: str, port: int, family: str = "IPv4") -> ReachVerdict:
        """Whether some pod of a class may open a connection to some pod of another class, or of its own.

        A pod always reaches itself (NET-53), so in this sense a class always reaches its own pods.
        """
        return self._connect(self._class(source), self._class(target), protocol, port, family)

    def packet(
        self, source: int | str, target: int | str, protocol: str, port: int, family: str = "IPv4"
    ) -> ReachVerdict:
        """Whether one pod or address may open a connection to another: pods by index, addresses as text.

        Unlike :meth:`connect` it looks at the nodes of these pods alone. One end must be a pod, or have an address of a
        node that policies of nodes concern.
        """
        finished = [end for end in (source, target) if isinstance(end, int) and self.cluster.pods[end].cls < 0]
        if finished:
            pod = self.cluster.pods[finished[0]]
            return no_address("finished", (field(pod.ref, ("metadata", "name"), pod.name, "the pod has finished"),))
        if isinstance(source, int):
            if isinstance(target, int):
                return self._connect(self._pod(source), self._pod(target), protocol, port, family)
            return self._egress(self._pod(source), target, protocol, port)
        if isinstance(target, int):
            return self._ingress(source, self._pod(target), protocol, port)
        if family_of(source) != family_of(target):
            return no_address(family_of(source))
        to, of = (self.judge.universe.address_bit(address) for address in (target, source))
        out = self._at_node(Direction.EGRESS, source, to, protocol, port)
        into = self._at_node(Direction.INGRESS, target, of, protocol, port)
        if out is None and into is None:
            raise ValueError(f"neither {source} nor {target} is a pod, or a node that policies concern")
        return combine(self.cni, out or external(Direction.EGRESS), into or external(Direction.INGRESS))

    def isolating(self, cls: int, direction: Direction | str) -> tuple[ObjectRef, ...]:
        """The policies that isolate a class in a direction (``ingress`` or ``egress``); none: it is open."""
        signature = self.judge.table(Direction(direction)).of(cls)
        return tuple(dict.fromkeys(self.judge.policies[number].ref for number in signature.isolating))

    def default(self, namespace: str, direction: Direction | str) -> Default:
        """What holds in a namespace for a new pod without labels (check net-no-default-deny). Raises ``KeyError`` for a
        namespace that does not exist.
        """
        judge, classes = self._newcomers
        return default(judge, classes[namespace], Direction(direction))

    @cached_property
    def _newcomers(self) -> tuple[Judge, dict[str, int]]:
        cluster, classes = with_newcomers(self.cluster)
        return assemble(cluster, self.cni).judge, classes

    def egress_to_any(self, cls: int, addresses: Iterable[str], protocol: str, port: int) -> ReachVerdict:
        """Whether policies let a class open a connection to any of some addresses, its own node left aside."""
        judge, peers, listed = self.judge, 0, tuple(addresses)
        if judge.guards and any(map(judge.guards.owner, listed)):
            verdicts = (self._towards(cls, address, protocol, port) for address in listed)
            return min(verdicts, key=lambda verdict: _WIDEST.index(verdict.state))
        for address in listed:
            peers |= judge.universe.address_bit(address)
        return combine(self.cni, judge.side(Direction.EGRESS, cls, peers, protocol, port), external(Direction.INGRESS))

    @property
    def beside_aws(self) -> tuple[Unseen, ...]:
        """Why it is not known that egress policies hold for the metadata address of AWS (NET-148); empty elsewhere."""
        found = self._exemptions.beside_aws
        return found.unseen if found else ()

    @cached_property
    def policies(self) -> tuple[CompiledPolicy, ...]:
        """Every policy of pods that has effect, compiled, those of a mesh left aside."""
        return tuple(policy for policy in self.judge.policies if policy.tier != BARRIER)

    @cached_property
    def policies_of_nodes(self) -> dict[ObjectRef, CompiledPolicy]:
        """Every policy that nodes and their host-network pods are subject to (NET-114, NET-125)."""
        every = self.judge.guards.every if self.judge.guards else ()
        return {policy.ref: policy for guard in every for policy in guard.policies if policy.selected}

    def evidence(self, decision: Decision) -> Evidence:
        """The field that decided, with the value the policy has there."""
        found = self._shown.get(decision)
        if found is None:
            found = self._shown[decision] = evidence(self._policy_of[decision.policy], decision)
        return found

    def proof(self, verdict: ReachVerdict) -> tuple[Evidence, ...]:
        """What proves a verdict: peers and selectors that decided, that no policy selects the pod, or the plugin."""
        if verdict.evidence:
            return verdict.evidence
        found = {shown: None for side in (verdict.egress, verdict.ingress) for shown in self.side_proof(side)}
        if _BY_PLUGIN.intersection(verdict.basis):
            found.update((shown, None) for shown in self.cni.evidence)
        return tuple(found)

    def side_proof(self, side: Side) -> tuple[Evidence, ...]:
        """What proves one side of a verdict."""
        found = dict.fromkeys(side.evidence)
        found.update((self.evidence(decision), None) for decision in side.by)
        if Basis.DEFAULT_ALLOW in side.basis and side.namespace:
            found[no_policy(side.namespace, side.direction)] = None
        return tuple(found)

    def allow_all_rules(self) -> Iterator[AllowAll]:
        """Rules that allow everything in a direction (check net-allow-all)."""
        for policy in self.cluster.network_policies:
            yield from allow_all(policy)

    def unevaluated(self) -> tuple[Unseen, ...]:
        """Policy kinds that are present and not evaluated yet: what they select is not known."""
        every = self.judge.doubts.every
        return tuple(sorted({doubt.unseen for doubt in every if doubt.basis is Basis.KIND_NOT_EVALUATED}))

    def aside(self) -> tuple[Unseen, ...]:
        """Kinds that are present and not evaluated, and about networks that no verdict is about."""
        return self.judge.doubts.aside

    @cached_property
    def matrix(self) -> Matrix:
        """All pairs of classes as masks: who reaches a class, on which ports, without asking pair by pair."""
        return Matrix(self.judge)

    def relation(self, families: Iterable[str] = tuple(FAMILIES)) -> Iterator[Row]:
        """The whole relation as flat rows (AGG-5)."""
        return relation(self.matrix, families)

    @cached_property
    def _shown(self) -> dict[Decision, Evidence]:
        """What decisions were shown by: many verdicts rest on one, and there are no more of them than rules' peers."""
        return {}

    @cached_property
    def _policy_of(self) -> dict[ObjectRef, CompiledPolicy]:
        of_mesh = self.judge.narrowing.policies if self.judge.narrowing else ()
        return self.policies_of_nodes | {policy.ref: policy for policy in (*self.judge.policies, *of_mesh)}

    @cached_property
    def _exemptions(self) -> Exemptions:
        return Exemptions(self.cluster, self.cni)

    def _class(self, cls: int) -> End:
        return End(cls, self.cluster.classes[cls].nodes)

    def _pod(self, number: int) -> End:
        pod = self.cluster.pods[number]
        return End(pod.cls, (pod.node,) if pod.node else (), number)

    def _egress(self, end: End, address: str, protocol: str, port: int) -> ReachVerdict:
        peers = self.judge.universe.address_bit(address)
        family = family_of(address)
        if not self._has_family(end, family):
            return self._without(end, family)
        side = self._exemptions.held_back(self._side(Direction.EGRESS, end, peers, protocol, port), end, address)
        of = self.judge.universe.peer_bit(end.cls, family)
        guard = self._at_node(Direction.INGRESS, address, of, protocol, port, end.nodes)
        exempt = self._exemptions.to_address(end, address)
        return combine(self.cni, side, guard or external(Direction.INGRESS), exempt, guards=(guard,) if guard else ())

    def _towards(self, cls: int, address: str, protocol: str, port: int) -> ReachVerdict:
        """What policies say of an address as a destination of a class, its own node left aside."""
        side = self.judge.side(Direction.EGRESS, cls, self.judge.universe.address_bit(address), protocol, port)
        of = self.judge.universe.peer_bit(cls, family_of(address))
        guard = self._at_node(Direction.INGRESS, address, of, protocol, port)
        return combine(self.cni, side, guard or external(Direction.INGRESS))

    def _ingress(self, address: str, end: End, protocol: str, port: int) -> ReachVerdict:
        peers = self.judge.universe.address_bit(address)
        family = family_of(address)
        if not self._has_family(end, family):
            return self._without(end, family)
        side = self._side(Direction.INGRESS, end, peers, protocol, port)
        to = self.judge.universe.peer_bit(end.cls, family)
        guard = self._at_node(Direction.EGRESS, address, to, protocol, port, end.nodes)
        exempt, mesh = self._exemptions.from_address(address, end), self.judge.mesh(end.cls, peers, protocol, port)
        return combine(
            self.cni, guard or external(Direction.EGRESS), side, exempt, mesh, guards=(guard,) if guard else ()
        )

    def _connect(self, source: End, target: End, protocol: str, port: int, family: str) -> ReachVerdict:
        if family not in FAMILIES:
            raise ValueError(f"{family!r} is no address family: expected IPv4 or IPv6")
        for end in (source, target):
            if not self._has_family(end, family):
                return self._without(end, family)
        judge = self.judge
        to, of = (judge.universe.peer_bit(end.cls, family) for end in (target, source))
        egress = self._exemptions.held_back(
            self._side(Direction.EGRESS, source, to, protocol, port, target.nodes), source, target
        )
        ingress = self._side(Direction.INGRESS, target, of, protocol, port, source.nodes)
        mesh, exempt = judge.mesh(target.cls, of, protocol, port), self._exemptions.between(source, target)
        listed = (
            judge.guard(Direction.EGRESS, source.cls, to, protocol, port, self._place(source, target.nodes)),
            judge.guard(Direction.INGRESS, target.cls, of, protocol, port, self._place(target, source.nodes)),
        )
        guards = tuple(guard for guard in listed if guard is not None) if exempt else ()
        return combine(self.cni, egress, ingress, exempt, mesh, guards)

    def _side(
        self, direction: Direction, end: End, peers: int, protocol: str, port: int, beside: tuple[str, ...] = ()
    ) -> Side:
        return self.judge.side(direction, end.cls, peers, protocol, port, self._place(end, beside))

    def _place(self, end: End, beside: tuple[str, ...]) -> Place:
        """Where an end is; the nodes ``beside`` it count where one pod is meant, whose class may be on others too."""
        pod = self.cluster.pods[end.pod] if end.pod >= 0 else None
        addresses = pod.addresses if pod else self.cluster.classes[end.cls].addresses
        return Place(end.nodes, addresses, beside if len(beside) == 1 else ())

    def _at_node(
        self, direction: Direction, address: str, peers: int, protocol: str, port: int, beside: tuple[str, ...] = ()
    ) -> Side | None:
        """The side of a node that has an address, by policies of nodes; None where none concern it."""
        node = self.judge.guards.owner(address) if self.judge.guards else None
        if node is None:
            return None
        place = Place((node.node,), (node.address,), beside if len(beside) == 1 else ())
        return self.judge.node_side(direction, place, peers, protocol, port)

    def _has_family(self, end: End, family: str) -> bool:
        """Whether a class has an address of a family; where none is known it may."""
        known = self.cluster.classes[end.cls].families
        return not known or family in known

    def _without(self, end: End, family: str) -> ReachVerdict:
        pod = self.cluster.pods[end.pod if end.pod >= 0 else self.cluster.classes[end.cls].pods[0]]
        return no_address(family, (field(pod.ref, ("status", "podIPs"), [{"ip": ip} for ip in pod.addresses]),))


def build(cluster: Cluster, settings: Settings) -> Reach:
    """Compile the policies of a cluster under the plugin it shows.

    Raises ``UsageError`` for a ``cni-profile`` that does not exist.
    """
    return assemble(cluster, detect(cluster, settings))


def assemble(
    cluster: Cluster,
    cni: CniProfile,
    mesh: membership.Mesh | None = None,
    seen: Callable[[Universe], Universe] | None = None,
) -> Reach:
    """Compile the policies of a cluster under a given plugin.

    ``mesh`` is that of the cluster where none is given, ``seen`` may change what selectors match
    (:mod:`kubeaudit.network.strangers`).
    """
    policies_of_mesh = any(cluster.policies.get(key) for key in istio.RESOURCES)
    around = (mesh or membership.mesh(cluster)) if policies_of_mesh else None
    of_mesh = istio.cuts(cluster, around) if around else Cuts()
    cuts = united((*(dialect.cuts(cluster) for dialect in DIALECTS), plugin_cuts(cluster, cni), of_mesh))
    networks = fields.networks(cuts.networks)
    owned = [networks[text] for node in cluster.nodes for text in map(single, node.addresses) if text in networks]
    found = universe(cluster, ip_space(networks.values(), owned), cuts.names)
    found = seen(found) if seen else found
    named = {(protocol, number, number) for (_, protocol), numbers in found.named.items() for number in numbers}
    ports = port_space(cuts.intervals | named)
    masks = Masks(cluster, found, ports, cni, networks)
    frame = Frame(found.size, ports.everything, ports.icmp, found.everything, not cni.isolates_all, cni.settles_icmp)
    of_nodes = tuple(of_hosts(masks, cni))
    forwarded = tuple(policy for one in of_nodes for policy in one.forwarded)
    nodes_only = {policy.ref for one in of_nodes for policy in one.policies if policy.selected}
    every = chain.from_iterable(dialect.compile(masks) for dialect in DIALECTS)
    of_pods = (policy for policy in every if policy.selected or policy.faulty or policy.ref not in nodes_only)
    compiled = tuple(marked((*of_pods, *barriers(forwarded, frame)), cni))
    ingress, egress = (table(direction, compiled, frame) for direction in (Direction.INGRESS, Direction.EGRESS))
    narrowing = _narrowing(masks, around, structs.replace(frame, default_allow=True)) if around else None
    open_questions = doubts(cluster, found, cni, compiled, (ingress, egress), EVALUATED, masks.doubts)
    around_nodes = guards(masks, of_nodes, frame)
    judge = Judge(cluster, found, ports, cni, compiled, ingress, egress, open_questions, narrowing, around_nodes)
    return Reach(cluster, cni, (*masks.problems, *declared_twice(cluster, cuts.names)), judge)


def _narrowing(masks: Masks, around: membership.Mesh, frame: Frame) -> Narrowing | None:
    policies = tuple(istio.compile_all(masks, around))
    return Narrowing(around, masks.ports, policies, table(Direction.INGRESS, policies, frame)) if policies else None
