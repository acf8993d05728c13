"""Istio AuthorizationPolicy and PeerAuthentication into masks (NET-135..141).

They stand in tables of their own, which only narrow: first what needs a further check, then DENY, then ALLOW, whose end
denies where one selects the workload (NET-136, NET-137).
"""

from collections.abc import Iterator
from itertools import product

from msgspec import Struct, structs

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.istio import AuthorizationPolicy, Condition, Operation, PeerAuthentication, Rule, Source
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half, Tier
from kubeaudit.network.cuts import Cuts
from kubeaudit.network.fields import InvalidFieldError
from kubeaudit.network.masks import Masks
from kubeaudit.network.mesh.membership import AUTHENTICATION, AUTHORIZATION, GROUP, IDENTITY, KINDS, Mesh
from kubeaudit.network.mesh.modes import Modes
from kubeaudit.network.mesh.sources import Peers, Sources, cidr
from kubeaudit.network.ports import FIRST, LAST, Interval
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef

RESOURCES = KINDS
CHECKS = Tier(0, "mesh checks", Action.PASS)
DENIALS = Tier(1, "mesh DENY", Action.PASS)
ALLOWANCES = Tier(2, "mesh ALLOW", Action.DENY)
L7, EXTERNAL_AUTHZ = "l7", "external_authz"
_ACTIONS = ("ALLOW", "DENY", "CUSTOM", "AUDIT")
_HTTP_KEYS = ("request.", "remote.ip")


def cuts(cluster: Cluster, mesh: Mesh) -> Cuts:
    """Where the policies of the mesh cut addresses and ports."""
    policies = cluster.held(AUTHORIZATION, AuthorizationPolicy)
    kept_out = {*mesh.plain, *(number for numbers in mesh.excluded.values() for number in numbers)}
    intervals: set[Interval] = {("TCP", number, number) for number in kept_out if FIRST <= number <= LAST}
    networks: set[str] = set()
    for policy in policies:
        for rule in policy.spec.rules:
            texts = [text for to in rule.operations for text in (*to.operation.ports, *to.operation.not_ports)]
            for condition in rule.when:
                if condition.key == "destination.port":
                    texts += [*condition.values, *condition.not_values]
                if condition.key == "source.ip":
                    networks.update((*condition.values, *condition.not_values))
            intervals.update(("TCP", int(t), int(t)) for t in texts if t.isdecimal() and FIRST <= int(t) <= LAST)
            for origin in rule.sources:
                networks.update((*origin.source.ip_blocks, *origin.source.not_ip_blocks))
    for found in cluster.held(AUTHENTICATION, PeerAuthentication):
        ports = (int(t) for t in found.spec.port_level_mtls if t.isdecimal() and FIRST <= int(t) <= LAST)
        intervals.update(("TCP", port, port) for port in ports)
    return Cuts(frozenset(map(cidr, networks)), frozenset(), frozenset(intervals))


class _Match(Struct, frozen=True):
    """What one combination of a rule matches. ``http``: it looks at fields that only HTTP has; ``checked``: at further
    ones that no object decides; ``never`` and ``always``: no request matches, or each does, as far as HTTP goes.
    ``beside_http``: some combination of the rule looks at HTTP.
    """

    peers: Peers
    ports: int
    http: bool
    checked: bool
    never: bool
    always: bool
    beside_http: bool


def compile_all(masks: Masks, mesh: Mesh) -> Iterator[CompiledPolicy]:
    """Every policy of the mesh."""
    modes = Modes(masks, mesh)
    yield from modes.strict()
    for policy in masks.cluster.held(AUTHORIZATION, AuthorizationPolicy):
        if policy.spec.action != "AUDIT":
            yield from _Compiler(masks, mesh, modes, policy).compiled()


