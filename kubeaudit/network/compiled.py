"""What every policy dialect compiles to: whom a policy selects and what its rules allow (network.md, A-8)."""

from msgspec import Struct

from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import Path
from kubeaudit.refs import ObjectRef


class Entry(Struct, frozen=True, gc=False):
    """What one peer of one rule allows.

    ``subjects`` are the selected classes it holds for: all of them, or those whose port name stands for a number in
    ``ports`` (NET-25). ``peers`` match for certain; ``maybe`` match only if the network plugin or an unseen address
    has it so. ``path`` leads to the peer, or to the rule where that names none.
    """

    subjects: int
    peers: int
    maybe: int
    ports: int
    rule: int
    path: Path


class Half(Struct, frozen=True):
    """One direction of a policy that isolates in it."""

    direction: Direction
    entries: tuple[Entry, ...]


class CompiledPolicy(Struct, frozen=True):
    """A policy as masks.

    ``faulty`` are classes whose connections a part that could not be read may allow (section 1).
    """

    ref: ObjectRef
    selected: int
    halves: tuple[Half, ...]
    faulty: int = 0

    def half(self, direction: Direction) -> Half | None:
        """What the policy says of a direction; None where it does not isolate in it."""
        return next((half for half in self.halves if half.direction is direction), None)
