"""What limits an answer about the network: input that was left out, faulty parts of policies, kinds not evaluated."""

from collections.abc import Iterable, Iterator

from kubeaudit.edges.context import Context
from kubeaudit.proof import dotted

_MOST = 5


def limits(context: Context) -> Iterator[str]:
    """Each as one line; of many of a sort the first ones and how many more there are (section 1)."""
    reach, cluster = context.reach, context.cluster
    yield from _some(
        f"left out: {bad.object or bad.where}{f' line {bad.line}' if bad.line else ''}: {bad.reason}"
        for bad in cluster.bad
    )
    yield from _some(f"{dotted(fault.path)} of {fault.object}: {fault.reason}" for fault in reach.problems)
    for kind in reach.unevaluated():
        yield f"{kind.resource}: {kind.detail}"


def _some(lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST:,} more of this sort; `kubeaudit scan` lists them"
