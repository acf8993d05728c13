"""Calico's NetworkPolicy, GlobalNetworkPolicy and Profile into masks (NET-120..131).

Only pods that are not on the host network are endpoints here; of host endpoints see :mod:`hosts`. Staged policies have
no effect (NET-129), so they are not read.
"""

from collections.abc import Iterator

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.calico_looks import GROUPS, KINDS, NAMESPACE_LABELS, SERVICE_ACCOUNT_LABELS, policy_looks
from kubeaudit.model.calico_selector import All, And, Compare, Has, Node, keys_of, prefixed
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.calico import CalicoPolicy, HostEndpoint, Rule
from kubeaudit.network.calico import faces as calico_faces
from kubeaudit.network.calico import profiles as calico_profiles
from kubeaudit.network.calico import services as calico_services
from kubeaudit.network.calico.ends import IN_NAMESPACE, selector
from kubeaudit.network.calico.failsafe import cuts as failsafe_cuts
from kubeaudit.network.calico.fields import RefusedError, directions, network, port, rules
from kubeaudit.network.calico.labels import NAMESPACE, SERVICE_ACCOUNT, Labels
from kubeaudit.network.calico.objects import (
    HOSTS,
    SETS,
    TIERS,
    all_rules,
    every,
    policies,
    sets,
    unread,
)
from kubeaudit.network.calico.rules import Rules
from kubeaudit.network.calico.tiers import DEFAULT, order, tiers
from kubeaudit.network.compiled import LAST_RANK, CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.cuts import Cuts, united
from kubeaudit.network.doubts import Doubt
from kubeaudit.network.fields import TYPES
from kubeaudit.network.masks import Masks
from kubeaudit.network.ports import PROTOCOLS, Interval
from kubeaudit.network.verdicts import Action, Basis, Direction
from kubeaudit.refs import ObjectRef

RESOURCES = frozenset(f"{plural}.{group}" for plural, _, _ in KINDS for group in GROUPS)
_BOTH = (Direction.INGRESS, Direction.EGRESS)
_NAMES = frozenset([f"{NAMESPACE_LABELS}projectcalico.org/name", f"{NAMESPACE_LABELS}kubernetes.io/metadata.name"])
"""Labels that tell a namespace by its name, which pods show too."""
_ACCOUNT_NAME = f"{SERVICE_ACCOUNT_LABELS}projectcalico.org/name"


def cuts(cluster: Cluster) -> Cuts:
    """Where the rules, address sets and host endpoints of Calico cut addresses and ports."""
    listed = all_rules(cluster.held, cluster.held)
    texts = [text for _, _, found in sets(cluster.held) for text in found.spec.nets]
    hosts = every(cluster.held, HOSTS, "HostEndpoint", HostEndpoint)
    for _, _, host in hosts:
        texts += host.spec.expected_ips
    of_hosts = [Cuts(intervals=calico_faces.ports(hosts)), failsafe_cuts(cluster)] if hosts else []
    if hosts or unread(cluster, HOSTS):
        texts += [address for node in cluster.nodes for address in node.addresses]
    for rule in listed:
        for end in (rule.source, rule.destination):
            texts += [*end.nets, *end.not_nets]
    every_rule = (*map(_ports, listed), calico_services.cuts(cluster, listed))
    return united((*every_rule, *of_hosts, Cuts(frozenset(_networks(texts)))))


def _networks(texts: list[str]) -> Iterator[str]:
    for text in texts:
        try:
            yield str(network((), text))
        except RefusedError:
            continue


def _ports(rule: Rule) -> Cuts:
    """The ports that a rule names, of every protocol it may be about."""
    names, intervals = set[str](), set[Interval]()
    for end in (rule.source, rule.destination):
        for item in (*end.ports, *end.not_ports):
            try:
                found = port((), item)
            except RefusedError:
                continue
            if isinstance(found, str):
                names.add(found)
            else:
                intervals.update((protocol, *found) for protocol in PROTOCOLS)
    return Cuts(frozenset(), frozenset(names), frozenset(intervals))


def compile_all(masks: Masks) -> Iterator[CompiledPolicy]:
    """Every policy and profile that has an effect on pods, and doubts about the rest."""
    if not any(masks.held(key, object) for key in RESOURCES):
        return
    labels, known = Labels(masks), tiers(masks)
    listed = [PolicyCompiler(masks, labels, known, *found) for found in policies(masks.held)]
    selected = 0
    for policy in listed:
        compiled = policy.compiled()
        if compiled is not None:
            selected |= compiled.selected
            yield compiled
    yield from calico_profiles.compile_all(masks, labels)
    masks.doubts.extend(_bad_sets(masks, selected))


