"""netpol-analyzer's errors and warnings: the run finishes, and what is wrong is named (network.md, 8.1).

Upstream stops at the first fault; section 1 asks for object, field and reason, and for the rest to be judged.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from network.clusters import cluster

from conformance.netpol.analyzer import PROFILE, load, names_of
from conformance.netpol.analyzer_cases import ERRORS, NAME, ROOT
from conformance.netpol.corpora import absent, manifests
from kubeaudit.collect.manifests import collect_files
from kubeaudit.edges.context import Context
from kubeaudit.errors import CollectError, UsageError
from kubeaudit.model.cluster import Cluster, build
from kubeaudit.network.lint import lints
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.network.verdicts import Direction
from kubeaudit.proof import State
from kubeaudit.queries.ends import end
from kubeaudit.queries.ingress_hop import hops
from kubeaudit.rbac import access
from kubeaudit.settings import Settings

Case = dict[str, Any]
Told = Callable[[Case, Reach], bool]
_NETWORKS = (
    "UserDefinedNetwork",
    "ClusterUserDefinedNetwork",
    "NetworkAttachmentDefinition",
    "VirtualMachine",
    "VirtualMachineInstance",
)
_WORDS = {
    "PriorityValueErr": "priority .* is not within",
    "ANPsWithSameNameErr": "has this name|was read before",
    "OneFieldSetSubjectErr": "subject needs exactly one",
    "ANPEgressRulePeersErr": "names no peer",
    "ANPIngressRulePeersErr": "names no peer",
    "OneFieldSetRulePeerErr": "stand together|no field that",
    "ANPPortsError": "needs exactly one of",
    "UnknownRuleActionErr": "action .* is none of",
    "IllegalPortRangeError": "no interval",
    "EmptyRulePeerErrStr": "has no podSelector",
    "CombinedRulePeerErrStr": "stands together with a selector",
    "EndPortWithNamedPortErrStr": "endPort needs a numeric port",
    "InvalidCIDRAddr": "is no CIDR",
    "SelectorErrTitle": "is no label|operator",
    "BANPNameAssertion": "named default",
    "BANPAlreadyExists": "named default|was read before",
    "NPWithSameNameError": "was read before",
    "NSWithSameNameError": "was read before",
    "ConvertNamedPortErrStr": "addresses have no port names",
    "WarnNamedPortIgnoredForIP": "have no port names",
    "WarnPrefixPortName": "none of the (selected )?pods declares",
    "WarnUnmatchedNamedPort": "none of the (selected )?pods declares",
    "UnrecognizedValType": "does not fit",
    "SliceFromMapErr": "does not fit",
    "UnmarshalErr": "not an object",
    "MissingObjectErr": "has no (kind|apiVersion)",
    "WrongStartCharacterErr": "not YAML",
}
"""What we say where upstream's message has this symbol."""

pytestmark = pytest.mark.skipif(not ERRORS, reason=absent(ROOT))


def _about_networks(case: Case) -> bool:
    """Whether a case is about several networks a pod or about virtual machines."""
    text = "".join(path.read_text() for path in (ROOT / case["dir"]).rglob("*.y*ml"))
    return case["multiple_networks"] or any(f"kind: {kind}\n" in text for kind in _NETWORKS)


_CASES = [case for case in ERRORS if not _about_networks(case)]


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["id"])
def test_the_run_finishes_and_names_what_is_wrong(case: Case, tally: Counter[tuple[str, str]]) -> None:
    found, unread = _collected(case)
    reach = assemble(found, PROFILE)
    judged = list(reach.relation())
    asked = [told for symbol, told in _TOLD.items() if symbol in case["expect_symbol"]]
    wanted = [text for symbol, text in _WORDS.items() if symbol in case["expect_symbol"]]
    reasons = [*_reasons(reach), *unread]
    missing = [text for text in wanted if not any(re.search(text, reason) for reason in reasons)]
    right = bool(asked or wanted) and not missing and all(told(case, reach) for told in asked)
    tally[f"{NAME}, errors and warnings", "agreed" if right else "differs"] += 1
    assert judged or not found.classes
    assert asked or wanted, f"nothing is known of {case['expect_symbol']}"
    assert missing == []
    assert right


