"""Every shipped policy has an example that fails and one that passes, judged by the whole pipeline."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubeaudit.documents import Document, compose_marked, parse
from kubeaudit.findings import Run, ScanResult, Tool, Verdict
from kubeaudit.model.cluster import build
from kubeaudit.policy.cel_judge import judge
from kubeaudit.scan import scan
from kubeaudit.settings import Facts, Settings

from .snapshots import of_objects, of_yaml, shipped

EXAMPLES = Path(__file__).parents[1] / "fixtures" / "policies"
RUN = Run(Tool("kubeaudit", "0", "", ""), "", "", 0.0, "")


def scanned(policy: str, example: str) -> ScanResult:
    folder = EXAMPLES / policy
    settled = folder / f"{example}.facts.yaml"
    facts = Facts()
    if settled.exists():
        facts = msgspec.convert(compose_marked(settled.read_text("utf-8"), settled.name)[0], Facts)
    snapshot = of_yaml((folder / f"{example}.yaml").read_text("utf-8"))
    return scan(snapshot, [shipped()[policy]], Settings(facts=facts), RUN)


@pytest.mark.parametrize("policy", shipped())
def test_the_failing_example_fails(policy: str) -> None:
    result = scanned(policy, "fail")
    assert result.checks[0].verdict is Verdict.FAIL
    for finding in result.findings:
        assert finding.evidence, "CHK-29: every verdict names object, field and value"
        assert finding.message.endswith(".")


@pytest.mark.parametrize("policy", shipped())
def test_the_passing_example_passes(policy: str) -> None:
    result = scanned(policy, "pass")
    assert (result.checks[0].verdict, result.findings) == (Verdict.PASS, ())


def test_every_example_belongs_to_a_policy() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} == set(shipped())


def merged(own: Any, patch: Any) -> Any:
    """A strategic merge as far as these objects need it: maps by key, containers by name, other lists whole."""
    if isinstance(own, dict) and isinstance(patch, dict):
        return {**own, **{key: merged(own.get(key), value) for key, value in patch.items()}}
    if isinstance(own, list) and patch and isinstance(patch[0], dict):
        changes = {item["name"]: item for item in patch}
        return [merged(item, changes.get(item["name"], {})) for item in own]
    return patch


@pytest.mark.parametrize("policy", [policy.id for policy in shipped().values() if policy.patch])
def test_the_change_closes_the_finding(policy: str) -> None:
    """CHK-31: ``after`` merged into the failing object passes; ``before`` changes nothing."""
    text = (EXAMPLES / policy / "fail.yaml").read_bytes()
    objects: list[Any] = [found.value for found in parse(text, "fail.yaml") if isinstance(found, Document)]
    snapshot = of_objects(objects)
    failing = [
        one for one in judge([shipped()[policy]], snapshot, build(snapshot))[policy] if one.verdict is Verdict.FAIL
    ]
    for one in failing:
        assert one.patch is not None
        before, after = (compose_marked(part, "patch")[0] for part in (one.patch.before, one.patch.after))
        place = [item["metadata"]["name"] for item in objects].index(one.subject.object.name)
        assert merged(objects[place], before) == objects[place]
        objects[place] = merged(objects[place], after)
    assert failing
    changed = of_objects(objects)
    assert {one.verdict for one in judge([shipped()[policy]], changed, build(changed))[policy]} == {Verdict.PASS}
