"""CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy into masks (NET-100..115).

Cilium has no order. Rules that deny beat all that allow, those of NetworkPolicies too (NET-101), so they are a tier
before that of NetworkPolicy; rules that allow stand beside NetworkPolicies in theirs.
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.cilium import (
    CiliumCIDRGroup,
    CiliumClusterwideNetworkPolicy,
    CiliumNetworkPolicy,
    CiliumPolicy,
    Section,
    Selector,
    Spec,
    cidrs,
    every_spec,
    items,
    networks,
)
from kubeaudit.model.selectors import InvalidSelectorError
from kubeaudit.network.cilium.faults import faults, is_empty
from kubeaudit.network.cilium.fields import CIDR_GROUPS, CLUSTERWIDE, GROUP, NAMESPACED, REQUIRES, port_cuts, section
from kubeaudit.network.cilium.peers import Where
from kubeaudit.network.cilium.places import NEVER_INSIDE, POD_IDENTITY, Places, api_server_addresses, single, usable
from kubeaudit.network.cilium.rules import Rules
from kubeaudit.network.cilium.selectors import FOREIGN, EndpointSelectors, by_namespace_labels, matches_absent
from kubeaudit.network.cilium.services import named_addresses
from kubeaudit.network.cilium.switches import FIREWALL, NO_EMPTY_RULE, NO_REQUIRES, CiliumSwitches, switches
from kubeaudit.network.compiled import NETWORK_POLICY, CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.fields import InvalidFieldError, network
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action, Basis, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact

RESOURCES = frozenset([NAMESPACED, CLUSTERWIDE, CIDR_GROUPS])
DENY = Tier(NETWORK_POLICY.rank - 1, "Cilium deny", Action.PASS)
"""Asked right before the policies that allow (NET-101)."""
_KINDS = {NAMESPACED: "CiliumNetworkPolicy", CLUSTERWIDE: "CiliumClusterwideNetworkPolicy"}
_NO_SECTION = "no section has a rule; newer releases refuse the policy, older ones ignore this part of it"


def cuts(cluster: Cluster) -> Cuts:
    """Where Cilium's policies cut addresses and ports; nodes and the API server are peers of their own."""
    policies = _policies(cluster)
    of_nodes = [address for node in cluster.nodes for address in node.addresses]
    if not policies:
        # Even without any, nodes may be judged apart: enable-policy always, policies that were not read.
        may_be = switches(cluster).on(FIREWALL) is Fact.YES or cluster.complete.gap(CLUSTERWIDE) is not None
        return Cuts(frozenset(map(single, filter(usable, of_nodes)))) if may_be else Cuts()
    texts = {text for policy in policies for text in networks(policy)}
    texts.update(text for group in cluster.held(CIDR_GROUPS, CiliumCIDRGroup) for text in cidrs(group))
    listed = (*of_nodes, *POD_IDENTITY, *api_server_addresses(cluster), *named_addresses(cluster, policies))
    texts.update(map(single, listed))
    found = tuple(port_cuts(policies))
    intervals = frozenset(interval for one in found for interval in one.intervals)
    return Cuts(frozenset({*texts, *NEVER_INSIDE}), frozenset(n for one in found for n, _ in one.names), intervals)


def _policies(cluster: Cluster) -> tuple[CiliumPolicy, ...]:
    namespaced = cluster.held(NAMESPACED, CiliumNetworkPolicy)
    return (*namespaced, *cluster.held(CLUSTERWIDE, CiliumClusterwideNetworkPolicy))


def compile_all(masks: Masks) -> Iterator[CompiledPolicy]:
    """Every policy of Cilium, where Cilium has effect (NET-78)."""
    held: tuple[tuple[str, tuple[CiliumPolicy, ...]], ...] = (
        (NAMESPACED, masks.held(NAMESPACED, CiliumNetworkPolicy)),
        (CLUSTERWIDE, masks.held(CLUSTERWIDE, CiliumClusterwideNetworkPolicy)),
    )
    if not any(policies for _, policies in held):
        return
    _report_groups(masks)
    found = switches(masks.cluster)
    nodes_by_cidr = masks.cni.ipblock_matches_nodes if masks.cni.name == "cilium" else Fact.UNKNOWN
    selectors = EndpointSelectors(masks.cluster, masks.universe, found)
    rules = Rules(masks, found, selectors, Places(masks, nodes_by_cidr))
    for resource, policies in held:
        for policy in policies:
            yield from Compiler(masks, found, selectors, rules, resource, policy).compiled()