class _Compiler:
    """Compiles one AuthorizationPolicy."""

    def __init__(self, masks: Masks, mesh: Mesh, modes: Modes, policy: AuthorizationPolicy) -> None:
        self._masks, self._mesh, self._modes, self._policy = masks, mesh, modes, policy
        self._ref = ObjectRef("AuthorizationPolicy", policy.metadata.namespace, policy.metadata.name, GROUP)

    def compiled(self) -> Iterator[CompiledPolicy]:
        spec, selected = self._policy.spec, self._selected()
        if spec.action not in _ACTIONS:
            self._masks.report(
                self._ref, ("spec", "action"), f"action {spec.action!r} is none of {', '.join(_ACTIONS)}"
            )
            return
        by_waypoint = bool(spec.target_refs or spec.target_ref)
        if by_waypoint and spec.selector.match_labels:
            self._masks.report(self._ref, ("spec", "selector"), "a selector stands together with target references")
            return
        reported = len(self._masks.problems)
        entries: dict[Tier, list[Entry]] = {CHECKS: [], DENIALS: [], ALLOWANCES: []}
        for tier, entry in self._entries(selected):
            entries[tier].append(_of_waypoint(entry) if by_waypoint else entry)
        faulty = selected if len(self._masks.problems) > reported else 0
        for tier, held in entries.items():
            isolates = tier == ALLOWANCES and spec.action == "ALLOW" and not by_waypoint
            if held or isolates:
                half = Half(Direction.INGRESS, tuple(held), isolates=isolates)
                yield CompiledPolicy(
                    self._ref,
                    AUTHORIZATION,
                    self._policy,
                    selected,
                    (half,),
                    tier=tier,
                    selector=("spec", "selector"),
                    faulty=faulty,
                )

    def _selected(self) -> int:
        return selected_by(
            self._masks, self._mesh, self._policy.metadata.namespace, self._policy.spec.selector.match_labels
        )

    def _entries(self, selected: int) -> Iterator[tuple[Tier, Entry]]:
        for number, rule in enumerate(self._policy.spec.rules):
            path: Path = ("spec", "rules", number)
            for subjects, ports, sources, doubt in self._callers(selected):
                for match in self._matches(path, rule, sources):
                    here = structs.replace(match, ports=match.ports & ports)
                    yield from self._effects(here, subjects, (number, path), doubt)

    def _callers(self, selected: int) -> Iterator[tuple[int, int, Sources, str]]:
        """Classes and ports by what they learn of who calls, with what leaves that open (NET-140)."""
        namespace = self._policy.metadata.namespace
        for classes, ports, known in self._modes.identities(selected):
            if not known:
                yield classes, ports, Sources(self._masks, self._mesh, namespace, False), IDENTITY
                continue
            for subjects, doubtful, doubt in self._mesh.by_callers(classes):
                yield subjects, ports, Sources(self._masks, self._mesh, namespace, True, doubtful), doubt

    def _effects(
        self, match: _Match, selected: int, place: tuple[int, Path], doubt: str
    ) -> Iterator[tuple[Tier, Entry]]:
        """What a match does, apart where HTTP is not understood: there a rule of ALLOW that looks at HTTP anywhere
        matches nothing, and DENY leaves out what it cannot see (NET-139).

        ``place`` is the rule: its number and path.
        """
        action, sure, maybe = self._policy.spec.action, match.peers.sure, match.peers.possible & ~match.peers.sure
        for plain, subjects in self._without_http(selected):
            for ports, understood in ((match.ports & ~plain, True), (match.ports & plain, False)):
                if not ports or (match.never and understood):
                    continue
                further = match.checked or (match.http and understood and not (match.always and action == "DENY"))
                entry = Entry(subjects, sure, maybe, ports, *place, doubt=doubt)
                if action == "CUSTOM":
                    yield CHECKS, _with(entry, Action.PASS, EXTERNAL_AUTHZ)
                elif action == "ALLOW" and (understood or not match.beside_http):
                    yield ALLOWANCES, _with(entry, Action.ALLOW, L7 if further else "")
                elif action == "DENY":
                    yield (
                        (CHECKS, _with(entry, Action.PASS, L7)) if further else (DENIALS, _with(entry, Action.DENY, ""))
                    )

    def _without_http(self, selected: int) -> Iterator[tuple[int, int]]:
        """Classes by the ports on which their proxy sees no HTTP: every port in an ambient mesh, else those that a
        Service names so.
        """
        yield from ((self._masks.ports.everything, ambient) for ambient in (selected & self._mesh.ambient,) if ambient)
        left = {0: selected & ~self._mesh.ambient}
        for number, classes in self._mesh.plain.items():
            port = self._masks.ports.atom("TCP", number)
            for ports, held in list(left.items()):
                if inside := held & classes:
                    left[ports] = held & ~classes
                    left[ports | port] = left.get(ports | port, 0) | inside
        yield from ((ports, held) for ports, held in left.items() if held)

    def _matches(self, path: Path, rule: Rule, sources: Sources) -> Iterator[_Match]:
        """Every combination of a source and an operation, narrowed by the conditions."""
        origins = [origin.source for origin in rule.sources] or [Source()]
        operations = [to.operation for to in rule.operations] or [Operation()]
        by_condition = any(condition.key.startswith(_HTTP_KEYS) for condition in rule.when)
        beside = by_condition or any(map(sources.needs_http, origins)) or any(map(_asks_http, operations))
        for (number, origin), (position, operation) in product(enumerate(origins), enumerate(operations)):
            try:
                peers, http = sources.matching(origin), sources.needs_http(origin)
                ports = self._ports((*path, "to", position), operation.ports, operation.not_ports)
                for place, condition in enumerate(rule.when):
                    where = (*path, "when", place)
                    peers = peers & self._when_peers(sources, condition)
                    if condition.key == "destination.port":
                        ports &= self._ports(where, condition.values, condition.not_values)
            except InvalidFieldError as error:
                self._masks.report(self._ref, (*path, "from", number, "source"), str(error))
                continue
            http |= by_condition
            always = not http and _takes_every_request(operation)
            http |= _asks_http(operation)
            checked = any(not _decided(condition) for condition in rule.when)
            if peers.possible and ports:
                yield _Match(peers, ports, http, checked, _takes_no_request(operation), always, beside)

    def _when_peers(self, sources: Sources, condition: Condition) -> Peers:
        field = {
            "source.ip": "ip_blocks",
            "source.namespace": "namespaces",
            "source.principal": "principals",
            "source.serviceAccount": "service_accounts",
        }.get(condition.key)
        everyone = sources.matching(Source())
        if field is None:
            return everyone
        found = sources.any_of(field, condition.values) if condition.values else everyone
        return found & ~sources.any_of(field, condition.not_values) if condition.not_values else found

    def _ports(self, path: Path, texts: tuple[str, ...], without: tuple[str, ...]) -> int:
        """Ports of a list and outside another, as TCP alone is narrowed."""
        found = self._numbers(path, texts) if texts else self._masks.ports.whole("TCP")
        return found & ~self._numbers(path, without)

    def _numbers(self, path: Path, texts: tuple[str, ...]) -> int:
        found = 0
        for text in texts:
            if text.isdecimal() and FIRST <= int(text) <= LAST:
                found |= self._masks.ports.interval("TCP", int(text), int(text))
            else:
                self._masks.report(self._ref, path, f"port {text!r} is no number from {FIRST} to {LAST}")
        return found


