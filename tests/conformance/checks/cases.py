"""Cases of the check corpora (schema kubeaudit-check-cases/1) as snapshots, and what is expected of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs
from policy.snapshots import of_objects, shipped

from kubeaudit.documents import drop_nulls
from kubeaudit.findings import CheckResult, Finding, Run, ScanResult, Tool
from kubeaudit.kinds import FILE_KINDS, KINDS, NAMED_CONFIGMAPS, NAMED_KIND
from kubeaudit.scan import scan
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome, Read, Snapshot

from ..corpora import documents, path

RUN = Run(Tool("kubeaudit", "0", "", ""), "", "", 0.0, "")
STATED = "this product says"
"""What the note of a disputed case says where it states our verdict."""
_OUTCOMES = {"ok": Outcome.COMPLETE, 401: Outcome.UNAUTHORIZED, 403: Outcome.REFUSED, 404: Outcome.NOT_SERVED}
_BY_KIND = {kind.kind: kind for kind in reversed((*KINDS, *FILE_KINDS, NAMED_KIND))}


class Expectation(Struct, frozen=True):
    """What a case says about one check, or about any of several."""

    verdict: str
    check: str = ""
    any_of: tuple[str, ...] = ()
    objects: tuple[dict[str, str], ...] = ()
    clean_objects: tuple[dict[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    reason: str = ""
    scope: str = ""

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks it names."""
        return self.any_of or (self.check,)

    @property
    def shipped(self) -> bool:
        """Whether it can be decided: all checks it names exist."""
        return all(check in shipped() for check in self.checks)


class Case(Struct, frozen=True):
    """One case of a corpus."""

    id: str
    files: tuple[str, ...]
    expect: tuple[Expectation, ...]
    confidence: str
    note: str = ""

    @property
    def gated(self) -> bool:
        """Whether a difference is an error (INDEX.md of the corpora)."""
        return self.confidence == "agreed" or (self.confidence == "disputed" and STATED in self.note)


def cases(corpus: str) -> Iterator[Case]:
    """The cases of a corpus."""
    found = msgspec.json.decode(path("checks", corpus, "cases.json").read_bytes())
    yield from msgspec.convert(found["cases"], list[Case])


def run(corpus: str, case: Case) -> ScanResult | None:
    """The result of a case, judged by the shipped checks it names; None where it names none.

    What is malformed is judged by all of them, because none may end a run.
    """
    names = {check for wanted in case.expect for check in wanted.checks} & set(shipped())
    if case.confidence == "robustness":
        names = set(shipped())
    if not names:
        return None
    return scan(snapshot(corpus, case), [shipped()[name] for name in sorted(names)], Settings(), RUN)


def snapshot(corpus: str, case: Case) -> Snapshot:
    """The objects of a case; ``reads.json`` says what was read of which kind."""
    objects: list[Mapping[str, Any]] = []
    reads: Path | None = None
    for name in case.files:
        file = path("checks", corpus, name)
        if file.name == "reads.json":
            reads = file
        else:
            objects += [named for item in documents(file) for each in dumped(item) if (named := usable(each))]
    found = of_objects(objects)
    return structs.replace(found, reads=tuple(_reads(msgspec.json.decode(reads.read_bytes())))) if reads else found


def dumped(item: Any) -> Iterator[Any]:
    """The objects of a dump that sorts them by kind (kubesplaining); anything else is an object itself."""
    if not isinstance(item, dict) or "resources" not in item:
        yield item
        return
    by_plural = {kind.resource: kind for kind in reversed(KINDS)}
    for plural, items in item["resources"].items():
        kind = by_plural.get(plural.replace("_", ""))
        yield from ({"apiVersion": f"{kind.group}/v1", "kind": kind.kind, **each} for each in items if kind)


def usable(item: Any) -> Mapping[str, Any] | None:
    """The object under the version that is read and in a namespace, as the API server would keep it."""
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict) or item.get("kind") not in _BY_KIND:
        return None
    group = str(item.get("apiVersion", "")).rpartition("/")[0]
    kind = next((k for k in KINDS if (k.group, k.kind) == (group, item["kind"])), _BY_KIND[item["kind"]])
    item = drop_nulls(item)
    metadata = {"namespace": "default", **item["metadata"]} if kind.namespaced else item["metadata"]
    if kind is NAMED_KIND and (metadata["namespace"], metadata.get("name")) not in NAMED_CONFIGMAPS:
        return None
    version = f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
    return {**item, "apiVersion": version, "metadata": metadata}


def _reads(told: Mapping[str, Any]) -> Iterator[Read]:
    for resource, outcome in told.items():
        by_scope = outcome if isinstance(outcome, dict) else {"cluster": outcome}
        for scope, one in by_scope.items():
            status = one if isinstance(one, int) else 0
            yield Read(resource, "" if scope == "cluster" else scope, _OUTCOMES[one], status=status)


def differences(result: ScanResult, wanted: Expectation) -> Iterator[str]:
    """What of an expectation does not hold."""
    checks = {check.id: check for check in result.checks}
    if wanted.any_of:
        failing = [name for name in wanted.any_of if checks[name].verdict == "fail"]
        if wanted.verdict == "fail" and not failing:
            yield f"none of {', '.join(wanted.any_of)} fails"
        if wanted.verdict == "pass" and failing:
            yield f"{', '.join(failing)} fails"
        return
    check = checks[wanted.check]
    if wanted.verdict not in ("any", check.verdict):
        yield f"{check.verdict} instead of {wanted.verdict} {_why(check)}"
    yield from _objects(result, wanted)
    seen = {unseen.resource for unseen in check.unseen}
    yield from (f"{resource} is not named as missing" for resource in wanted.missing if resource not in seen)
    if wanted.reason and wanted.reason not in {unseen.reason for unseen in check.unseen}:
        yield f"the reason is not {wanted.reason}"
    if wanted.scope and check.scope != wanted.scope:
        yield f"scope {check.scope} instead of {wanted.scope}"


def _objects(result: ScanResult, wanted: Expectation) -> Iterator[str]:
    failing = [finding for finding in result.findings if finding.check == wanted.check]
    yield from (f"{told} does not fail" for told in wanted.objects if not any(_is(told, one) for one in failing))
    yield from (f"{told} fails" for told in wanted.clean_objects if any(_is(told, one) for one in failing))


def _is(told: Mapping[str, str], finding: Finding) -> bool:
    """Whether a finding is about an object; some projects report the subject of a binding, which is evidence here."""
    ref = finding.subject.object
    if "ref" in told:
        return told["ref"] == f"{ref.kind}.{ref.namespace}.{ref.name}"
    if told["kind"] in ("User", "Group", "ServiceAccount"):
        return any(f'"name":"{told["name"]}"' in item.value for item in finding.evidence)
    return all(told.get(key, value) == value for key, value in structs.asdict(ref).items())


def _why(check: CheckResult) -> str:
    return (
        f"({', '.join(sorted({str(item.detail or item.resource) for item in check.unseen}))})" if check.unseen else ""
    )
