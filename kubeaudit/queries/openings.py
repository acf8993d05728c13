"""Which pods that do not exist yet could connect, by the labels that rules name (NET-14, NET-15; AGG-9).

Policies let in pods, not names: whoever may create a pod with the labels that a rule asks for is let in, too. Rows that
hold for every pod of the cluster come first of a workload; the others say what is different for a selector.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from kubeaudit.model.implied import Form, form
from kubeaudit.model.selectors import bits_of, mask_of
from kubeaudit.network.cuts import united
from kubeaudit.network.dialects import DIALECTS
from kubeaudit.network.ipspace import FAMILIES
from kubeaudit.network.judge import Judge
from kubeaudit.network.ports import PROTOCOLS, Interval, PortSpace
from kubeaudit.network.reach import Direction, Reach, assemble
from kubeaudit.network.relation import OPEN, alike, likeness, towards
from kubeaudit.network.strangers import Stranger, free_ports, members, seen, strangers, with_strangers
from kubeaudit.proof import State

NamedPort = tuple[str, str]
"""Protocol and port name."""


class Opening(Struct, frozen=True, omit_defaults=True):
    """What the policies of a class let pods of one sort do: connect to it (``ingress``), or be connected to by it.

    ``ports`` are empty where such pods may less than every pod: nothing. ``names`` are ports that the other pod calls
    so, ``without`` those names taken out of ``ports`` again. ``matched``: such pods exist already. What other policies
    say of the other pod is not looked at.
    """

    cls: int
    direction: Direction
    peer: Stranger
    family: str
    state: State
    ports: tuple[Interval, ...]
    names: tuple[NamedPort, ...] = ()
    without: tuple[NamedPort, ...] = ()
    matched: bool = False


_Part = tuple[int, State, int]
"""Position of a stranger, state, ports."""


def openings(
    reach: Reach,
    classes: Iterable[int],
    families: Sequence[str] = tuple(FAMILIES),
    sorts: Sequence[Stranger] | None = None,
) -> Iterator[Opening]:
    """The openings of some classes: what every pod may, and where a selector differs from that.

    Selectors of NetworkPolicies and of the Admin and Baseline tiers are asked, or ``sorts``, which begin with
    ``ANYBODY``. How other policies treat such pods is judged by their labels as far as they are known.
    """
    found = strangers(reach.cluster, reach.judge.policies) if sorts is None else sorts
    cuts = united(dialect.cuts(reach.cluster) for dialect in DIALECTS)
    ports = free_ports(cuts.names, cuts.intervals)
    cluster, added = with_strangers(reach.cluster, found, ports)
    judge = assemble(cluster, reach.cni, seen=partial(seen, added=added)).judge
    matched = {position for position, stranger in added.items() if members(reach.judge.universe, stranger)}
    known: dict[object, list[_Part]] = {}
    everyone = mask_of(added)
    for cls in classes:
        for direction in Direction:
            for family in families:
                key = (direction, family, likeness(judge, direction, cls))
                if key not in known:
                    known[key] = list(_beyond(judge, cls, direction, family, everyone))
                for position, state, mask in known[key]:
                    intervals, names, without = _named(judge.ports, mask, ports)
                    place = (cls, direction, added[position], family, state)
                    yield Opening(*place, intervals, names, without, position in matched)


def text(stranger: Stranger) -> str:
    """A stranger in words."""
    pods = _terms(form(stranger.pods))
    if stranger.namespace:
        where = f"of namespace {stranger.namespace}"
    else:
        labels = _terms(form(stranger.namespaces))
        where = f"of namespaces with {labels}" if labels else "of the cluster"
    return f"pods {where} with {pods}" if pods else f"all pods {where}"


def _beyond(judge: Judge, cls: int, direction: Direction, family: str, everyone: int) -> Iterator[_Part]:
    """Ports by stranger and state where they differ from the first, ``ANYBODY``; of that one, if there are some."""
    shift = judge.universe.size if family == "IPv6" else 0
    first = (everyone & -everyone).bit_length() - 1
    everybody, asked = 1 << first + shift, judge.ports.everything & ~judge.ports.icmp
    parts: list[tuple[int, int, State]] = []
    apart = 0
    for ports, peers in alike(judge, direction, cls, everyone << shift, asked):
        protocol, port, _ = next(judge.ports.intervals(ports))
        parts.append((ports, peers, towards(judge, direction, cls, peers, protocol, port).state))
        apart |= 0 if peers & everybody else peers
    usual = _by_state(parts, everybody)
    yield from ((first, state, usual[state]) for state in OPEN if usual[state])
    for position in bits_of(apart >> shift):
        mine = _by_state(parts, 1 << position + shift)
        yield from ((position, state, mine[state]) for state in OPEN if mine[state] != usual[state])


def _by_state(parts: Iterable[tuple[int, int, State]], peer: int) -> dict[State, int]:
    found = dict.fromkeys(State, 0)
    for ports, peers, state in parts:
        if peers & peer:
            found[state] |= ports
    return found


def _named(
    space: PortSpace, mask: int, ports: dict[str, int]
) -> tuple[tuple[Interval, ...], tuple[NamedPort, ...], tuple[NamedPort, ...]]:
    """What a rule says of a port name shows at the number that stands for it, and not beside."""
    names: list[NamedPort] = []
    without: list[NamedPort] = []
    for name, number in ports.items():
        for protocol in PROTOCOLS:
            at, beside = space.atom(protocol, number), space.atom(protocol, number - 1)
            is_open, is_open_beside = bool(mask & at), bool(mask & beside)
            if is_open != is_open_beside:
                (names if is_open else without).append((protocol, name))
                mask ^= at
    return tuple(space.intervals(mask)), tuple(names), tuple(without)


def _terms(found: Form) -> str:
    return ", ".join(_term(*term) for term in found)


def _term(key: str, operator: str, values: tuple[str, ...]) -> str:
    match operator:
        case "In" if len(values) == 1:
            return f"{key}={values[0]}"
        case "In":
            return f"{key} in ({', '.join(values)})"
        case "NotIn":
            return f"{key} not in ({', '.join(values)})"
        case "Exists":
            return key
        case _:
            return f"!{key}"
