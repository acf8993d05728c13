"""badPods, kubernetes-goat, KubeHound and K8sAttackMap: their expected.json, as far as this version has the rows."""

from pathlib import Path

import pytest
from tallies import Counts

from .corpora import cases, folder, load, world
from .wanted import count, disagreements, rows_of

CORPORA = ("badpods", "k8sattackmap", "kubehound", "kubernetes-goat")


@pytest.mark.parametrize("corpus", CORPORA)
def test_expected_rows_and_edges(corpus: str, tally: Counts, tmp_path: Path) -> None:
    every, expected = cases(corpus), load(corpus, "expected.json")["expected"]
    wrong: list[str] = []
    for name, wanted in sorted(expected.items()):
        if "skip" in wanted:
            tally[corpus, "out of scope: skipped"] += 1
            continue
        found = world(corpus, every[name]["files"], tmp_path)
        parts = [wanted, *wanted.get("objects", {}).values()]
        problems = [problem for part in parts for problem in disagreements(found, part)]
        wrong.extend(f"{name}: {problem}" for problem in problems)
        for inside, outside in map(count, parts):
            tally[corpus, "agreed"] += inside
            tally[corpus, "out of scope"] += outside
        tally[corpus, "agreed"] -= len(problems)
    assert not wrong
    assert tally[corpus, "agreed"]


def test_badpods_every_kind_and_variant_of_a_profile_has_the_same_rows(tmp_path: Path) -> None:
    """A file whose pods ask for another network than the rest of its profile is compared by what it says."""
    profiles: dict[tuple[str, bool], dict[str, set[str]]] = {}
    for case in cases("badpods").values():
        for file in case["files"]:
            found = world("badpods", [file], tmp_path)
            (workload,) = found.cluster.workloads
            rows = rows_of(found, f"{workload.ref.kind} {workload.ref.namespace}/{workload.ref.name}")
            into = {e.row for e in found.graph.edges() if e.target.name == workload.name and e.row != "EXP-119"}
            network = found.cluster.classes[0].shape.host_network
            profiles.setdefault((case["profile"], network), {})[file] = rows | into
    assert {profile for profile, _ in profiles} == {path.name for path in (folder("badpods") / "manifests").iterdir()}
    for profile, files in profiles.items():
        assert len(set(map(frozenset, files.values()))) == 1, (profile, files)
