"""What pods to come may do, for people and as JSON."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from kubeaudit.proof import State
from kubeaudit.queries.newcomers import ANY_POD, Newcomer, Openings
from kubeaudit.report.answer import to_json
from kubeaudit.report.network_words import MARKS, intervals_text, some
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count, unseen

SCHEMA = "kubeaudit.network-openings/1"


class _Document(Struct, frozen=True):
    """The JSON form."""

    schema: str
    workloads: tuple[Openings, ...]


def render_json(found: tuple[Openings, ...]) -> bytes:
    """Sorted and versioned."""
    return (to_json(_Document(SCHEMA, found)) + "\n").encode()


def render_text(found: tuple[Openings, ...]) -> bytes:
    """Workloads with the same openings together."""
    alike: dict[tuple[object, ...], list[Openings]] = {}
    for one in found:
        alike.setdefault((one.ingress, one.egress, one.unseen), []).append(one)
    lines = list(_summary(found))
    for group in alike.values():
        first = group[0]
        lines.extend(["", some([one.workload for one in group])])
        lines.extend(f"  {line}" for line in _direction("from", first.ingress))
        lines.extend(f"  {line}" for line in _direction("to", first.egress))
        lines.extend(f"  not known: {unseen(item)}" for item in first.unseen)
    return (visible("\n".join(lines), lines=True) + "\n").encode()


def _summary(found: tuple[Openings, ...]) -> Iterator[str]:
    anybody = sum(any(each.pods == ANY_POD and each.state is State.YES for each in one.ingress) for one in found)
    yield f"A new pod of any kind may connect to {anybody:,} of {count(len(found), 'workload')}."
    yield "Whoever may create a pod with the labels that a rule asks for may use what the rule opens."


def _direction(preposition: str, found: Iterable[Newcomer]) -> Iterator[str]:
    for each in found:
        there = "" if each.exists else " (none now)"
        family = f" ({each.families[0]} only)" if len(each.families) == 1 else ""
        yield f"{MARKS[each.state]} {preposition} {each.pods}{there}: {_ports(each)}{family}"


def _ports(found: Newcomer) -> str:
    listed = [intervals_text(found.ports)] if found.ports else []
    listed += [f"{protocol} {name}" for protocol, name in found.names]
    told = "; ".join(listed) or "on no port"
    without = ", ".join(f"{protocol} {name}" for protocol, name in found.without)
    return f"{told} but for {without}" if without else told