def _collected(case: Case) -> tuple[Cluster, list[str]]:
    """The cluster of a folder; of one without a single usable object what the run says instead."""
    given = [str(ROOT / case["dir"])]
    try:
        return build(collect_files(given, stdin=io.BytesIO(), tool_version="0", now="2026-01-01T00:00:00Z")), []
    except CollectError as error:
        return cluster(), [str(error)]


def _reasons(reach: Reach) -> Iterator[str]:
    """Everything that is reported with the object it is about."""
    for problem in reach.problems:
        yield f"{problem.object}: {problem.reason}"
    for bad in reach.cluster.bad:
        assert bad.object or bad.where
        yield f"{bad.object or bad.where}: {bad.reason}"
    for lint in lints(reach):
        yield f"{lint.object}: {lint.text}"


def _is_split(case: Case, reach: Reach) -> bool:
    """Pods of one owner that a policy tells apart: each sort is judged and named on its own (AGG-1)."""
    (name,) = _quoted(case)
    found, listed = load(manifests(ROOT / case["dir"]))
    names = names_of(found, listed)
    return sum(any(held.startswith(f"{name}[") for held in mine) for mine in names.values()) > 1


def _is_unknown(case: Case, reach: Reach) -> bool:
    """A question about a workload that is not there says so."""
    context = Context(reach.cluster, reach, access.build(reach.cluster), Settings())
    (name,) = _quoted(case)
    with pytest.raises(UsageError, match=name):
        end(context, name, tuple(reach.cluster.namespaces))
    return True


def _quoted(case: Case) -> list[str]:
    return re.findall(r'"([^"]+)"', case["expect_symbol"])


def _no_workload(case: Case, reach: Reach) -> bool:
    return not reach.cluster.classes


def _no_policy(case: Case, reach: Reach) -> bool:
    return not reach.policies and not any(reach.judge.table(direction).selected for direction in Direction)


def _nodes_unread(case: Case, reach: Reach) -> bool:
    """Peers that are nodes are judged; where files show no node, addresses that may be of one are unknown."""
    rows = [row for row in reach.relation(["IPv4"]) if row.state is State.UNKNOWN]
    return bool(rows) and any(doubt == "node_addresses" for doubt in _doubts(reach))


def _doubts(reach: Reach) -> Iterator[str]:
    for policy in reach.policies:
        for half in policy.halves:
            yield from (entry.doubt for entry in half.entries)


def _ipv6_judged(case: Case, reach: Reach) -> bool:
    """Both families are judged, so that nothing is ignored (REG-NET-15)."""
    return any(":" in end for row in reach.relation(["IPv6"]) for end in (row.source, row.target))


def _is_ordered(case: Case, reach: Reach) -> bool:
    """Policies of one priority are named, or which is asked first changes nothing (NET-86)."""
    named = any(re.search("the same priority|has priority", reason) for reason in _reasons(reach))
    return named or all(row.state is not State.UNKNOWN for row in reach.relation())


def _is_isolated(case: Case, reach: Reach) -> bool:
    """A way through an Ingress or a Route that policies may close is not stated as open (REG-NET-13)."""
    context = Context(reach.cluster, reach, access.build(reach.cluster), Settings())
    return any(hop.state is not State.YES for hop in hops(context))


def _always(case: Case, reach: Reach) -> bool:
    """A warning that an option of upstream's command line has no effect; there is no object to name."""
    return True


_TOLD: dict[str, Told] = {
    "NotSupportedPodResourcesErrorStr": _is_split,
    "WorkloadDoesNotExistErrStr": _is_unknown,
    "NoK8sWorkloadResourcesFoundErrorStr": _no_workload,
    "NoK8sNetworkPolicyResourcesFoundErrorStr": _no_policy,
    "WarnUnsupportedNodesField": _nodes_unread,
    "WarnUnsupportedIPv6Address": _ipv6_judged,
    "SamePriorityErr": _is_ordered,
    "BlockedIngressWarning": _is_isolated,
    "WarnIgnored": _always,
    "WarnIncompatibleFormat": _always,
}
"""What holds instead where no object is at fault."""


def test_cases_about_networks_are_counted(tally: Counter[tuple[str, str]]) -> None:
    tally[f"{NAME}, errors and warnings", "out of scope: multinet, vm"] += len(ERRORS) - len(_CASES)
    assert _CASES
