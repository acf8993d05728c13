"""cyclonus's tables of targets, read from its output and rebuilt from our compiled policies (network.md, 8.4).

A target is everything that policies of one namespace with one pod selector say of a direction.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from network.clusters import cluster, pod

from kubeaudit.model.implied import Form, form, known
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.reach import CompiledPolicy, Reach, assemble
from kubeaudit.network.verdicts import Direction
from kubeaudit.settings import Fact

PROFILE = CniProfile(name="cyclonus", enforces=Fact.YES, ipblock_matches_pods=Fact.YES)
EVERYBODY, NOBODY, EVERY_PORT, NO_PORT = "all pods, all ips", "no pods, no ips", "all", "none"
_EXPRESSION = re.compile(r"^(\S+) (In|NotIn|Exists|DoesNotExist) \[(.*)\]$")
_PORT = re.compile(r"ports? (?:\[?)([\d, -]+|\S+?)(?:\]?) on protocol (\w+)")

Peer = tuple[Any, ...]
"""``all`` or ``none``; addresses with exceptions; or pods of namespaces by name or labels."""


NOTHING: frozenset[tuple[Peer, str]] = frozenset([((NOBODY,), NO_PORT)])
"""What a target lets pass that has no rule."""


class Target(NamedTuple):
    """One target: its policies, and what they let pass, as peers with ports."""

    direction: str
    namespace: str
    pods: Form
    policies: frozenset[str]
    rules: frozenset[tuple[Peer, str]]


def read_tables(text: str) -> Iterator[list[list[str]]]:
    """The cells of every table: a cell is the lines that stand in it, one under the other."""
    rows: list[list[str]] = []
    held: list[list[str]] = []
    for line in (*text.splitlines(), ""):
        if line.startswith("|"):
            held.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        if held:
            rows.append(["\n".join(filter(None, column)) for column in zip(*held, strict=True)])
            held = []
        if rows and not line.startswith("+"):
            yield rows
            rows = []


def read_targets(rows: list[list[str]]) -> frozenset[Target]:
    """The targets of a table. A cell that is equal to the one above is left blank."""
    found: dict[tuple[str, str, Form, frozenset[str]], set[tuple[Peer, str]]] = {}
    above = [""] * len(rows[0])
    for row in rows[1:]:
        above = [cell or before for cell, before in zip(row, above, strict=True)]
        if any(row):
            direction, target, policies, peer, port = above
            namespace, pods = _selected(target)
            key = (direction.lower(), namespace, pods, frozenset(policies.split()))
            found.setdefault(key, set()).add((_peer(peer), _ports(port)))
    return frozenset(Target(*key, frozenset(rules)) for key, rules in found.items())


def _selected(text: str) -> tuple[str, Form]:
    first, _, rest = text.partition("\n")
    return first.removeprefix("namespace: "), _selector(rest.splitlines())


def _selector(lines: Iterable[str]) -> Form:
    found = []
    for line in (line.strip() for line in lines):
        if expression := _EXPRESSION.match(line):
            found.append((expression[1], expression[2], tuple(sorted(expression[3].split()))))
        elif ": " in line:
            key, _, value = line.partition(": ")
            found.append((key, "In", (value,)))
    return tuple(sorted(found))


def _peer(text: str) -> Peer:
    if text in (EVERYBODY, NOBODY):
        return (text,)
    if text[:1].isdigit() and "/" in text.splitlines()[0]:
        cidr, _, less = text.partition("\nexcept ")
        return cidr, frozenset(less.strip("[]").replace(",", " ").split())
    namespace, _, pods = text.partition("\npods:")
    namespace = namespace.removeprefix("namespace: ")
    where: Any = namespace if "\n" not in namespace else _selector(namespace.splitlines())
    return where, _selector(pods.removeprefix(" Match labels:").splitlines())


def _ports(text: str) -> str:
    if text.startswith(("all ports, all", "no ports, no")):
        return EVERY_PORT if text.startswith("all") else NO_PORT
    return " ".join(sorted(f"{protocol} {number}" for number, protocol in _PORT.findall(text)))


def reach_of(policies: Iterable[dict[str, Any]]) -> Reach:
    """Our engine for policies and a pod for every selector of theirs."""
    listed = list(policies)
    pods = [
        pod(f"of-{number}", policy["metadata"]["namespace"], labels=_labels(policy["spec"].get("podSelector", {})))
        for number, policy in enumerate(listed)
    ]
    return assemble(cluster(*listed, *pods), PROFILE)


def _labels(selector: dict[str, Any]) -> dict[str, str]:
    expressions = selector.get("matchExpressions", ())
    made = LabelSelector(
        selector.get("matchLabels", {}),
        tuple(Requirement(r["key"], r["operator"], tuple(r.get("values", ()))) for r in expressions),
    )
    facts = known(made)
    return {key: min(fact.values or {"any"}) for key, fact in facts.items() if fact.exists}


def our_targets(reach: Reach, policies: Iterable[CompiledPolicy]) -> frozenset[Target]:
    """Policies as targets."""
    names: dict[tuple[str, str, Form], set[str]] = {}
    rules: dict[tuple[str, str, Form], set[tuple[Peer, str]]] = {}
    for policy in policies:
        for half in policy.halves:
            key = (str(half.direction), policy.ref.namespace, form(policy.source.spec.pod_selector))
            names.setdefault(key, set()).add(f"{policy.ref.namespace}/{policy.ref.name}")
            held = rules.setdefault(key, set())
            for entry in half.entries:
                held.add((_entry_peer(policy, entry.path), _entry_ports(reach, entry.ports)))
    return frozenset(Target(*key, frozenset(listed), frozenset(rules[key]) or NOTHING) for key, listed in names.items())


def _entry_peer(policy: CompiledPolicy, path: tuple[Any, ...]) -> Peer:
    if len(path) == 3:
        return (EVERYBODY,)
    peer: Any = msgspec.json.decode(msgspec.json.encode(policy.source))
    for step in path:
        peer = peer[step]
    peer = {field: found for field, found in peer.items() if found is not None}
    if "ipBlock" in peer:
        return peer["ipBlock"]["cidr"], frozenset(peer["ipBlock"].get("except", ()))
    where: Any = policy.ref.namespace
    if "namespaceSelector" in peer:
        where = dict_form(peer["namespaceSelector"])
    return where, dict_form(peer.get("podSelector", {}))


def dict_form(selector: dict[str, Any]) -> Form:
    """A selector as JSON."""
    found = [(key, "In", (value,)) for key, value in selector.get("matchLabels", {}).items()]
    found += [
        (term["key"], term["operator"], tuple(sorted(term.get("values", ()))))
        for term in selector.get("matchExpressions", ())
    ]
    return tuple(sorted(found))


def _entry_ports(reach: Reach, ports: int) -> str:
    if ports == reach.judge.ports.everything:
        return EVERY_PORT
    found = reach.judge.ports.intervals(ports)
    return " ".join(
        sorted(f"{protocol} {first}{f'-{last}' if last > first else ''}" for protocol, first, last in found)
    )


def together(targets: Iterable[Target]) -> dict[str, tuple[frozenset[str], frozenset[tuple[Peer, str]]]]:
    """The policies of several targets and what they let pass together, by direction; what allows everything covers the
    rest.
    """
    found = {}
    for direction in map(str, Direction):
        held = [target for target in targets if target.direction == direction]
        rules = frozenset(rule for target in held for rule in target.rules if rule[0] != (NOBODY,))
        if ((EVERYBODY,), EVERY_PORT) in rules:
            rules = frozenset([((EVERYBODY,), EVERY_PORT)])
        if held:
            found[direction] = (frozenset(name for target in held for name in target.policies), rules)
    return found
