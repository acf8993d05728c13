"""One side of a connection: what the policies of a pod say of a peer, and what leaves that open (network.md, 4)."""

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.nodes import family_of
from kubeaudit.network.calico import doubts as calico_doubts
from kubeaudit.network.cilium import doubts as cilium_doubts
from kubeaudit.network.combine import external, merged, stricter
from kubeaudit.network.compiled import END_PORT, CompiledPolicy
from kubeaudit.network.doubts import Doubt, Doubts
from kubeaudit.network.evidence import value_at
from kubeaudit.network.mesh.narrowing import Narrowing
from kubeaudit.network.nodes.guards import Guard, Guards
from kubeaudit.network.nodes.side import judged as node_side
from kubeaudit.network.nodes.whereabouts import Place
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.ports import PortSpace
from kubeaudit.network.rows import Signature, Table
from kubeaudit.network.trace import Trace, joined, trace
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Action, Basis, Direction, Side
from kubeaudit.proof import Evidence, State, field
from kubeaudit.settings import Fact

_PROFILE = "a profile of the network plugin (--cni-profile)"
_ADDRESSES = "addresses of running pods"
_FIRST_PORT = "the plugin reads the first port of a range alone"


class Judge(Struct, frozen=True):
    """Everything a verdict is made of. All methods are pure.

    ``guards`` are the policies of nodes, where there are any. ``of_nodes``: subjects are the faces of a guard.
    """

    cluster: Cluster
    universe: Universe
    ports: PortSpace
    cni: CniProfile
    policies: tuple[CompiledPolicy, ...]
    ingress: Table
    egress: Table
    doubts: Doubts
    narrowing: Narrowing | None = None
    guards: Guards | None = None
    of_nodes: bool = False

    def table(self, direction: Direction) -> Table:
        """The rows of a direction."""
        return self.ingress if direction is Direction.INGRESS else self.egress

    def side(
        self, direction: Direction, cls: int, peers: int, protocol: str, port: int, place: Place | None = None
    ) -> Side:
        """The verdict of one class towards any of some peers. Raises ``ValueError`` for what is no port.

        ``place`` says more of a host-network pod and its peer than their classes do.
        """
        judged = self._by_its_own(direction, cls, peers, protocol, port)
        guard = self.guard(direction, cls, peers, protocol, port, place)
        return judged if guard is None else stricter(judged, guard)

    def guard(
        self, direction: Direction, cls: int, peers: int, protocol: str, port: int, place: Place | None = None
    ) -> Side | None:
        """What policies of nodes say of a host-network class; None where there are none that concern it."""
        if self.guards is None or not self.universe.host >> cls & 1:
            return None
        found = self.cluster.classes[cls]
        return self.node_side(direction, place or Place(found.nodes, found.addresses), peers, protocol, port)

    def node_side(self, direction: Direction, place: Place, peers: int, protocol: str, port: int) -> Side | None:
        """What policies of nodes say of a node and any of some peers; None where there are none that concern it."""

        def ask(guard: Guard, face: int, part: int) -> Side:
            court = structs.replace(
                self,
                policies=guard.policies,
                ingress=guard.ingress,
                egress=guard.egress,
                doubts=guard.doubts,
                of_nodes=True,
            )
            return court._by_its_own(direction, face, part, protocol, port)

        return None if self.guards is None else node_side(self.guards, direction, place, peers, ask)

    def outside(self, direction: Direction, cls: int, peers: int, protocol: str, port: int) -> Side:
        """The side of some addresses that policies of nodes treat alike, towards a class: that of one of them."""
        spot = self.guards.among(peers) if self.guards else None
        if spot is None:
            return external(direction)
        of = self.universe.peer_bit(cls, family_of(spot.address))
        place = Place((spot.node,), (spot.address,))
        return self.node_side(direction, place, of, protocol, port) or external(direction)

    def _by_its_own(self, direction: Direction, cls: int, peers: int, protocol: str, port: int) -> Side:
        atom = self.ports.atom(protocol, port)
        signature = self.table(direction).of(cls)
        if self.universe.host >> cls & 1 and not self.of_nodes:
            judged = self._host_side(direction, cls, signature, peers, atom)
        else:
            judged = self._by_policies(direction, cls, signature, peers, atom)
        if self.cni.enforces is Fact.NO and judged.state is not State.YES:
            judged = _not_enforced(judged)
        return self._with_doubts(judged, cls, protocol)

    def mesh(self, cls: int, peers: int, protocol: str, port: int) -> Side | None:
        """What a mesh in front of a class takes away of connections from some peers; None where it is nothing."""
        if self.narrowing is None or protocol != "TCP":
            return None
        return self.narrowing.side(cls, peers, self.ports.atom(protocol, port), self.cluster.classes[cls].namespace)

    def _by_policies(self, direction: Direction, cls: int, signature: Signature, peers: int, atom: int) -> Side:
        namespace = "" if self.of_nodes else self.cluster.classes[cls].namespace
        if not signature.stages:
            if self.cni.isolates_all:
                return Side(direction, State.BLOCKED, (Basis.CNI_PROFILE,), namespace)
            return Side(direction, State.YES, (Basis.DEFAULT_ALLOW,), namespace)
        found = joined(
            [
                trace(direction, self.policies, stages, peers, atom, atom == self.ports.icmp)
                for stages in (signature.stages, *signature.or_else)
            ]
        )
        allow = found.allow | (0 if self.cni.isolates_all else found.rest)
        deny = found.deny | (found.rest if self.cni.isolates_all else 0)
        allowed = allow & ~deny
        isolating = merged((tuple(self.policies[number].ref for number in signature.isolating),))
        if allowed:
            return self._allowed(Side(direction, State.YES, (), namespace, isolating=isolating), found, allowed)
        by = tuple(hit.decision for hit in found.hits if hit.decision.action is Action.DENY) + found.ends
        basis = Basis.POLICY if by else Basis.CNI_PROFILE
        blocked = Side(direction, State.BLOCKED, (basis,), namespace, by=merged((by,)), isolating=isolating)
        if allow & deny:
            return self._undefined(blocked, found, allow & deny)
        return self._for_want_of_ranges(blocked, signature, found, peers, (1 << cls, atom))

    def _for_want_of_ranges(
        self, blocked: Side, signature: Signature, found: Trace, peers: int, at: tuple[int, int]
    ) -> Side:
        """What a range of ports would allow if the plugin read more of it than the first port (NET-24).

        ``at`` are the masks of the class and of the port.
        """
        cls, atom = at
        for hit in found.hits:
            peers &= ~hit.sure if hit.decision.action is Action.DENY else -1
        for policy in (self.policies[number] for number in signature.isolating):
            half = policy.half(blocked.direction)
            for entry in half.unread if half else ():
                if entry.subjects & cls and entry.ports & atom and (entry.peers | entry.maybe) & peers:
                    shown = (value_at(policy, entry.path, _FIRST_PORT), *self.cni.evidence)
                    return structs.replace(blocked, basis=(Basis.CNI_PROFILE,), details=(END_PORT,), evidence=shown)
        return blocked

    def _allowed(self, side: Side, found: Trace, allowed: int) -> Side:
        """A side that is open for some peers: the rules that let them pass, and on which conditions."""
        hits = [hit for hit in found.hits if hit.decision.action is Action.ALLOW and (hit.sure | hit.perhaps) & allowed]
        plain = allowed & found.rest
        if plain and not any(hit.sure & allowed for hit in hits):
            return structs.replace(side, basis=(Basis.DEFAULT_ALLOW,))
        by = merged((tuple(hit.decision for hit in hits),))
        for hit in hits:
            plain |= hit.sure & allowed if not hit.entry.condition else 0
        if plain:
            return structs.replace(side, basis=(Basis.POLICY,), by=by)
        conditions = merged((tuple(hit.entry.condition for hit in hits if hit.entry.condition),))
        return structs.replace(side, basis=(Basis.L7_CONDITIONAL,), by=by, conditions=conditions)

    def _undefined(self, blocked: Side, found: Trace, peers: int) -> Side:
        """Peers that are let through only if something undefined has it so: what that is."""
        named = [hit.entry for hit in found.hits if hit.perhaps & peers and hit.entry.doubt]
        for doubt in (*found.doubts, *(entry.doubt for entry in named)):
            basis = Basis.INPUT_INCOMPLETE if doubt in _UNREAD else Basis.UNDEFINED
            side = _unknown(blocked, basis, doubt, *_SETTLED.get(doubt, (_PROFILE, _implementation(doubt))))
            asked = (entry.condition for entry in named if entry.doubt == doubt and entry.condition)
            return structs.replace(side, conditions=tuple(dict.fromkeys(asked)))
        return self._undefined_peer(blocked, peers)

    def _undefined_peer(self, blocked: Side, peers: int) -> Side:
        """A peer that an ipBlock may match: by the plugin's way (NET-38, -39) or by an address not known yet."""
        universe = self.universe
        classes = universe.seen_in(peers, "IPv4") | universe.seen_in(peers, "IPv6")
        if classes & universe.host or not classes:
            detail, fact = "ipblock_node", self.cni.ipblock_matches_nodes
        else:
            detail, fact = "ipblock_pod", self.cni.ipblock_matches_pods
        if fact is Fact.UNKNOWN or self.cni.host_network_label:
            return _unknown(
                blocked, Basis.UNDEFINED, detail, _PROFILE, _implementation("ipBlock against pod and node addresses")
            )
        unseen = Unseen(Reason.READ_INCOMPLETE, "pods", detail="no address yet")
        return _unknown(blocked, Basis.INPUT_INCOMPLETE, "pod_address", _ADDRESSES, unseen)

    def _host_side(self, direction: Direction, cls: int, signature: Signature, peers: int, atom: int) -> Side:
        """A host-network pod is not protected by policies; whether it is, is left to the plugin (NET-48, NET-51)."""
        judged = self._by_policies(direction, cls, signature, peers, atom)
        if not signature.stages:
            return Side(direction, State.YES, (Basis.DEFAULT_ALLOW,), judged.namespace)
        if judged.state is State.YES:
            return judged
        if self.cni.name:
            return structs.replace(
                judged,
                state=State.YES,
                basis=(Basis.CNI_PROFILE,),
                details=("host_network",),
                by=(),
                settle_by=(),
                unseen=(),
                evidence=(self._on_host(cls),),
            )
        return _unknown(
            judged, Basis.UNDEFINED, "host_network", _PROFILE, _implementation("host-network pods as subjects")
        )

    def _on_host(self, cls: int) -> Evidence:
        """The field that puts the pods of a class on the host network."""
        found = self.cluster.classes[cls]
        workload = self.cluster.workloads[found.workload]
        if found.pods:
            return field(self.cluster.pods[found.pods[0]].ref, ("spec", "hostNetwork"), True)
        return field(workload.ref, (*workload.template_path, "hostNetwork"), True)

    def _with_doubts(self, side: Side, cls: int, protocol: str) -> Side:
        for doubt in self.doubts.about(cls, side.direction, protocol):
            if side.state is State.UNKNOWN:
                side = _also(side, doubt)
            elif doubt.may_block if side.state is State.YES else doubt.may_allow:
                side = _unknown(side, doubt.basis, "", doubt.settle_by, doubt.unseen)
        return side


