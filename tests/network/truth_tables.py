"""Truth tables of nine pods: three namespaces of three pods, which answer on ports 80 and 81 of three protocols.

A table has a row for each source and a column for each destination: ``.`` allowed, ``X`` blocked, ``?`` not known.
What is expected is either drawn as text or follows from statements: which pods some policies close in a direction, and
whom they let through on which ports. Neither asks the engine, nor looks at a policy.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from kubeaudit.network.reach import Column

from .asking import engine
from .clusters import Object, namespace, pod, port

SPACES, NAMES, PORTS = "xyz", "abc", (80, 81)
PROTOCOLS = ("TCP", "UDP", "SCTP")
PODS = tuple(f"{space}/{name}" for space in SPACES for name in NAMES)
PROBES = tuple(f"{protocol}{number}" for protocol in PROTOCOLS for number in PORTS)
"""What is asked of every pair, such as ``TCP80``."""
EDGE = {"edge": "yes"}
"""A label that only pods ``c`` have, and the namespace ``z``."""
Table = tuple[str, ...]
"""One line of cells for each source."""
Truth = Mapping[str, Table]
"""The table of every probe."""


def address(name: str) -> str:
    """The address of a pod: the third number is that of its namespace, the last one its own."""
    space, _, own = name.partition("/")
    return f"10.1.{SPACES.index(space) + 1}.{NAMES.index(own) + 1}"


def world(without: str = "", labels: Mapping[str, Mapping[str, str]] | None = None) -> list[Object]:
    """The nine pods and their namespaces, but for one pod, and with these labels of pods or namespaces instead."""
    other = labels or {}
    spaces = [namespace(space, **other.get(space, _labels("ns", space, "z"))) for space in SPACES]
    pods = [
        pod(
            name[2:],
            name[0],
            labels=dict(other.get(name, _labels("pod", name[2:], "c"))),
            ips=(address(name),),
            ports=[port(number, f"serve-{number}-{word.lower()}", word) for word in PROTOCOLS for number in PORTS],
        )
        for name in PODS
        if name != without
    ]
    return [*spaces, *pods]


def _labels(key: str, name: str, at_the_edge: str) -> dict[str, str]:
    return {key: name} | (EDGE if name == at_the_edge else {})


class Closed(NamedTuple):
    """Pods that are closed in a direction, but for what is let through: peers with probes."""

    direction: str
    subjects: frozenset[str]
    through: tuple[tuple[frozenset[str], frozenset[str]], ...]


@cache
def pods(words: str) -> frozenset[str]:
    """Pods by blank-separated patterns: ``x/a``, ``y/*``, ``*/c``."""
    return frozenset(name for name in PODS for word in words.split() if fnmatchcase(name, word))


@cache
def probes(words: str) -> frozenset[str]:
    """Probes by blank-separated patterns: ``TCP80``, ``UDP*``, ``*81``."""
    return frozenset(probe for probe in PROBES for word in words.split() if fnmatchcase(probe, word))


def closed(direction: str, subjects: str, *through: tuple[str, str]) -> Closed:
    """A statement, with patterns: ``closed("ingress", "x/a", ("x/b", "TCP80"))``."""
    return Closed(direction, pods(subjects), tuple((pods(peers), probes(ports)) for peers, ports in through))


def stated(*statements: Closed, absent: str = "") -> Truth:
    """The tables that follow: a pod closed by several statements is open to what any of them lets through, a connection
    needs both of its ends, and a pod always reaches itself. ``absent`` is a pod that is not there.
    """
    found = {}
    for probe in PROBES:
        out, into = ({pod: _peers(statements, probe, way, pod) for pod in PODS} for way in ("egress", "ingress"))
        found[probe] = tuple(
            "".join(
                "."
                if absent not in (one, other) and (one == other or (other in out[one] and one in into[other]))
                else "X"
                for other in PODS
            )
            for one in PODS
        )
    return found


def _peers(statements: Iterable[Closed], probe: str, direction: str, subject: str) -> frozenset[str]:
    about = [found for found in statements if found.direction == direction and subject in found.subjects]
    through = [peers for each in about for peers, ports in each.through if probe in ports]
    return frozenset().union(*through) if about else frozenset(PODS)


def drawn(text: str) -> Table:
    """A table as text: a line of destinations, then a line for each source with its name and a cell for each."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    assert tuple(head) == PODS and tuple(line[0] for line in lines) == PODS, (
        "every pod has its row and column, in order"
    )
    assert all(len(line) == len(PODS) + 1 and {*line[1:]} <= {".", "X", "?"} for line in lines), "nine cells of . X ?"
    return tuple("".join(line[1:]) for line in lines)


def shown(table: Table) -> list[str]:
    """A table as lines of text, as it is drawn."""
    rows = zip(PODS, table, strict=True)
    return ["    " + " ".join(PODS), *(f"{name} " + " ".join(f" {cell} " for cell in row) for name, row in rows)]


def measured(objects: Iterable[Object], among: Iterable[Object]) -> Truth:
    """The tables of the engine: one assembly, read from the matrix of all pairs."""
    reach = engine(*among, *objects)
    place = {f"{pod.namespace}/{pod.name}": pod.cls for pod in reach.cluster.pods}
    columns = [reach.matrix.columns(place[name]) if name in place else () for name in PODS]
    found = {}
    for protocol in PROTOCOLS:
        for number in PORTS:
            atom = reach.judge.ports.atom(protocol, number)
            asked = [next((column for column in each if column.ports & atom), None) for each in columns]
            bits = [1 << place[name] if name in place else 0 for name in PODS]
            found[f"{protocol}{number}"] = tuple("".join(_found(column, bit) for column in asked) for bit in bits)
    return found


def _found(column: Column | None, source: int) -> str:
    if column is not None and column.reachable & source:
        return "."
    return "?" if column is not None and column.unknown & source else "X"


def check(objects: Iterable[Object], expected: Truth, among: Iterable[Object] | None = None) -> None:
    """Assert the tables of the engine; where one differs, both are shown side by side."""
    found = measured(objects, world() if among is None else among)
    wrong = [difference(probe, expected[probe], found[probe]) for probe in PROBES if expected[probe] != found[probe]]
    assert not wrong, "\n\n".join(["", *wrong])


def difference(probe: str, expected: Table, found: Table) -> str:
    """Two tables side by side, rows that differ marked."""
    left, right = shown(expected), shown(found)
    lines = [f"{one}   |   {other}{'' if one == other else '   <--'}" for one, other in zip(left, right, strict=True)]
    width = len(left[0])
    return "\n".join([f"{f'{probe} expected':{width}}   |   found", *lines])