def _with(entry: Entry, action: Action, condition: str) -> Entry:
    return Entry(
        entry.subjects, entry.peers, entry.maybe, entry.ports, entry.rule, entry.path, action, entry.doubt, condition
    )


def _of_waypoint(entry: Entry) -> Entry:
    """An entry of a policy of a waypoint: whether traffic passes one is not followed."""
    return Entry(
        entry.subjects,
        0,
        entry.peers | entry.maybe,
        entry.ports,
        entry.rule,
        entry.path,
        entry.action,
        "mesh_waypoint",
        entry.condition,
    )


def _asks_http(operation: Operation) -> bool:
    return any(wanted or excluded for wanted, excluded in _http_fields(operation))


def _decided(condition: Condition) -> bool:
    """Whether a condition is told by objects, or asks for HTTP, which is dealt with apart."""
    decided = ("source.ip", "source.namespace", "source.principal", "source.serviceAccount", "destination.port")
    return condition.key in decided or condition.key.startswith(_HTTP_KEYS)


def _http_fields(operation: Operation) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """What an operation wants and excludes of HTTP, field by field."""
    return (
        (operation.methods, operation.not_methods),
        (operation.hosts, operation.not_hosts),
        (operation.paths, operation.not_paths),
    )


def _takes_no_request(operation: Operation) -> bool:
    """Whether an operation excludes all that it wants in some field."""
    return any(
        wanted and all(any(_covers(other, value) for other in excluded) for value in wanted)
        for wanted, excluded in _http_fields(operation)
    )


def _takes_every_request(operation: Operation) -> bool:
    """Whether an operation wants any method, which each request has, and asks for nothing else of HTTP."""
    (methods, others), *rest = _http_fields(operation)
    return "*" in methods and not others and not any(wanted or excluded for wanted, excluded in rest)


def _covers(pattern: str, other: str) -> bool:
    """Whether all that a value stands for, itself perhaps a pattern, matches a pattern: exact, ``prefix*``, ``*suffix``
    or ``*``.
    """
    if pattern in ("*", other):
        return True
    if pattern.startswith("*"):
        return not other.endswith("*") and other.endswith(pattern[1:])
    return pattern.endswith("*") and not other.startswith("*") and other.startswith(pattern[:-1])


def selected_by(masks: Masks, mesh: Mesh, namespace: str, labels: dict[str, str]) -> int:
    """Classes of the mesh that a selector of a namespace takes in; those of the root namespace hold everywhere."""
    universe = masks.universe
    found = (mesh.inside | mesh.perhaps) & ~universe.host
    if namespace != mesh.root:
        found &= universe.members.get(namespace, 0)
    for pair in labels.items():
        found &= universe.labels.labels.get(pair, 0)
    return found
