"""netpol-analyzer's explanations: which ports of a pair pass, and which policies are named for it (network.md, 8.1).

Prose, rules and policies that only pass traffic on are not compared. Of the ports through an Ingress or a Route its own
name is compared.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from conformance.netpol.analyzer import (
    CONTROLLER,
    EVERYTHING_OPEN,
    PROFILE,
    Focus,
    Ports,
    interval_of,
    is_range,
    joined_ranges,
    names_of,
    ports_mask,
    ports_of,
)
from kubeaudit.edges.context import Context
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.ports import FIRST, LAST, PROTOCOLS
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.verdicts import ReachVerdict, Side
from kubeaudit.proof import State
from kubeaudit.queries.ingress_hop import hops
from kubeaudit.rbac import access
from kubeaudit.settings import Settings

_PAIR = re.compile(r"^Connections between (.+) => (.+):$")
_SEGMENT = re.compile(r"^\t(Allowed|Denied) (.+?) due to the (following|system)")
_SIDE = re.compile(r"^\t\t(Egress|Ingress) \((Allowed|Denied)\)")
_NAMED = re.compile(r"^\t\t\t(?:\t- )?(\w+) '([^']+)' (\w+)")
_DEFAULT = re.compile(r"^(\S.*?) => (\S.*)$")
_PROTOCOL = re.compile(r"(TCP|UDP|SCTP)(?::\[([^\]]*)\])?")
_ENTRIES = ("Ingress", "Route")

Names = frozenset[tuple[str, str]]
"""Kind and namespace/name of policies."""


class Segment(NamedTuple):
    """Ports with one reason."""

    allowed: bool
    ports: Ports
    egress: Names = frozenset()
    ingress: Names = frozenset()


Pairs = dict[tuple[str, str], list[Segment]]


def read_explanation(text: str) -> Pairs:
    """Every pair that is explained, or that nothing restricts."""
    found: Pairs = {}
    listed: list[Segment] = []
    named: set[tuple[str, str]] = set()
    for line in text.splitlines():
        if line.startswith("Exposure Analysis Result"):
            break
        if pair := _PAIR.match(line):
            listed = found.setdefault(_ends(*pair.groups()), [])
        elif segment := _SEGMENT.match(line):
            listed.append(Segment(segment[1] == "Allowed", _ports(segment[2])))
        elif side := _SIDE.match(line):
            named = set()
            listed[-1] = listed[-1]._replace(**{side[1].lower(): named})
        elif policy := _NAMED.match(line):
            if policy[3] != "passes":
                named.add((policy[1], policy[2]))
        elif default := _DEFAULT.match(line):
            found.setdefault(_ends(*default.groups()), []).append(Segment(True, EVERYTHING_OPEN))
    return found


def _ends(source: str, target: str) -> tuple[str, str]:
    return source.removesuffix("[External]"), target.removesuffix("[External]")


def _ports(text: str) -> Ports:
    found = set()
    for protocol, listed in _PROTOCOL.findall(text):
        for part in (listed or f"{FIRST}-{LAST}").split(","):
            first, _, last = part.partition("-")
            found.add((protocol, int(first), int(last or first)))
    return frozenset(found)


def differences(stated: Pairs, found: Cluster, listed: Iterable[dict], narrowed: Focus, only: str) -> Iterator[str]:
    """Where we judge a connection otherwise or name other policies, and pairs that are missing. ``only``: a file with
    nothing but what is allowed, or denied.
    """
    reach, names = assemble(found, PROFILE), names_of(found, listed)
    classes = {name: cls.index for cls in found.classes for name in names[f"{cls.namespace}/{cls.name}"]}
    through = _through(found, reach, classes)
    asked = list(_asked(classes, narrowed))
    for pair in dict.fromkeys((*asked, *(pair for pair in stated if not _is_inside(pair)))):
        if CONTROLLER in pair:
            segments = stated[pair]
            held = ports_of(sum(ports_mask(s.ports) for s in segments if s.allowed))
            mine = narrowed.held(frozenset(port for port, _ in through.get(pair[1], ())))
            if ports_mask(held) != ports_mask(mine) and only != "deny":
                yield f"{pair}: {held} instead of {mine}"
            yield from _entries(pair, segments, through.get(pair[1], {}))
            continue
        yield from _compared(pair, stated.get(pair, []), reach, classes, narrowed, only)
    yield from _unstated(stated, through, narrowed, only)
