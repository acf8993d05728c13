"""The answer of ``kubeaudit reach`` as text: one or two sentences first, then the proof of every part."""

from collections.abc import Iterator

import msgspec

from kubeaudit.documents import dump
from kubeaudit.proof import Evidence, State, dotted, recheck
from kubeaudit.queries.ends import INTERNET
from kubeaudit.queries.reach import Connection, ReachAnswer, Segment, widest
from kubeaudit.report.network_words import MARKS, MOST, STATES, intervals_text, ports_text, some, why
from kubeaudit.report.visible import clipped, visible
from kubeaudit.report.words import sentence, unseen

MOST_CONNECTIONS = 20
MOST_PROOF = 12
_TEXT = 600
_VERBS = {State.YES: "can open", State.UNKNOWN: "may be able to open", State.BLOCKED: "cannot open"}
_EDITS = {State.YES: "to close", State.BLOCKED: "to open", State.UNKNOWN: "to change"}


def render_json(answer: ReachAnswer) -> bytes:
    """The document, indented, with sorted keys."""
    return msgspec.json.format(msgspec.json.encode(answer, order="sorted"), indent=2) + b"\n"


def render_text(answer: ReachAnswer) -> bytes:
    """The answer for people."""
    lines = [*_answer(answer), ""]
    for connection in answer.connections[:MOST_CONNECTIONS]:
        lines.extend(_connection(connection, bool(answer.ports)))
    if len(answer.connections) > MOST_CONNECTIONS:
        lines.append(f"{len(answer.connections) - MOST_CONNECTIONS:,} more groups are in the JSON output (-o json)")
    if answer.ways:
        lines.append("how the internet gets there")
        lines.extend(f"  {MARKS[way.state]} {' '.join(way.steps)}" for way in answer.ways[:MOST_CONNECTIONS])
        lines.append("")
    lines.extend(f"note: {note}" for note in (*answer.notes, *((answer.plugin,) if answer.plugin else ())))
    return (visible("\n".join(lines).rstrip(), lines=True) + "\n").encode()


def _answer(answer: ReachAnswer) -> Iterator[str]:
    """One or two sentences: the widest verdict and why, and what else there is."""
    found = [(connection, segment) for connection in answer.connections for segment in connection.segments]
    if not found:
        yield f"Blocked: {answer.source} and {answer.target} have no address family in common."
        return
    first = widest([segment for _, segment in found])
    connection = next(connection for connection, segment in found if segment is first)
    source, target = _joint(connection.sources), _joint(connection.targets)
    ports = intervals_text(first.ports)
    what = "any port" if first.state is State.BLOCKED and ports == "all" else "all ports" if ports == "all" else ports
    reason = _why(first, source, target)
    yield f"{sentence(STATES[first.state])}: {source} {_VERBS[first.state]} {what} to {target}: {reason}."
    others = {segment.state: segment for _, segment in reversed(found) if segment.state is not answer.state}
    if len(answer.connections) > 1:
        counted = {state: sum(state in {s.state for s in c.segments} for c in answer.connections) for state in STATES}
        listed = ", ".join(f"{STATES[state]} {number}" for state, number in counted.items() if number)
        yield f"Of {len(answer.connections)} groups with different verdicts: {listed}."
    elif others:
        listed = "; ".join(f"{STATES[state]}: {ports_text(segment.ports)}" for state, segment in others.items())
        yield f"Beside that, {listed}."
    if answer.ways == () and answer.state is not State.BLOCKED:
        yield "No load balancer, node port, Ingress or host port leads there from the internet, as far as objects show."


def _joint(names: tuple[str, ...], most: int = 3) -> str:
    return some([f"the {name}" if name == INTERNET else name for name in names], most)


def _why(segment: Segment, source: str, target: str) -> str:
    if segment.state is not segment.verdict.state:
        return (
            "; ".join(dict.fromkeys(map(unseen, segment.unseen))) or "policies let it pass, but not what is beside them"
        )
    return why(segment.verdict, source, target)


def _connection(connection: Connection, asked: bool) -> Iterator[str]:
    source, target = _joint(connection.sources, MOST), _joint(connection.targets, MOST)
    yield f"{source} → {target}"
    many = len(connection.sources) * len(connection.targets) > 1
    for number, segment in enumerate(connection.segments):
        yield from _segment(segment, source, target, edits=asked or number == 0)
        if many and (asked or number == 0) and segment.edits:
            yield f"    the edit is for {connection.sources[0]} → {connection.targets[0]}"
    yield ""


def _segment(segment: Segment, source: str, target: str, *, edits: bool) -> Iterator[str]:
    ports, families = ports_text(segment.ports), ", ".join(segment.families)
    yield f"  {MARKS[segment.state]} {STATES[segment.state]:9} {ports} ({families})"
    yield f"    why: {_why(segment, source, target)}"
    for evidence in segment.proof[:MOST_PROOF]:
        yield f"    proof: {shown(evidence)}"
        yield f"           {recheck(evidence)}"
    if len(segment.proof) > MOST_PROOF:
        yield f"    {len(segment.proof) - MOST_PROOF} more fields are in the JSON output"
    verdict = segment.verdict
    isolating = dict.fromkeys(str(ref) for side in (verdict.egress, verdict.ingress) for ref in side.isolating)
    if isolating:
        yield f"    isolating: {some(isolating)}"
    if verdict.would_block_by:
        yield f"    would block it: {some(dict.fromkeys(str(decision.policy) for decision in verdict.would_block_by))}"
    for assumption in segment.assumptions:
        yield f"    assumes: {assumption.text}"
    if verdict.settle_by:
        yield f"    settled by: {', '.join(verdict.settle_by)}"
    elif segment.state is State.UNKNOWN:
        yield from (f"    not known: {text}" for text in dict.fromkeys(map(unseen, segment.unseen)))
    for edit in segment.edits if edits else ():
        yield f"    {_EDITS[segment.verdict.state]}: {edit.text}"
        for change in edit.changes:
            if change.op == "create":
                yield from (f"      {line}" for line in dump(change.value).splitlines())
            elif change.value is not None:
                yield f"      {dotted(change.path)} of {change.object}: {_json(change.value)}"


def shown(evidence: Evidence) -> str:
    """A field of an object with its value, in one line."""
    value = "is not set" if evidence.absent else clipped(evidence.value, _TEXT)
    note = f" ({clipped(evidence.note, _TEXT)})" if evidence.note else ""
    name = (
        f"any {evidence.object.kind} in {evidence.object.namespace}"
        if evidence.object.name == "*"
        else str(evidence.object)
    )
    if evidence.absent and evidence.note:
        return f"{dotted(evidence.path)} of {name}: {clipped(evidence.note, _TEXT)}"
    return f"{dotted(evidence.path)} of {name}: {value}{note}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
