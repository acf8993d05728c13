"""What limits an answer about the network: input that was left out, faulty parts of policies, kinds not evaluated, and
what happens in time, which no verdict knows.
"""

from collections.abc import Iterable, Iterator

from kubeaudit.edges.context import Context
from kubeaudit.proof import dotted
from kubeaudit.settings import Fact

ESTABLISHED = "a change of policies is about new connections; the network plugin cuts or keeps those open (NET-74)"
_STARTING = (
    "until the agent of the AWS VPC CNI has set the policies of a new pod, its connections pass in standard mode and "
    "are dropped in strict mode (NET-75)"
)
_MOST = 5


def limits(context: Context) -> Iterator[str]:
    """Each as one line; of many of a sort the first ones and how many more there are (section 1)."""
    reach, cluster = context.reach, context.cluster
    yield from _some(
        f"left out: {bad.object or bad.where}{f' line {bad.line}' if bad.line else ''}: {bad.reason}"
        for bad in cluster.bad
    )
    yield from _some(f"{dotted(fault.path)} of {fault.object}: {fault.reason}" for fault in reach.problems)
    for kind in (*reach.unevaluated(), *reach.aside()):
        yield f"{kind.resource}: {kind.detail}"
    for item in reach.beside_aws:
        why = f"it is not known {item.detail}" if item.detail else f"{item.resource} were not read"
        yield f"169.254.169.254 may be open whatever egress policies say: {why} (NET-148)"
    if reach.cni.name == "aws-vpc-cni" and reach.cni.enforces is not Fact.NO:
        yield _STARTING


def _some(lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST:,} more of this sort; `kubeaudit scan` lists them"
