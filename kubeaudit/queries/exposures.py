"""What every workload is open to, and where it can go (AGG-9)."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.findings import Unseen
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.reach import Direction
from kubeaudit.network.relation import Block, Ends, towards
from kubeaudit.network.rows import members
from kubeaudit.proof import State
from kubeaudit.queries.covers import Covers
from kubeaudit.queries.pairs import NO_PORTS

NOBODY = "nobody"
_ASKED = 8
"""So many blocks of a class are asked why they are not known."""


class Exposure(Struct, frozen=True, omit_defaults=True):
    """One workload: who can reach it and where it can go, on any port, widest first.

    Words are ``internet``, ``private addresses``, ``whole cluster``, ``N other namespaces``, ``own namespace`` and
    ``nobody``. ``maybe_from`` and ``maybe_to`` are what is not known in addition, ``unknown`` says why. ``open`` are
    the directions in which no policy isolates it.
    """

    workload: str
    reached_from: tuple[str, ...]
    reaches: tuple[str, ...]
    open: tuple[str, ...] = ()
    maybe_from: tuple[str, ...] = ()
    maybe_to: tuple[str, ...] = ()
    unknown: tuple[Unseen, ...] = ()


class _Peers(Struct):
    """The classes and address atoms that a class is connected with, by state, and the blocks that are not known."""

    classes: dict[State, int]
    atoms: dict[State, int]
    unknown: list[Block]


def exposures(context: Context, named: Covers, found: Sequence[Block], subjects: int) -> tuple[Exposure, ...]:
    """The exposure of some classes, in the order of their names, from the blocks of the whole relation."""
    size = context.reach.judge.universe.size
    into, out = _peers(found, size, Ends.SOURCE), _peers(found, size, Ends.TARGET)
    made = (_exposure(context, named, cls, into[cls], out[cls]) for cls in bits_of(subjects))
    return tuple(sorted(made, key=lambda exposure: exposure.workload))


def _peers(found: Sequence[Block], size: int, far: Ends) -> list[_Peers]:
    """Everything on one side of the blocks, by the classes on the other side."""
    held: list[list[int]] = [[] for _ in range(size)]
    for number, block in enumerate(found):
        if block.outside in (Ends.PODS, far):
            for mine in members(held, block.targets if far is Ends.SOURCE else block.sources):
                mine.append(number)
    known: dict[tuple[int, ...], _Peers] = {}
    for numbers in map(tuple, held):
        if numbers not in known:
            known[numbers] = _united((found[number] for number in numbers), far)
    return [known[tuple(numbers)] for numbers in held]


def _united(found: Iterable[Block], far: Ends) -> _Peers:
    peers = _Peers(dict.fromkeys(State, 0), dict.fromkeys(State, 0), [])
    for block in found:
        if block.state is State.UNKNOWN:
            peers.unknown.append(block)
        masks = peers.classes if block.outside is Ends.PODS else peers.atoms
        masks[block.state] |= block.sources if far is Ends.SOURCE else block.targets
    return peers


def _exposure(context: Context, named: Covers, cls: int, into: _Peers, out: _Peers) -> Exposure:
    reach = context.reach
    isolated = {direction: reach.isolating(cls, direction) for direction in Direction}
    return Exposure(
        workload=named.names[cls],
        reached_from=tuple(_words(context, cls, into, State.YES)) or (NOBODY,),
        reaches=tuple(_words(context, cls, out, State.YES)) or (NOBODY,),
        open=tuple(str(direction) for direction, policies in isolated.items() if not policies),
        maybe_from=tuple(_words(context, cls, into, State.UNKNOWN)),
        maybe_to=tuple(_words(context, cls, out, State.UNKNOWN)),
        unknown=tuple(dict.fromkeys(_why(context, cls, into, out))),
    )


def _words(context: Context, cls: int, peers: _Peers, state: State) -> Iterator[str]:
    """What is connected in a state and not in a better known one."""
    space = context.reach.judge.universe.space
    atoms, classes = peers.atoms[state], peers.classes[state]
    if state is State.UNKNOWN:
        atoms &= ~peers.atoms[State.YES]
        classes &= ~peers.classes[State.YES]
    if atoms & space.public:
        yield "internet"
    if atoms & ~space.public:
        yield "private addresses"
    everyone = context.reach.judge.universe.classes
    if classes | 1 << cls == everyone and everyone.bit_count() > 1:
        yield "whole cluster"
        return
    own = context.cluster.classes[cls].namespace
    outside = classes & ~context.classes_of_namespace[own]
    others = [name for name, mask in context.classes_of_namespace.items() if mask & outside] if outside else []
    if others:
        yield f"namespace {others[0]}" if len(others) == 1 else f"{len(others)} other namespaces"
    if classes & context.classes_of_namespace[own]:
        yield "own namespace"


def _why(context: Context, cls: int, into: _Peers, out: _Peers) -> Iterator[Unseen]:
    """Why connections of a class are not known: one pair of every such block is asked."""
    reach, judge = context.reach, context.reach.judge
    for direction, peers in ((Direction.INGRESS, into), (Direction.EGRESS, out)):
        for block in peers.unknown[:_ASKED]:
            others = block.sources if direction is Direction.INGRESS else block.targets
            protocol, port, _ = next(judge.ports.intervals(block.ports), NO_PORTS)
            if block.outside is not Ends.PODS:
                mask = judge.universe.external(others)
                yield from towards(judge, direction, cls, mask, protocol, port).unseen
                continue
            pair = ((others & -others).bit_length() - 1, cls)
            source, target = pair if direction is Direction.INGRESS else pair[::-1]
            yield from reach.connect(source, target, protocol, port, block.family).unseen
