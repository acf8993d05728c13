"""A whole scan: determinism, the document, and what stands in it (REP-04, REP-08, EXP-981)."""

import random
from pathlib import Path

import msgspec
from factory import RUN, admin_path, controller, deployment, ingress, node, pod, scanned, shipped, snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeaudit.findings import SCHEMA, decode, encode
from kubeaudit.scan import scan
from kubeaudit.settings import Fact, Facts, Settings
from kubeaudit.snapshot import Outcome, read, write

HOST_PORT = {"name": "agent", "image": "x", "ports": [{"containerPort": 80, "hostPort": 8081}]}
RICH = [
    *admin_path("x"),
    node("n2", "aws:///a/i-1", "203.0.113.7"),
    pod("h", hostNetwork=True, place="n2", ip="10.0.0.2"),
    deployment("agent", containers=[HOST_PORT]),
    *controller(),
    ingress(),
]


def test_rep_04_the_same_input_gives_the_same_bytes() -> None:
    assert encode(scanned(RICH)) == encode(scanned(RICH))
    assert decode(encode(scanned(RICH))) == scanned(RICH)


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_rep_04_the_order_of_reading_does_not_show(shuffle: random.Random) -> None:
    other = list(RICH)
    shuffle.shuffle(other)
    ours, theirs = (msgspec.json.decode(encode(scanned(objects))) for objects in (RICH, other))
    assert ours == theirs


def test_rep_08_the_document_names_its_schema() -> None:
    document = msgspec.json.decode(encode(scanned([])))
    assert document["schema"] == SCHEMA == "kubeaudit.result/1"
    assert {
        "run",
        "answer",
        "coverage",
        "checks",
        "findings",
        "undecided",
        "matrix",
        "paths",
        "entry_points",
        "admins",
    } <= set(document)


def test_a_written_snapshot_scans_to_the_same_bytes(tmp_path: Path) -> None:
    made = snapshot(RICH, {"nodes": Outcome.REFUSED})
    write(made, tmp_path / "s")
    policies = list(shipped().values())
    assert encode(scan(read(tmp_path / "s"), policies, Settings(), RUN)) == encode(
        scan(made, policies, Settings(), RUN)
    )


def test_exp_981_every_hop_is_a_sentence_with_its_proof() -> None:
    result = scanned(admin_path("x"))
    (path,) = [
        p
        for p in result.paths
        if p.entry == "internet"
        and p.jewel == "sink/cluster-admin"
        and p.jewel_kind == "cluster-admin"
        and p.state == "yes"
    ]
    assert [hop.row for hop in path.hops] == [
        "EXP-101",
        "EXP-06",
        "EXP-119",
        "EXP-121",
        "EXP-601",
        "EXP-603",
        "EXP-625",
    ]
    for hop in path.hops:
        assert hop.sentence and hop.verb and hop.evidence and hop.rechecks and hop.source_label and hop.target_label
    assert {use.answer for hop in path.hops for use in hop.assumptions} <= {"assumed", "yes", "unknown"}
    for one, after in zip(path.hops, path.hops[1:], strict=False):
        assert one.target == after.source


def test_paths_of_findings_are_in_the_document_and_lead_through_their_workload() -> None:
    twin = [pod("twin", ip="10.1.0.7", labels={"app": "web"})]
    slices = [item for item in RICH if item["kind"] == "EndpointSlice"]
    slices[0]["endpoints"].append(
        {"addresses": ["10.1.0.7"], "targetRef": {"kind": "Pod", "name": "twin", "namespace": "shop"}}
    )
    result = scanned([*RICH, *twin], "exp-path-internet-to-rights", "meta-exposed-pod")
    by_id = {path.id: path for path in result.paths}
    with_paths = [one for one in result.findings if one.paths]
    assert len({one.subject.object.name for one in with_paths if one.check == "exp-path-internet-to-rights"}) >= 2
    for one in with_paths:
        for name in one.paths:
            assert any(one.subject.object.name in hop.target for hop in by_id[name].hops), (one.subject.object, name)


def test_exp_974_facts_change_verdicts_and_not_ids() -> None:
    def ids(**facts: Fact) -> dict[str, str]:
        return {
            path.id: path.state
            for path in scanned(RICH, "pod-privileged", settings=Settings(facts=Facts(**facts))).paths
        }

    assumed, unknown, closed = ids(), ids(rce=Fact.UNKNOWN, ssrf=Fact.UNKNOWN), ids(rce=Fact.NO, ssrf=Fact.NO)
    assert set(unknown) == set(assumed) and set(closed) < set(assumed)
    assert "yes" in assumed.values()


def test_entry_points_name_their_object() -> None:
    rows = {row.label: row for row in scanned(RICH).entry_points}
    by_kind = {(row.object.kind, row.object.name) for row in rows.values()}
    assert {("Service", "web"), ("Ingress", "site"), ("Deployment", "agent")} <= by_kind
    assert not [row for row in rows.values() if row.object.kind == "Workload"]
    lb = next(
        row for row in rows.values() if row.object.name == "web" and row.key.startswith("entry-point/shop/LoadBalancer")
    )
    assert (lb.address, lb.ports, lb.source, lb.behind) == ("203.0.113.1", "80", "internet", ("Deployment shop/web",))


def test_coverage_and_answer_are_never_empty() -> None:
    for made in (
        snapshot([]),
        snapshot(RICH),
        snapshot(RICH, dict.fromkeys(("pods", "nodes", "services"), Outcome.REFUSED)),
    ):
        result = scanned(made)
        assert result.answer and all(text.endswith(".") for text in result.answer)
        assert len(result.matrix) == 12
    none = scanned(snapshot([], {"clusterrolebindings.rbac.authorization.k8s.io": Outcome.REFUSED}))
    assert not any(text.startswith("No path leads") for text in none.answer), "what was not read may hold a path"
