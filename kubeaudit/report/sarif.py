"""SARIF 2.1.0 (OASIS Standard, REP-12): results, paths as code flows, and what was not evaluated as notifications."""

from collections.abc import Callable, Sequence
from functools import cache
from urllib.parse import quote

import msgspec

from kubeaudit.findings import CheckResult, Finding, Hop, ObjectClass, PathResult, Run, ScanResult, Verdict
from kubeaudit.garbage import collection_paused
from kubeaudit.proof import State, dotted
from kubeaudit.refs import ObjectRef
from kubeaudit.report.groups import by_check
from kubeaudit.report.sarif_rules import LEVELS, Rules, rules_of
from kubeaudit.report.visible import clipped, visible
from kubeaudit.report.words import count, percent, reason, unseen
from kubeaudit.snapshot import BadDocument, Gap

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
"""Identifies the format; nothing is fetched from it."""

MAX_TEXT = 1_000

Json = dict[str, object]


@collection_paused()
def render(result: ScanResult) -> bytes:
    """One SARIF log with one run, as one line of JSON with sorted keys."""
    return msgspec.json.encode(log(result), order="sorted") + b"\n"


def log(result: ScanResult) -> Json:
    """The log as JSON values. Findings stand in the order of the other outputs: by check, worst first."""
    rules = rules_of(result)
    paths = {path.id: path for path in result.paths}
    cluster = cluster_name(result.run)
    # Objects and paths stand in many findings; each is written out once and shared.
    place, flow = cache(lambda ref: _location(ref, cluster)), cache(lambda name: _code_flow(paths[name], cluster))
    found = [finding for group in by_check(result, set(ObjectClass)) for finding in group.findings]
    run: Json = {
        "tool": {"driver": _driver(result.run, rules)},
        "taxonomies": rules.taxonomies,
        "automationDetails": {"id": f"kubeaudit/{cluster}/"},
        "invocations": [_invocation(result, rules)],
        "columnKind": "unicodeCodePoints",
        "results": [
            {**_result(finding, rules, place), **_flows([flow(name) for name in finding.paths if name in paths])}
            for finding in found
        ],
        "properties": _properties(result),
    }
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def cluster_name(run: Run) -> str:
    """How the cluster is named in locations: its context, or ``cluster`` for input that names none."""
    return visible(run.context) or "cluster"


def _driver(run: Run, rules: Rules) -> Json:
    return {
        "name": run.tool.name,
        "version": run.tool.version,
        "rules": rules.rules,
        "supportedTaxonomies": [
            {"name": taxonomy["name"], "index": index} for index, taxonomy in enumerate(rules.taxonomies)
        ],
        "properties": {"bundle": run.tool.bundle, "bundleSha256": run.tool.bundle_sha256},
    }


def _flows(flows: list[Json]) -> Json:
    return {"codeFlows": flows} if flows else {}


def _result(finding: Finding, rules: Rules, place: Callable[[ObjectRef], Json]) -> Json:
    subject = finding.subject
    return {
        "ruleId": finding.check,
        "ruleIndex": rules.index[finding.check],
        "level": LEVELS[finding.severity],
        "kind": "fail",
        "message": {"text": _message(finding)},
        "partialFingerprints": {"kubeaudit/v1": finding.fingerprint},
        "locations": [place(subject.object)],
        "properties": {
            "severity": finding.severity,
            "certainty": finding.certainty,
            "exposure": finding.exposure,
            "objectClass": subject.object_class,
            "container": _clean(subject.container),
            "value": _clean(finding.value),
            "instances": finding.instances,
            "scope": finding.scope,
            "drift": finding.drift,
            "evidenceHash": finding.evidence_hash,
            "recheck": [_clean(line) for line in finding.recheck],
        },
    }


def _message(finding: Finding) -> str:
    lines = [
        finding.message,
        *(f"{item.object}: {_shown(item.path, item.value, item.absent)}" for item in finding.evidence),
    ]
    if finding.remediation:
        lines.append(finding.remediation)
    return "\n".join(_clean(line) for line in lines)


def _shown(path: tuple[str | int, ...], value: str, absent: bool) -> str:
    return f"{dotted(path)} is not set" if absent else f"{dotted(path)} = {value}"


def _location(ref: ObjectRef, cluster: str, message: str = "") -> Json:
    """Where a live object stands: a logical name, and a relative URI made from it because viewers ask for a file."""
    name = "/".join(visible(part) for part in (cluster, ref.namespace, ref.kind, ref.name) if part)
    parts = (cluster, ref.namespace or "_cluster", f"{ref.kind}.{ref.group}" if ref.group else ref.kind, ref.name)
    uri = "/".join(quote(visible(part), safe="") for part in parts)
    location: Json = {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": name, "name": visible(ref.name), "kind": "resource"}],
    }
    return {**location, "message": {"text": _clean(message)}} if message else location


