"""netpol-analyzer's explanations: which ports of a pair pass, and which policies are named for it (network.md, 8.1).

Prose, numbers of rules and policies that only pass traffic on are not compared. Of the way through an Ingress or a
Route the open ports and its name are compared.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from conformance.netpol.analyzer import (
    CONTROLLER,
    ENTRIES,
    OPEN,
    PROFILE,
    Focus,
    merged,
    names_of,
    ports_mask,
    through,
)
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.relation import towards
from kubeaudit.network.verdicts import Direction, ReachVerdict, Side
from kubeaudit.proof import State

_PAIR = re.compile(r"^Connections between (.+) => (.+):$")
_SEGMENT = re.compile(r"^\t(Allowed|Denied) (.+?) due to the (?:following|system)")
_SIDE = re.compile(r"^\t\t(Egress|Ingress) \((?:Allowed|Denied)\)")
_NAMED = re.compile(r"^\t\t\t(?:\t- )?(\w+) '([^']+)' (\w+)")
_DEFAULT = re.compile(r"^(\S.*?) => (\S.*)$")
_PROTOCOL = re.compile(r"(TCP|UDP|SCTP)(?::\[([^\]]*)\])?")

Names = frozenset[tuple[str, str]]
"""Kind and [namespace/]name."""
Why = tuple[bool, Names, Names]
"""Whether it is allowed, and the policies named for egress and ingress."""


class Segment(NamedTuple):
    """Ports of a pair with one reason; ``ports`` as one int."""

    why: Why
    ports: int


Explanation = frozenset[tuple[str, str, Segment, Any]]
"""Source, destination, segment, and addresses of the external end."""


def read_explanation(text: str, narrowed: Focus, only: str) -> Explanation:
    """What a file explains. ``only``: it has nothing but what is allowed, or denied."""
    return _merged(_stated(text), narrowed, only)


def ours_explanation(found: Cluster, listed: Iterable[dict[str, Any]], narrowed: Focus, only: str) -> Explanation:
    """The same by our engine."""
    reach, names = assemble(found, PROFILE), names_of(found, listed)
    called = [names[f"{cls.namespace}/{cls.name}"] for cls in found.classes]
    return _merged((*_judged(reach, called), *_entered(listed, names)), narrowed, only)


def _merged(rows: Iterable[tuple[str, str, Why, int]], narrowed: Focus, only: str) -> Explanation:
    held: dict[tuple[str, str], dict[Why, int]] = {}
    focus = ports_mask(frozenset([narrowed.port])) if narrowed.port else -1
    for source, target, why, ports in rows:
        wanted = only != ("deny" if why[0] else "allow")
        if wanted and ports & focus and source != target and narrowed.keeps(source, target):
            whys = held.setdefault((source, target), {})
            whys[why] = whys.get(why, 0) | ports & focus
    return merged((*ends, Segment(why, ports)) for ends, whys in held.items() for why, ports in whys.items())


def _stated(text: str) -> Iterator[tuple[str, str, Why, int]]:
    ends, sides, named = ("", ""), ([], []), list[tuple[str, str]]()
    allowed, ports = False, 0
    for line in (*text.partition("Exposure Analysis Result")[0].splitlines(), ""):
        if segment := _SEGMENT.match(line):
            if ports:
                yield from _segment(ends, allowed, sides, ports)
            allowed, ports, sides = segment[1] == "Allowed", _ports(segment[2]), ([], [])
        elif pair := _PAIR.match(line):
            if ports:
                yield from _segment(ends, allowed, sides, ports)
            ends, ports = (_end(pair[1]), _end(pair[2])), 0
        elif side := _SIDE.match(line):
            named = sides[side[1] == "Ingress"]
        elif policy := _NAMED.match(line):
            named.append((policy[1], policy[2])) if policy[3] != "passes" else None
        elif default := _DEFAULT.match(line):
            yield _end(default[1]), _end(default[2]), (True, frozenset(), frozenset()), OPEN
    if ports:
        yield from _segment(ends, allowed, sides, ports)


def _segment(
    ends: tuple[str, str], allowed: bool, sides: tuple[list[tuple[str, str]], ...], ports: int
) -> Iterator[tuple[str, str, Why, int]]:
    egress, ingress = map(frozenset, sides)
    if CONTROLLER not in ends:
        yield *ends, (allowed, egress, ingress), ports
    elif allowed:
        yield *ends, (True, frozenset(), frozenset(name for name in ingress if name[0] in ENTRIES)), ports


def _end(text: str) -> str:
    return text.strip().removesuffix("[External]")


def _ports(text: str) -> int:
    found = set()
    for protocol, listed in _PROTOCOL.findall(text):
        for part in (listed or f"{FIRST}-{LAST}").split(","):
            first, _, last = part.partition("-")
            found.add((protocol, int(first), int(last or first)))
    return ports_mask(found)


def _judged(reach: Reach, called: list[set[str]]) -> Iterator[tuple[str, str, Why, int]]:
    """Every pair of classes, and of a class and an atom of addresses, port atom by port atom."""
    space = reach.judge.ports
    atoms = [
        (protocol, first, last)
        for protocol in PROTOCOLS
        for number, first in enumerate(space.starts[protocol])
        for last in [(*space.starts[protocol], LAST + 1)[number + 1] - 1]
    ]
    outside = reach.judge.universe.space
    ranges = [found for atom in range(outside.size) for found in outside.ranges(1 << atom) if found[0] == 4]
    for protocol, first, last in atoms:
        held = ports_mask([(protocol, first, last)])
        for one, sources in enumerate(called):
            for other, targets in enumerate(called):
                why = _why(reach.connect(one, other, protocol, first))
                yield from ((source, target, why, held) for source in sources for target in targets)
            for _, low, high in ranges:
                place, address = f"{_address(low)}-{_address(high)}", _address(low)
                peers = reach.judge.universe.address_bit(address)
                # To `reach` loopback is the pod itself (NET-53), upstream it is an address outside.
                into, out = (
                    _why(towards(reach.judge, direction, one, peers, protocol, first))
                    for direction in (Direction.INGRESS, Direction.EGRESS)
                )
                for name in sources:
                    yield place, name, into, held
                    yield name, place, out, held


def _entered(listed: Iterable[dict[str, Any]], names: dict[str, set[str]]) -> Iterator[tuple[str, str, Why, int]]:
    by_port: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for way in through(listed):
        by_port.setdefault((way.target, way.port), set()).add((way.kind, way.entry))
    for (target, port), entries in by_port.items():
        for name in names[target]:
            yield CONTROLLER, name, (True, frozenset(), frozenset(entries)), ports_mask([("TCP", port, port)])


def _why(verdict: ReachVerdict) -> Why:
    return verdict.state is State.YES, _policies(verdict.egress), _policies(verdict.ingress)


def _policies(side: Side) -> Names:
    refs = (decision.policy for decision in side.by)
    return frozenset((ref.kind, f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name) for ref in refs)


def _address(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
