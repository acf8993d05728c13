"""The door of the package: who may open a connection to whom, on which port, and what decides it.

``build`` compiles the policies of a cluster once; every question is then answered from masks, in microseconds.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.addresses import cut
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.networking import NetworkPolicy
from kubeaudit.network import networkpolicy
from kubeaudit.network.cni import CniProfile, detect
from kubeaudit.network.doubts import doubts
from kubeaudit.network.evidence import AllowAll, allow_all, evidence, no_policy
from kubeaudit.network.ipspace import FAMILIES, ip_space
from kubeaudit.network.judge import Exemption, Judge, external, no_address
from kubeaudit.network.matrix import Column, Matrix
from kubeaudit.network.ports import port_space
from kubeaudit.network.relation import Row, relation
from kubeaudit.network.rows import Table, table
from kubeaudit.network.universe import universe
from kubeaudit.network.verdicts import Action, Basis, Decision, Direction, PolicyProblem, ReachVerdict, Side
from kubeaudit.proof import Evidence
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact, Settings

__all__ = [
    "Action",
    "AllowAll",
    "Basis",
    "CniProfile",
    "Column",
    "Decision",
    "Direction",
    "Matrix",
    "PolicyProblem",
    "Reach",
    "ReachVerdict",
    "Row",
    "Side",
    "assemble",
    "build",
]

_NEVER_A_NODE = frozenset(["100.100.100.200", "168.63.129.16", "fd00:ec2::254"])
"""Metadata addresses outside the link-local range (network.md, 3.12)."""


class Reach(Struct, frozen=True, eq=False, dict=True):
    """Answers for one cluster.

    Pure: the same question has the same answer. Classes and pods are named by their index in the cluster.
    """

    cluster: Cluster
    cni: CniProfile
    problems: tuple[PolicyProblem, ...]
    judge: Judge

    def egress(self, cls: int, address: str, protocol: str, port: int) -> ReachVerdict:
        """Whether a class may open a connection to an address outside the pods: metadata, a node, the API server.

        Raises ``ValueError`` where the text is no address or the number no port of TCP, UDP or SCTP.
        """
        return self._egress(cls, self.cluster.classes[cls].nodes, address, protocol, port)

    def ingress(self, address: str, cls: int, protocol: str, port: int) -> ReachVerdict:
        """Whether an address outside the pods may open a connection to a class.

        Raises ``ValueError`` as :meth:`egress` does.
        """
        return self._ingress(address, cls, self.cluster.classes[cls].nodes, protocol, port)

    def from_internet(self, cls: int, protocol: str, port: int) -> ReachVerdict:
        """Whether some public address (EXP-01) may open a connection to a class, in a family the class has.

        ``sources`` of the verdict are the public CIDRs let in, if they are fewer than half of a family's addresses
        (EXP-02).
        """
        judge, space = self.judge, self.judge.universe.space
        families = self.cluster.classes[cls].families or ("IPv4",)
        public = sum(space.family(FAMILIES[family]) for family in families) & space.public
        peers = judge.universe.external(public)
        side = judge.side(Direction.INGRESS, cls, peers, protocol, port)
        verdict = judge.combine(external(Direction.EGRESS), side)
        return _with_sources(verdict, self._public_sources(cls, public, families, judge.ports.atom(protocol, port)))

    def connect(self, source: int, target: int, protocol: str, port: int, family: str = "IPv4") -> ReachVerdict:
        """Whether some pod of a class may open a connection to some pod of another class, or of its own.

        A pod always reaches itself (NET-53), so a class always reaches its own pods in this sense. Raises
        ``ValueError``.
        """
        classes = self.cluster.classes
        exempt = self._exempt(source, target, classes[source].nodes, classes[target].nodes, source == target)
        return self._connect(source, target, protocol, port, family, exempt)

    def packet(
        self, source: int | str, target: int | str, protocol: str, port: int, family: str = "IPv4"
    ) -> ReachVerdict:
        """Whether one pod or address may open a connection to another: pods by index, addresses as text.

        Unlike :meth:`connect` it looks at the nodes of these two pods alone. Raises ``ValueError``.
        """
        pods = self.cluster.pods
        if any(isinstance(end, int) and pods[end].cls < 0 for end in (source, target)):
            return no_address("finished")
        if isinstance(source, str) and isinstance(target, str):
            raise ValueError("one end of a connection must be a pod")
        if isinstance(target, str):
            assert isinstance(source, int)
            return self._egress(pods[source].cls, _node(pods[source].node), target, protocol, port)
        if isinstance(source, str):
            return self._ingress(source, pods[target].cls, _node(pods[target].node), protocol, port)
        one, other = pods[source], pods[target]
        exempt = self._exempt(one.cls, other.cls, _node(one.node), _node(other.node), source == target)
        return self._connect(one.cls, other.cls, protocol, port, family, exempt)

    def isolating(self, cls: int, direction: Direction | str) -> tuple[ObjectRef, ...]:
        """The policies that isolate a class in a direction (``ingress`` or ``egress``); none: it is open."""
        signature = self.judge.table(Direction(direction)).of(cls)
        return tuple(self.judge.policies[number].ref for number in signature.policies)

    def evidence(self, decision: Decision) -> Evidence:
        """The field that decided, with the value the policy has there."""
        return evidence(self._policy_of[decision.policy], decision)

    def proof(self, verdict: ReachVerdict) -> tuple[Evidence, ...]:
        """What proves a verdict: the deciding peers and selectors, or that no policy selects the pod; egress first."""
        found: dict[Evidence, None] = {}
        for side in (verdict.egress, verdict.ingress):
            found.update((self.evidence(decision), None) for decision in side.by)
            if Basis.DEFAULT_ALLOW in side.basis and side.namespace:
                found[no_policy(side.namespace, side.direction)] = None
        return tuple(found)

    def allow_all_rules(self) -> Iterator[AllowAll]:
        """Rules that allow everything in a direction (check net-allow-all)."""
        for policy in self.cluster.network_policies:
            yield from allow_all(policy)

    @cached_property
    def matrix(self) -> Matrix:
        """All pairs of classes as masks: who reaches a class, on which ports, without asking pair by pair."""
        return Matrix(self.judge)

    def relation(self, families: Iterable[str] = tuple(FAMILIES)) -> Iterator[Row]:
        """The whole relation as flat rows (AGG-5)."""
        return relation(self.matrix, families)

    def unevaluated(self) -> tuple[Unseen, ...]:
        """Policy kinds that are present and not evaluated yet: what they select is not known."""
        return tuple(sorted({d.unseen for d in self.judge.doubts if d.basis is Basis.KIND_NOT_EVALUATED}))

    @cached_property
    def _policy_of(self) -> dict[ObjectRef, NetworkPolicy]:
        return {networkpolicy.ref_of(policy): policy for policy in self.cluster.network_policies}

    @cached_property
    def _node_addresses(self) -> dict[str, tuple[str, ...]]:
        return {node.ref.name: node.addresses for node in self.cluster.nodes}

    def _egress(self, cls: int, nodes: tuple[str, ...], address: str, protocol: str, port: int) -> ReachVerdict:
        peers = self.judge.universe.address_bit(address)
        if not self._has_family(cls, _family(address)):
            return no_address(_family(address))
        side = self.judge.side(Direction.EGRESS, cls, peers, protocol, port)
        exempt = self._own_node(nodes, address, self.cni.pod_reaches_own_node)
        return self.judge.combine(side, external(Direction.INGRESS), exempt)

    def _ingress(self, address: str, cls: int, nodes: tuple[str, ...], protocol: str, port: int) -> ReachVerdict:
        peers = self.judge.universe.address_bit(address)
        if not self._has_family(cls, _family(address)):
            return no_address(_family(address))
        side = self.judge.side(Direction.INGRESS, cls, peers, protocol, port)
        exempt = self._own_node(nodes, address, self.cni.node_reaches_own_pod)
        return self.judge.combine(external(Direction.EGRESS), side, exempt)

    def _connect(
        self, source: int, target: int, protocol: str, port: int, family: str, exempt: tuple[Exemption, ...]
    ) -> ReachVerdict:
        if family not in FAMILIES:
            raise ValueError(f"{family!r} is no address family: expected IPv4 or IPv6")
        if not (self._has_family(source, family) and self._has_family(target, family)):
            return no_address(family)
        judge = self.judge
        egress = judge.side(Direction.EGRESS, source, judge.universe.peer_bit(target, family), protocol, port)
        ingress = judge.side(Direction.INGRESS, target, judge.universe.peer_bit(source, family), protocol, port)
        return judge.combine(egress, ingress, exempt)

    def _has_family(self, cls: int, family: str) -> bool:
        """Whether a class has an address of a family; where none is known it may."""
        known = self.cluster.classes[cls].families
        return not known or family in known

    def _exempt(
        self, source: int, target: int, source_nodes: tuple[str, ...], target_nodes: tuple[str, ...], same: bool
    ) -> tuple[Exemption, ...]:
        """A pod with itself (NET-53); a pod with host-network pods of its own node (NET-44, NET-45)."""
        if same:
            return (Exemption("self", Fact.YES, "", _NOTHING),)
        host = self.judge.universe.host
        from_host, to_host = host >> source & 1, host >> target & 1
        if from_host == to_host:
            return ()
        fact = self.cni.node_reaches_own_pod if from_host else self.cni.pod_reaches_own_node
        if set(source_nodes) & set(target_nodes):
            return (self._own(fact),)
        if any(not self.cluster.classes[cls].pods for cls in (source, target)):
            return (
                Exemption(
                    "own_node",
                    Fact.UNKNOWN,
                    "pods of a running cluster",
                    Unseen(Reason.READ_INCOMPLETE, "pods", detail="not scheduled yet"),
                ),
            )
        return ()

    def _own_node(self, nodes: tuple[str, ...], address: str, fact: Fact) -> tuple[Exemption, ...]:
        """The address of a pod's own node (NET-44); a pod whose Node was not read may have it."""
        found = parse(address)
        known = self._node_addresses
        if any(parse(own) == found for node in nodes for own in known.get(node, ())):
            return (self._own(fact),)
        unread = any(node not in known for node in nodes)
        if unread and found is not None and not (found.is_link_local or found.is_loopback or address in _NEVER_A_NODE):
            return (Exemption("own_node", Fact.UNKNOWN, "list nodes", Unseen(Reason.READ_INCOMPLETE, "nodes")),)
        return ()

    def _own(self, fact: Fact) -> Exemption:
        detail = f"traffic between a pod and its own node with {self.cni.name or 'this network plugin'}"
        unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail)
        return Exemption("own_node", fact, "switches of the network plugin for traffic to its own node", unseen)

    def _public_sources(self, cls: int, public: int, families: tuple[str, ...], port: int) -> tuple[str, ...]:
        universe, space = self.judge.universe, self.judge.universe.space
        signature = self.judge.ingress.of(cls)
        if not signature.policies or universe.host >> cls & 1 or self.cni.enforces is Fact.NO:
            return ()
        allowed = universe.atoms_of(signature.at(port).peers) & public
        if allowed == public:
            return ()
        for version in (FAMILIES[family] for family in families):
            if 2 * space.count(allowed, version) >= space.count(public, version):
                return ()
        return space.cidrs(allowed)