class PolicyCompiler:
    """Compiles one NetworkPolicy or GlobalNetworkPolicy."""

    def __init__(
        self, masks: Masks, labels: Labels, known: dict[str, Tier], key: str, ref: ObjectRef, policy: CalicoPolicy
    ) -> None:
        self._masks, self._labels, self._tiers = masks, labels, known
        self._key, self._ref, self._policy = key, ref, policy
        self.namespace = ref.namespace
        self.selects = self._selector()

    def compiled(self) -> CompiledPolicy | None:
        """The policy as masks; None for one that no pod is subject to."""
        spec, ref = self._policy.spec, self._ref
        if spec.do_not_track or spec.pre_dnat:
            if not spec.apply_on_forward:
                reason = "preDNAT and doNotTrack need it to be true"
                self._masks.report(self._ref, ("spec", "applyOnForward"), reason, harmless=True)
            return None
        if self.selects is None:
            faulty = self._masks.universe.members.get(self.namespace, 0) if self.namespace else self._labels.pods
            return CompiledPolicy(ref, self._key, self._policy, 0, (), faulty=faulty & self._labels.pods)
        return self.on(self.selects, self._labels.subjects(self.selects))

    def on(self, selects: Node, selected: int) -> CompiledPolicy | None:
        """The policy for those that its selector matches; None where it has no tier."""
        ref, spec, reported = self._ref, self._policy.spec, len(self._masks.problems)
        tier = self._tier(selected)
        if tier is None:
            return None
        for number, word in enumerate(spec.types):
            if word not in TYPES:
                self._report(RefusedError(("spec", "types", number), f"type {word!r} is not Ingress or Egress"))
        keys = policy_looks(self._policy).labels
        by_label = any(key.startswith(NAMESPACE_LABELS) for key in keys - _NAMES)
        halves = tuple(
            Half(direction, tuple(self._entries(direction, selected)), True, by_label, by_label)
            for direction in directions(self._policy)
        )
        self._masks.doubts.extend(self._unread(keys, selected))
        doubtful = any(not problem.harmless for problem in self._masks.problems[reported:])
        return CompiledPolicy(
            ref,
            self._key,
            self._policy,
            selected,
            halves,
            tier,
            order(self._policy),
            ("spec", "selector"),
            any(key.startswith(NAMESPACE_LABELS) for key in keys_of(selects) - _NAMES),
            selected if doubtful else 0,
            ordered=True,
        )

    def _selector(self) -> Node | None:
        """Whom the policy selects, as one selector; None where a part of it does not parse."""
        spec, terms = self._policy.spec, list[Node]()
        try:
            if spec.selector:
                terms.append(selector(("spec", "selector"), spec.selector))
            if self.namespace:
                terms.append(Compare(NAMESPACE, "==", self.namespace))
            elif spec.namespace_selector:
                found = selector(("spec", "namespaceSelector"), spec.namespace_selector)
                terms.append(prefixed(found, NAMESPACE_LABELS, IN_NAMESPACE))
            if spec.service_account_selector:
                found = selector(("spec", "serviceAccountSelector"), spec.service_account_selector)
                terms.append(prefixed(found, SERVICE_ACCOUNT_LABELS, Has(SERVICE_ACCOUNT)))
        except RefusedError as error:
            self._report(error)
            return None
        return And(tuple(terms)) if terms else All()

    def _tier(self, selected: int) -> Tier | None:
        """The tier; policies of one that does not exist have no effect, unless it is only unread."""
        name = self._policy.spec.tier or DEFAULT
        found = self._tiers.get(name)
        if found is not None:
            return found
        gap = self._masks.cluster.complete.gap(f"{TIERS}.{self._ref.group}")
        if gap is None:
            reason = f"tier {name!r} does not exist; the policy has no effect"
            self._masks.report(self._ref, ("spec", "tier"), reason)
            return None
        unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
        self._masks.doubts.append(
            Doubt(Basis.INPUT_INCOMPLETE, selected, _BOTH, True, True, f"list {TIERS}.{self._ref.group}", unseen)
        )
        return Tier(LAST_RANK, name, Action.DENY)

    def _entries(self, direction: Direction, selected: int) -> Iterator[Entry]:
        compiler = Rules(self._masks, self._labels, self.namespace)
        for number, rule in enumerate(rules(self._policy, direction)):
            try:
                yield from compiler.entries(direction, number, rule, selected)
            except RefusedError as error:
                self._report(error)

    def _unread(self, keys: frozenset[str], selected: int) -> Iterator[Doubt]:
        """What the rules compare with was not all read: address sets, labels of service accounts."""
        complete, ref = self._masks.cluster.complete, self._ref
        spec = self._policy.spec
        selecting = [e for r in (*spec.ingress, *spec.egress) for e in (r.source, r.destination)]
        wanted = []
        if any(e.selector or e.not_selector or e.namespace_selector for e in selecting):
            wanted += [f"{plural}.{ref.group}" for plural, _ in SETS]
        if any(key.startswith(SERVICE_ACCOUNT_LABELS) for key in keys - {_ACCOUNT_NAME}):
            wanted.append("serviceaccounts")
        for resource in wanted:
            gap = complete.gap(resource)
            classes = selected if not spec.service_account_selector else self._labels.pods
            if gap is not None:
                unseen = Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail)
                yield Doubt(Basis.INPUT_INCOMPLETE, classes, _BOTH, True, True, f"list {resource}", unseen)

    def _report(self, error: RefusedError) -> None:
        self._masks.report(self._ref, error.place, str(error))


def _bad_sets(masks: Masks, selected: int) -> Iterator[Doubt]:
    """Address sets and host endpoints with what is no network: what they leave out may be allowed."""
    listed = [(ref, "nets", found.spec.nets) for _, ref, found in sets(masks.held)]
    hosts = every(masks.held, HOSTS, "HostEndpoint", HostEndpoint)
    listed += [(ref, "expectedIPs", host.spec.expected_ips) for _, ref, host in hosts]
    for ref, name, texts in listed:
        bad = False
        for number, text in enumerate(texts):
            try:
                network(("spec", name, number), text)
            except RefusedError as error:
                masks.report(ref, error.place, str(error))
                bad = True
        if bad and selected:
            unseen = Unseen(Reason.EVALUATION_ERROR, ref.kind, ref.namespace, f"{ref} is faulty")
            yield Doubt(Basis.INPUT_INCOMPLETE, selected, _BOTH, False, True, f"a correction of {ref}", unseen)
