"""The edge contract (EXP-31..38): what an attacker can do next, with proof."""

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.proof import Assumption, Confidence, Evidence, State
from kubeaudit.refs import Vertex


class Edge(Struct, frozen=True, gc=False):
    """One step from a vertex to another.

    ``row`` names the row of the vocabulary (EXP-nnn); ``sentence`` says the step in words. ``state`` blocked is kept
    where a person would ask why not, and is never traversed. ``unseen`` says what was missing where the state is
    unknown. ``fix`` says which field of which object closes the step, "" where nothing does. ``effort`` is the cost of
    EXP-35."""

    row: str
    source: Vertex
    target: Vertex
    state: State
    confidence: Confidence
    effort: int
    sentence: str
    evidence: tuple[Evidence, ...]
    assumptions: tuple[Assumption, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    fix: str = ""
