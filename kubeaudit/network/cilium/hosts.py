"""Cilium's policies of nodes: what the host firewall asks of a node and its host-network pods (NET-114).

It judges traffic with everything but the node itself, with pods of the node too. Every node has one face; the last
face is that of nodes without the firewall.
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.implied import requirements
from kubeaudit.model.objects.cilium import CiliumClusterwideNetworkPolicy, Selector, every_spec
from kubeaudit.model.objects.meta import LabelSelector
from kubeaudit.model.selectors import InvalidSelectorError, bits_of, index, mask_of
from kubeaudit.network.cilium.compile import Compiler, Part
from kubeaudit.network.cilium.faults import faults
from kubeaudit.network.cilium.fields import CLUSTERWIDE
from kubeaudit.network.cilium.peers import node_selector
from kubeaudit.network.cilium.places import Places
from kubeaudit.network.cilium.rules import Rules
from kubeaudit.network.cilium.selectors import EndpointSelectors, counts
from kubeaudit.network.cilium.switches import CONFIG, FIREWALL, CiliumSwitches, switches
from kubeaudit.network.compiled import CompiledPolicy
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.masks import Masks
from kubeaudit.network.nodes.policies import FIREWALL as FIREWALL_UNKNOWN
from kubeaudit.network.nodes.policies import PLACE, UNPLACED, HostMasks, HostPolicies, Ways, of_policies
from kubeaudit.network.verdicts import Basis, Direction
from kubeaudit.proof import Evidence, field, missing
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

_BOTH = (Direction.INGRESS, Direction.EGRESS)


def compile_all(masks: Masks) -> HostPolicies | None:
    """The policies of nodes; None where there are none, and none may be missing."""
    found = switches(masks.cluster)
    firewall = found.on(FIREWALL)
    policies = masks.held(CLUSTERWIDE, CiliumClusterwideNetworkPolicy)
    listed = [policy for policy in policies if any(_of_nodes(spec) for _, spec in every_spec(policy))]
    always = masks.cni.isolates_all and firewall is Fact.YES
    unread = masks.cni.has_effect(CLUSTERWIDE) and firewall is not Fact.NO and masks.cluster.complete.gap(CLUSTERWIDE)
    if not listed and not always and not unread:
        return None
    nodes = _Nodes(masks, found)
    if firewall is Fact.NO:
        return nodes.switched_off(listed)
    return nodes.compiled(listed)


def _of_nodes(spec: object) -> bool:
    return isinstance(getattr(spec, "node_selector", None), Selector)


class _Chosen(Struct, frozen=True):
    """Faces of the nodes that a selector matches: for certain, and perhaps."""

    sure: int
    perhaps: int


class _Nodes:
    """The nodes of a cluster, each with a face by its place."""

    def __init__(self, masks: Masks, found: CiliumSwitches) -> None:
        cluster = masks.cluster
        self._masks, self._switches = masks, found
        self._labels = {node.ref.name: node.node.metadata.labels for node in cluster.nodes}
        on_host = {name for cls in cluster.classes if cls.shape.host_network for name in cls.nodes}
        self._names = sorted(self._labels.keys() | on_host)
        self._index = index([self._labels.get(name, {}) for name in self._names])
        self._unlisted = mask_of(place for place, name in enumerate(self._names) if name not in self._labels)
        self._bare = len(self._names)
        addresses = {node.ref.name: node.addresses for node in cluster.nodes}
        self._hosts = HostMasks(masks, [*(addresses.get(name, ()) for name in self._names), ()])

    def switched_off(self, listed: list[CiliumClusterwideNetworkPolicy]) -> HostPolicies:
        """Policies that have no effect, with the switch that shows it."""
        ways, bare, chosen = dict[str, Ways](), (self._bare,), 0
        for policy in listed:
            for _, spec in every_spec(policy):
                if isinstance(spec.node_selector, Selector):
                    found = self._select(spec.node_selector)
                    chosen |= found.sure | found.perhaps
        for place, name in enumerate(self._names):
            if chosen >> place & 1:
                ways[name] = Ways({}, bare, bare, bare, off=(self._switch(),))
        return HostPolicies(self._bare + 1, ways)

    def compiled(self, listed: list[CiliumClusterwideNetworkPolicy]) -> HostPolicies:
        """Policies that have effect, or may have."""
        masks, hosts = self._masks, self._hosts
        nodes_by_cidr = masks.cni.ipblock_matches_nodes if masks.cni.name == "cilium" else Fact.UNKNOWN
        selectors = EndpointSelectors(masks.cluster, masks.universe, self._switches)
        places = Places(hosts, nodes_by_cidr, [*((name,) for name in self._names), ()])
        rules = Rules(hosts, self._switches, selectors, places)
        policies = [one for policy in listed for one in self._of(policy, Compiler(
            hosts, self._switches, selectors, rules, CLUSTERWIDE, policy))]  # fmt: skip
        doubts = [*hosts.doubts, *self._unread(), *of_policies(masks.cluster, policies)]
        touched = (1 << self._bare) - 1 if masks.cni.isolates_all else 0
        for mask in (*(policy.selected for policy in policies), *(doubt.classes for doubt in doubts)):
            touched |= mask
        return HostPolicies(self._bare + 1, self._ways(touched), tuple(policies), tuple(doubts))

    def _of(self, policy: CiliumClusterwideNetworkPolicy, compiler: Compiler) -> Iterator[CompiledPolicy]:
        every = (1 << self._bare) - 1
        for path, spec in every_spec(policy):
            if isinstance(spec.node_selector, Selector):
                try:
                    found = self._select(spec.node_selector)
                except InvalidSelectorError:
                    found = _Chosen(0, every)
                if any(faults(policy, False, self._switches)):
                    yield compiler.refused((*path, "nodeSelector"), found.sure | found.perhaps)
                    continue
                if found.perhaps:
                    self._hosts.doubts.append(self._doubt(compiler.ref, found.perhaps))
                yield from compiler.of_part(Part(path, spec, spec.node_selector, found.sure, "nodeSelector"))

    def _select(self, selector: Selector) -> _Chosen:
        """The nodes that a selector matches. Labels that the agent leaves out of identities match nothing."""
        sure = possible = (1 << self._bare) - 1
        for term in requirements(node_selector(selector)):
            fact = counts(term.key, self._switches)
            absent = (1 << self._bare) - 1 if term.operator in ("NotIn", "DoesNotExist") else 0
            matched = self._index.select(LabelSelector(match_expressions=(term,))) if fact is not Fact.NO else absent
            known = -1 if fact is Fact.NO else ~self._unlisted
            sure &= matched & known & (absent if fact is Fact.UNKNOWN else -1)
            possible &= matched | ~known | (absent if fact is Fact.UNKNOWN else 0)
        return _Chosen(sure, possible & ~sure)

    def _ways(self, touched: int) -> dict[str, Ways]:
        """The ways of the nodes that something may be asked of."""
        bare, found = (self._bare,), dict[str, Ways]()
        unknown = self._switches.on(FIREWALL) is Fact.UNKNOWN
        for place, name in enumerate(self._names):
            if touched >> place & 1:
                faces = (place, self._bare) if unknown else (place,)
                found[name] = Ways({}, faces, faces, bare, doubt=FIREWALL_UNKNOWN)
        every = tuple(range(self._bare + 1))
        found[UNPLACED] = Ways({}, every, every, bare, doubt=PLACE)
        return found

    def _switch(self) -> Evidence:
        ref, path = ObjectRef("ConfigMap", *CONFIG), ("data", FIREWALL)
        value = (self._switches.config or {}).get(FIREWALL)
        note = "the host firewall is off, so that policies of nodes have no effect"
        return missing(ref, path, note) if value is None else field(ref, path, value, note)

    def _doubt(self, ref: ObjectRef, faces: int) -> Doubt:
        gap = self._masks.cluster.complete.gap("nodes")
        if faces & self._unlisted:
            names = ", ".join(self._names[place] for place in bits_of(faces & self._unlisted))
            unseen = Unseen(Reason.READ_INCOMPLETE, "nodes", detail=f"the labels of {names}")
            unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail) if gap else unseen
            return Doubt(Basis.INPUT_INCOMPLETE, faces, _BOTH, True, True, "list nodes", unseen)
        detail = f"{ref}: which labels of nodes count for policies"
        unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, CLUSTERWIDE, detail=detail)
        return Doubt(Basis.INPUT_INCOMPLETE, faces, _BOTH, True, True, "labels of cilium-config", unseen)

    def _unread(self) -> Iterator[Doubt]:
        gap = self._masks.cluster.complete.gap(CLUSTERWIDE)
        if gap is not None:
            unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
            every = (1 << self._bare) - 1
            yield Doubt(Basis.INPUT_INCOMPLETE, every, _BOTH, True, True, f"list {CLUSTERWIDE}", unseen)
