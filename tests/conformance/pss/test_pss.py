"""The fixtures of Pod Security admission: each control as the shipped checks see it (checks.md, section 9)."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from policy.snapshots import of_objects, shipped

from kubeaudit.findings import Verdict
from kubeaudit.model.cluster import build
from kubeaudit.policy.cel_judge import judge

from ..corpora import ROOT, documents, path

Case = dict[str, Any]


def cases() -> dict[str, list[Case]]:
    """Cases by policy version, those that a shipped check decides; empty where there is no corpus."""
    file = ROOT / "pss" / "cases.json"
    found: dict[str, list[Case]] = {}
    for case in msgspec.json.decode(file.read_bytes())["cases"] if file.exists() else ():
        if any(_decided(case)):
            found.setdefault(case["policy_version"], []).append(case)
    return found


def _decided(case: Case) -> Iterator[str]:
    """Checks that must not fail, and those of which one must: only where all of them are shipped."""
    yield from (name for name in case.get("passing", ()) if name in shipped())
    failing = case.get("failing_any_of", ())
    if set(failing) <= set(shipped()):
        yield from failing


CASES = cases()


@pytest.mark.parametrize("version", sorted(CASES) or [pytest.param("", id="no-corpus")])
def test_controls(version: str) -> None:
    """Every pod of one policy version, judged as by a server of that version."""
    path("pss", "cases.json")
    pods = [_pod(case, f"pod-{number}") for number, case in enumerate(CASES[version])]
    snapshot = of_objects(pods, f"v{version}.0")
    names = {name for case in CASES[version] for name in _decided(case)}
    found = judge([shipped()[name] for name in sorted(names)], snapshot, build(snapshot))
    failing = {(name, one.subject.object.name) for name in names for one in found[name] if one.verdict is Verdict.FAIL}
    judged = {(name, one.subject.object.name) for name in names for one in found[name]}
    wrong = []
    for number, case in enumerate(CASES[version]):
        fails = {name for name in _decided(case) if (name, f"pod-{number}") in failing}
        assert all((name, f"pod-{number}") in judged for name in _decided(case)), f"{case['id']} was not judged"
        if case["level_verdict"] == "fail" and not fails:
            wrong.append(f"{case['id']}: none of {', '.join(case['failing_any_of'])} fails")
        if case["level_verdict"] == "pass" and fails:
            wrong.append(f"{case['id']}: {', '.join(sorted(fails))} fails")
    assert not wrong, "\n".join(wrong)


def _pod(case: Case, name: str) -> Any:
    (pod,) = documents(path("pss", *case["file"].split("/")))
    return {**pod, "metadata": {**pod["metadata"], "name": name, "namespace": "default"}}