_NOTHING = Unseen(Reason.READ_INCOMPLETE)


def build(cluster: Cluster, settings: Settings) -> Reach:
    """Compile the policies of a cluster under the plugin it shows.

    Raises ``UsageError`` for an unknown ``cni-profile``.
    """
    return assemble(cluster, detect(cluster, settings))


def assemble(cluster: Cluster, cni: CniProfile) -> Reach:
    """Compile the policies of a cluster under a given plugin."""
    policies = cluster.network_policies
    found = universe(cluster, ip_space(cut(policies).cuts), networkpolicy.port_names(policies))
    named = ((protocol, number, number) for (_, protocol), numbers in found.named.items() for number in numbers)
    ports = port_space(networkpolicy.intervals(policies, named))
    compiler = networkpolicy.Compiler(found, ports, cni)
    compiled = tuple(compiler.compile(policy) for policy in policies)

    def rows(direction: Direction) -> Table:
        return table(direction, compiled, found.size, ports.everything, found.everything, not cni.isolates_all)

    ingress, egress = rows(Direction.INGRESS), rows(Direction.EGRESS)
    open_questions = doubts(cluster, found, cni, compiled, (ingress, egress))
    judge = Judge(cluster.classes, found, ports, cni, compiled, ingress, egress, open_questions)
    return Reach(cluster, cni, tuple(compiler.problems), judge)


def _with_sources(verdict: ReachVerdict, sources: tuple[str, ...]) -> ReachVerdict:
    return structs.replace(verdict, sources=sources)


def _node(name: str) -> tuple[str, ...]:
    return (name,) if name else ()


def _family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"
