"""Where Ingresses and Routes lead, for people and as JSON."""

from itertools import groupby

from msgspec import Struct

from kubeaudit.proof import State
from kubeaudit.queries.entrances import Entrance
from kubeaudit.report.answer import to_json
from kubeaudit.report.network_words import MARKS, STATES
from kubeaudit.report.reach_text import shown
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count, unseen

SCHEMA = "kubeaudit.network-ingress/1"


class _Document(Struct, frozen=True):
    """The JSON form."""

    schema: str
    entrances: tuple[Entrance, ...]


def render_json(found: tuple[Entrance, ...]) -> bytes:
    """Sorted and versioned."""
    return (to_json(_Document(SCHEMA, found)) + "\n").encode()


def render_text(found: tuple[Entrance, ...]) -> bytes:
    """By entry point, with the fields that lead on."""
    states = [f"{number:,} {STATES[state]}" for state in State if (number := sum(e.state is state for e in found))]
    told = f"{count(len(found), 'way')} from Ingresses and Routes to pods: {', '.join(states)}."
    lines = [told if found else "No Ingress or Route leads to a pod."]
    for entry, group in groupby(found, lambda each: each.entry):
        lines.extend(["", str(entry)])
        for each in group:
            lines.append(f"  {MARKS[each.state]} {each.where} by {each.controller} to {each.workload} TCP {each.port}")
            lines.extend(f"      {shown(item)}" for item in each.evidence)
            lines.extend(f"      not known: {unseen(item)}" for item in each.unseen)
    return (visible("\n".join(lines), lines=True) + "\n").encode()