def _report_groups(masks: Masks) -> None:
    for group in masks.held(CIDR_GROUPS, CiliumCIDRGroup):
        for position, text in enumerate(cidrs(group)):
            try:
                network(text)
            except InvalidFieldError as error:
                ref = ObjectRef("CiliumCIDRGroup", "", group.metadata.name, GROUP)
                masks.report(ref, ("spec", "externalCIDRs", position), str(error))


class Part(Struct, frozen=True):
    """One rule of a policy with the pods, or faces of nodes, that it selects by ``field``."""

    path: Path
    spec: Spec
    selector: Selector
    selected: int
    field: str = "endpointSelector"


class Compiler:
    """Compiles one policy."""

    def __init__(
        self,
        masks: Masks,
        found: CiliumSwitches,
        selectors: EndpointSelectors,
        rules: Rules,
        resource: str,
        policy: CiliumPolicy,
    ) -> None:
        self._masks = masks
        self._switches = found
        self._selectors = selectors
        self._rules = rules
        self._resource = resource
        self._policy = policy
        self._namespace = policy.metadata.namespace if resource == NAMESPACED else ""
        self.ref = ObjectRef(_KINDS[resource], self._namespace, policy.metadata.name, GROUP)

    def compiled(self) -> Iterator[CompiledPolicy]:
        """The policy, once for each of its rules and tiers; none of it has effect where the agent refuses a part."""
        wrong = list(faults(self._policy, self._resource == NAMESPACED, self._switches))
        for place, reason in wrong:
            self._masks.report(self.ref, place, reason)
        if wrong:
            yield self.refused(("spec", "endpointSelector"), self._meant())
            return
        for path, spec in every_spec(self._policy):
            if isinstance(spec.node_selector, Selector):
                self._of_nodes(path)
            elif isinstance(spec.endpoint_selector, Selector):
                yield from self.of_part(self._part(path, spec, spec.endpoint_selector))

    def _part(self, path: Path, spec: Spec, selector: Selector) -> Part:
        if self._namespace and FOREIGN in (selector.match_labels or {}):
            reason = "a namespaced policy selects pods of its own namespace; this label is ignored"
            self._masks.report(self.ref, (*path, "endpointSelector", "matchLabels", FOREIGN), reason, harmless=True)
        found = self._selectors.subjects(selector, self._namespace)
        if found.perhaps:
            self._doubt_about(
                found.perhaps, "which labels count for policies (labels of cilium-config)", "its selector"
            )
        return Part(path, spec, selector, found.sure)

    def of_part(self, part: Part) -> Iterator[CompiledPolicy]:
        """A rule, once for each of its tiers."""
        if is_empty(part.spec):
            yield from self._without_sections(part)
            return
        for tier, action in ((DENY, Action.DENY), (NETWORK_POLICY, Action.ALLOW)):
            halves = tuple(half for direction in Direction for half in self._half(part, direction, action))
            if halves:
                yield self._made(part, halves, tier)

    def _half(self, part: Part, direction: Direction, action: Action) -> Iterator[Half]:
        """What a part says of a direction in one tier. Rules of both sections isolate, in the tier that allows."""
        name, own = section(part.spec, direction, action)
        other = section(part.spec, direction, Action.DENY if action is Action.ALLOW else Action.ALLOW)[1]
        entries = tuple(self._entries(part, direction, action))
        given = bool(items(own) or items(other))
        # A null section may allow nothing, or everything, or be as if absent (NET-103).
        unsure = own is None or (other is None and not given)
        isolates = action is Action.ALLOW and (given or unsure)
        if isolates and unsure:
            where = Where(self._namespace, part.selected, direction, Action.ALLOW)
            entries = (*entries, self._rules.empty(0, (*part.path, name if own is None else name + "Deny"), where))
        if entries or isolates:
            isolates = isolates and self._default_deny(part.spec, direction)
            labels, absent = self._looks_at_namespaces(own, direction)
            yield Half(direction, entries, isolates, labels, absent)

    def _default_deny(self, spec: Spec, direction: Direction) -> bool:
        """Whether a direction with rules isolates (NET-100)."""
        given = spec.enable_default_deny if self._switches.reads_default_deny else None
        chosen = None if given is None else given.ingress if direction is Direction.INGRESS else given.egress
        return chosen is not False

    def _entries(self, part: Part, direction: Direction, action: Action) -> Iterator[Entry]:
        name, found = section(part.spec, direction, action)
        where = Where(self._namespace, part.selected, direction, action)
        rules, path = items(found), (*part.path, name)
        required = self._rules.required(rules, where)
        for number, rule in enumerate(rules):
            place = (*path, number)
            yield from self._rules.entries(number, place, rule, where, required)
            field, attribute = REQUIRES[direction]
            if items(getattr(rule, attribute)) and self._switches.since(NO_REQUIRES) is Fact.YES:
                reason = "releases from 1.19 on have no such field and ignore it"
                self._masks.report(self.ref, (*place, field), reason, harmless=True)
        if action is Action.DENY:
            yield from self._beyond_requirements(part, direction)

    def _beyond_requirements(self, part: Part, direction: Direction) -> Iterator[Entry]:
        """Requirements of rules that allow hold for what other policies allow too, as far as it is by labels."""
        name, found = section(part.spec, direction, Action.ALLOW)
        field, attribute = REQUIRES[direction]
        number = next((n for n, rule in enumerate(items(found)) if items(getattr(rule, attribute))), None)
        if number is None:
            return
        where = Where(self._namespace, part.selected, direction, Action.DENY)
        left_out = self._rules.pods & ~self._rules.required(items(found), where).peers
        if left_out:
            path, ports = (*part.path, name, number, field), self._masks.ports.everything
            yield Entry(part.selected, 0, left_out, ports, number, path, Action.DENY, "cilium_requires")

    @staticmethod
    def _looks_at_namespaces(found: Section, direction: Direction) -> tuple[bool, bool]:
        """Whether peers depend on labels of namespaces, and on their absence."""
        side = "from" if direction is Direction.INGRESS else "to"
        names = (f"{side}_endpoints", f"{side}_requires")
        every = (one for rule in items(found) for name in names for one in items(getattr(rule, name)))
        listed = [one for one in every if by_namespace_labels(one)]
        return bool(listed), any(map(matches_absent, listed))

    def _without_sections(self, part: Part) -> Iterator[CompiledPolicy]:
        """A rule without any section does nothing, but newer releases refuse the whole policy (NET-102)."""
        known = self._switches.since(NO_EMPTY_RULE) is Fact.NO
        self._masks.report(self.ref, part.path, _NO_SECTION, harmless=known)
        if not known:
            halves = []
            for direction in Direction:
                where = Where(self._namespace, part.selected, direction, Action.DENY)
                halves.append(Half(direction, (self._rules.empty(0, part.path, where),), isolates=False))
            yield self._made(part, tuple(halves), DENY)

    def _made(self, part: Part, halves: tuple[Half, ...], tier: Tier) -> CompiledPolicy:
        return CompiledPolicy(
            self.ref,
            self._resource,
            self._policy,
            part.selected,
            halves,
            tier=tier,
            selector=(*part.path, part.field),
            selects_by_namespace=by_namespace_labels(part.selector),
        )

    def refused(self, selector: Path, meant: int) -> CompiledPolicy:
        """A policy that the agent refuses, with those it is meant for."""
        return CompiledPolicy(self.ref, self._resource, self._policy, 0, (), selector=selector, faulty=meant)

    def _meant(self) -> int:
        """The pods that a refused policy is meant for; all that it may select where its selector cannot be read."""
        universe = self._masks.universe
        every = universe.members.get(self._namespace, 0) if self._namespace else universe.classes
        found, read = 0, list(every_spec(self._policy))
        for _, spec in read:
            if not isinstance(spec.endpoint_selector, Selector):
                return every
            try:
                chosen = self._selectors.subjects(spec.endpoint_selector, self._namespace)
            except InvalidSelectorError:
                return every
            found |= chosen.sure | chosen.perhaps
        return found if read else every

    def _of_nodes(self, path: Path) -> None:
        """A policy of nodes, which :mod:`hosts` compiles: without the host firewall it does nothing (NET-114)."""
        if self._switches.on(FIREWALL) is Fact.NO:
            reason = f"policies of nodes need {FIREWALL} in cilium-config"
            self._masks.report(self.ref, (*path, "nodeSelector"), reason, harmless=True)

    def _doubt_about(self, classes: int, settle_by: str, what: str) -> None:
        unseen = Unseen(Reason.UNKNOWN_IMPLEMENTATION, self._resource, self._namespace, f"{self.ref}: {what}")
        both = (Direction.INGRESS, Direction.EGRESS)
        self._masks.doubts.append(Doubt(Basis.INPUT_INCOMPLETE, classes, both, True, True, settle_by, unseen))
