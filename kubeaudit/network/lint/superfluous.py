"""Lints about what could be taken away: rules that others cover, policies whose removal changes nothing (5.3)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import structs

from kubeaudit.network.compiled import Entry, Half
from kubeaudit.network.evidence import value_at
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.reach import Reach
from kubeaudit.network.rows import Frame, Rows, Signature, Table
from kubeaudit.network.stages import Stage


def rules(reach: Reach) -> Iterator[Lint]:
    """Rules whose traffic earlier rules of the policy decide, or, where all allow, any other rule of it."""
    for policy in reach.policies:
        for half in policy.halves:
            for number, entries in _by_rule(half).items():
                others = [entry for entry in half.entries if _counts(entry, number, half)]
                if all(_covered(entry, others) for entry in entries):
                    path = ("spec", str(half.direction), number)
                    text = f"{half.direction} rule {number} of {policy.ref} changes nothing: its other rules cover it."
                    yield Lint("shadowed-rule", policy.ref, text, "5.3", (value_at(policy, path),))


def _by_rule(half: Half) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for entry in half.entries:
        found.setdefault(entry.rule, []).append(entry)
    return found


def _counts(entry: Entry, number: int, half: Half) -> bool:
    """Whether an entry may cover a rule: an earlier one, or, where order means nothing, any but a later equal one."""
    if entry.rule < number:
        return True
    return entry.rule > number and len({e.action for e in half.entries}) == 1 and not _equal(half, entry.rule, number)


def _equal(half: Half, first: int, second: int) -> bool:
    spelt = {
        number: Counter((e.subjects, e.peers, e.maybe, e.ports) for e in half.entries if e.rule == number)
        for number in (first, second)
    }
    return spelt[first] == spelt[second]


def _covered(entry: Entry, others: Sequence[Entry]) -> bool:
    """Whether others match everything an entry matches, port by port; what matches only perhaps covers nothing."""
    if entry.maybe:
        return False
    left = {entry.ports: entry.peers}
    for other in others:
        if entry.subjects & ~other.subjects:
            continue
        left = {
            part: rest
            for ports, peers in left.items()
            for part, rest in ((ports & other.ports, peers & ~other.peers), (ports & ~other.ports, peers))
            if part and rest
        }
    return not left


def policies(reach: Reach) -> Iterator[Lint]:
    """Policies that select pods and whose removal changes no row."""
    needed = 0
    judge = reach.judge
    frame = Frame(
        judge.universe.size,
        judge.ports.everything,
        judge.ports.icmp,
        judge.universe.everything,
        not reach.cni.isolates_all,
        reach.cni.settles_icmp,
    )
    for table in (judge.ingress, judge.egress):
        needed |= _needed(table, frame)
    for number, policy in enumerate(reach.policies):
        if policy.ref in reach.policies_of_nodes:
            continue
        if policy.selected and not policy.faulty and not needed >> number & 1 and policy.halves:
            text = f"{policy.ref} changes nothing: without it every connection is judged the same."
            yield Lint("redundant-policy", policy.ref, text, "5.3", (value_at(policy, policy.selector),))


def _needed(table: Table, frame: Frame) -> int:
    """The policies without which some row of a direction would be another, as a mask of their numbers."""
    needed, rows = 0, Rows(frame)
    for signature in table.signatures:
        row = frozenset(signature.row)
        for number in {asked.policy for stage in signature.stages for group in stage.groups for asked in group}:
            certain = not signature.or_else and not needed >> number & 1
            if not certain or frozenset(rows.row(_without(signature, number))) != row:
                needed |= 1 << number
    return needed


def _without(signature: Signature, number: int) -> tuple[Stage, ...]:
    """The stages of some classes as if one policy did not exist."""
    found = []
    for stage in signature.stages:
        groups = tuple(kept for group in stage.groups if (kept := tuple(a for a in group if a.policy != number)))
        isolating = tuple(policy for policy in stage.isolating if policy != number)
        if groups:
            found.append(structs.replace(stage, groups=groups, isolating=isolating))
    return tuple(found)