def _code_flow(path: PathResult, cluster: str) -> Json:
    text = f"From {path.entry_label} to {path.jewel_label} in {count(len(path.hops), 'hop')}"
    if path.state is State.UNKNOWN:
        text += "; some hops could not be decided"
    steps = [_step(hop, number, cluster) for number, hop in enumerate(path.hops, 1)]
    return {"message": {"text": _clean(text) + "."}, "threadFlows": [{"id": path.id, "locations": steps}]}


def _step(hop: Hop, number: int, cluster: str) -> Json:
    doubt = "" if hop.state is State.YES else f" ({hop.state})"
    text = f"{hop.source_label} {hop.verb} {hop.target_label}{doubt}: {hop.sentence}"
    if hop.evidence:
        location = _location(hop.evidence[0].object, cluster, text)
    else:
        name = _clean(hop.target)
        location = {
            "message": {"text": _clean(text)},
            "logicalLocations": [{"fullyQualifiedName": f"{cluster}/{name}", "kind": "resource"}],
        }
    importance = "essential" if hop.state is State.YES else "important"
    return {
        "location": location,
        "executionOrder": number,
        "importance": importance,
        "kinds": ["reachability", hop.row],
        "properties": {"assumptions": [item.name for item in hop.assumptions], "fix": _clean(hop.fix)},
    }


def _invocation(result: ScanResult, rules: Rules) -> Json:
    run, coverage = result.run, result.coverage
    notes = [
        *(
            _gap(gap, coverage.disabled.get(gap.resource, ()), coverage.grants.get(gap.resource, ""))
            for gap in coverage.gaps
        ),
        *(_not_evaluated(check, rules) for check in result.checks if check.verdict is Verdict.NOT_EVALUATED),
        *(_bad(item) for item in coverage.bad),
    ]
    return {
        "executionSuccessful": run.complete,
        "startTimeUtc": run.start,
        "endTimeUtc": run.end,
        "toolExecutionNotifications": notes,
    }


def _gap(gap: Gap, disabled: Sequence[str], grant: str) -> Json:
    place = f" in {gap.scope}" if gap.scope else ""
    text = f"Not read: {gap.resource}{place}: {reason(gap.reason, gap.status)}."
    if gap.detail:
        text += f" {gap.detail}."
    text += f" Checks it limits: {', '.join(disabled)}." if disabled else " It limits no selected check."
    text += f" To decide, grant {grant}" if grant else ""
    return {"level": "warning", "descriptor": {"id": "not-read"}, "message": {"text": _clean(text)}}


def _not_evaluated(check: CheckResult, rules: Rules) -> Json:
    text = "; ".join(unseen(item) for item in check.unseen) or "the reason is not recorded"
    return {
        "level": "warning",
        "descriptor": {"id": "not-evaluated"},
        "associatedRule": {"id": check.id, "index": rules.index[check.id]},
        "message": {"text": _clean(f"{check.id} was not evaluated: {text}.")},
    }


def _bad(item: BadDocument) -> Json:
    physical: Json = {"artifactLocation": {"uri": quote(item.where)}}
    if item.line:
        physical["region"] = {"startLine": item.line}
    return {
        "level": "error",
        "descriptor": {"id": "unusable-input"},
        "message": {"text": _clean(f"{item.where} was left out: {item.reason}.")},
        "locations": [{"physicalLocation": physical}],
    }


def _properties(result: ScanResult) -> Json:
    run, coverage = result.run, result.coverage
    return {
        "answer": [_clean(sentence) for sentence in result.answer],
        "coverage": percent(coverage.ratio),
        "checks": {
            "selected": coverage.selected,
            "evaluated": coverage.evaluated,
            "notEvaluated": coverage.not_evaluated,
            "notApplicable": coverage.not_applicable,
        },
        "run": msgspec.to_builtins(run),
        "schema": result.schema,
        "verdicts": [_verdict(check) for check in result.checks],
    }


def _verdict(check: CheckResult) -> Json:
    return {
        "check": check.id,
        "verdict": check.verdict,
        "counts": msgspec.to_builtins(check.counts),
        "folded": msgspec.to_builtins(check.folded),
    }


def _clean(text: str) -> str:
    return text if len(text) <= MAX_TEXT and text.isprintable() else visible(clipped(text, MAX_TEXT), lines=True)