def _not_enforced(side: Side) -> Side:
    """What policies would block, or leave undefined, is open where nothing enforces them (NET-71)."""
    basis = (Basis.NOT_ENFORCED,)
    return structs.replace(side, state=State.YES, basis=basis, details=(), settle_by=(), unseen=(), conditions=())


def _unknown(side: Side, basis: Basis, detail: str, settle_by: str, unseen: Unseen) -> Side:
    return structs.replace(
        side,
        state=State.UNKNOWN,
        basis=(basis,),
        details=(detail,) if detail else (),
        settle_by=(settle_by,),
        unseen=(unseen,),
    )


def _also(side: Side, doubt: Doubt) -> Side:
    """A further reason why a side is not known."""
    return structs.replace(
        side,
        basis=merged((side.basis, (doubt.basis,))),
        settle_by=merged((side.settle_by, (doubt.settle_by,))),
        unseen=merged((side.unseen, (doubt.unseen,))),
    )


def _implementation(detail: str) -> Unseen:
    return Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=f"{detail} depends on the network plugin")


_SETTLED: dict[str, tuple[str, Unseen]] = {
    "icmp": (_PROFILE, _implementation("ICMP")),
    END_PORT: (
        "a version of the network plugin (tag of its image) that is known to read endPort, or not to",
        _implementation("endPort of a NetworkPolicy"),
    ),
    "equal_priority": (
        "distinct priorities of the policies",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="which of several policies with one priority is asked first"),
    ),
    "baseline_selection": (
        "a NetworkPolicy that selects the pod in this direction too",
        Unseen(
            Reason.UNKNOWN_IMPLEMENTATION,
            detail="whether the baseline tier holds for pods that NetworkPolicies select in the other direction only",
        ),
    ),
    "implementer": (
        _PROFILE,
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="whether the network plugin implements the kind of the policy"),
    ),
    "fqdn": (
        "the addresses of the domain names of the rule",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="which addresses a domain name stands for"),
    ),
    "exception": (
        "version 1.0.4 or later of the agent of the AWS VPC CNI",
        Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="whether the agent keeps to the exceptions of an ipBlock"),
    ),
    "node_addresses": ("list nodes", Unseen(Reason.READ_INCOMPLETE, "nodes", detail="the addresses of nodes")),
    **cilium_doubts.SETTLED,
    **calico_doubts.SETTLED,
}
"""What settles an undefined item, and what is not known about it."""

_UNREAD = frozenset(["node_addresses", *calico_doubts.UNREAD, *cilium_doubts.UNREAD])
"""Undefined items that are objects not read."""
