"""Policy files: what is wrong with any of them is told at once, with file, line and column (CHK-09)."""

from pathlib import Path

import pytest

from kubeaudit.errors import UsageError
from kubeaudit.findings import Reference
from kubeaudit.policy.load import load, read_folder
from kubeaudit.policy.problems import PolicyFile
from kubeaudit.policy.schema import CONTAINER_LISTS, Default, Field, PatchTemplate, Policy, Predicate

PREDICATES = {"path": frozenset(["from", "to"]), "grants": frozenset(["of"])}
HEAD = "id: x\ntitle: A title\nseverity: high\ntheme: workload\n"
TAIL = "message: '{object} is wrong.'\ndescription: Why.\nremediation: How.\n"
RULE = "kinds: workloads\nrequires: [pods]\ndefault: on\nexpression: '!podSpec.?hostPID.orValue(false)'\n"
GOOD = HEAD + RULE + TAIL


def read(text: str, name: str = "x", theme: str = "workload") -> Policy:
    return load([PolicyFile(theme, name, f"{theme}/{name}.yaml", text)], PREDICATES)[0]


def problems(*texts: str) -> list[str]:
    files = [PolicyFile("workload", "x", f"{number}.yaml", text) for number, text in enumerate(texts, 1)]
    with pytest.raises(UsageError) as caught:
        load(files, PREDICATES)
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_a_policy_with_everything() -> None:
    text = HEAD + TAIL.replace("{object}", "{container} of {object} with {value}") + (
        "kinds: workloads\nrequires: [pods, '@policy']\ndefault: opt-in\n"
        "each: {containers: [containers, initContainers]}\n"
        "applies: podSpec.?os.?name.orValue('') != 'windows'\n"
        "expression: container.privileged == false\n"
        "patch: {container: {privileged: false}}\n"
        "references: {CIS Kubernetes 1.12: [5.2.2], MITRE ATT&CK: [T1611, T1610]}\n"
    )  # fmt: skip
    policy = read(text)
    assert policy.default is Default.OPT_IN
    assert policy.each == ("containers", "initContainers")
    assert policy.fields == (Field(("container", "privileged")),)
    assert policy.patch == PatchTemplate("container", {"privileged": False})
    assert policy.references == (
        Reference("CIS Kubernetes 1.12", "5.2.2"),
        Reference("MITRE ATT&CK", "T1611"),
        Reference("MITRE ATT&CK", "T1610"),
    )


def test_each_container_covers_every_list() -> None:
    policy = read(HEAD + RULE.replace("expression", "each: container\nexpression") + TAIL)
    assert policy.each == CONTAINER_LISTS


def test_a_predicate_with_parameters() -> None:
    text = HEAD + "kinds: [workloads, Service]\nrequires: [pods]\ndefault: off\ndescription: Why.\nremediation: How.\n"
    policy = read(text + "predicate: {name: path, from: internet, to: rights}\n")
    assert policy.predicate == Predicate("path", {"from": "internet", "to": "rights"})
    assert policy.default is Default.OFF


def test_policies_are_sorted_by_id() -> None:
    files = [PolicyFile("workload", n, n, GOOD.replace("id: x", f"id: {n}")) for n in ("b", "a")]
    assert [policy.id for policy in load(files, PREDICATES)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (GOOD + "sverity: high\n", "1.yaml:12:1: sverity: is no field of a policy; did you mean severity?"),
        (GOOD.replace("title: A title\n", ""), "1.yaml:1:1: title: is missing"),
        (GOOD.replace("A title", "[a]"), "1.yaml:2:1: title: must be a text"),
        (GOOD.replace("id: x", "id: z"), "1.yaml:1:1: id: must be x, the name of the file"),
        (GOOD.replace("theme: workload", "theme: rbac"), "1.yaml:4:1: theme: must be workload, the name of the folder"),
        (GOOD.replace("high", "hihg"), "critical, high, medium, low, info; did you mean high?"),
        (GOOD.replace("default: on", "default: maybe"), "1.yaml:7:1: default: must be on, off or opt-in"),
        (GOOD.replace("kinds: workloads", "kinds: Podd"), "1.yaml:5:1: kinds: Podd is no kind that is read; did"),
        (GOOD.replace("kinds: workloads", "kinds: NetworkPolicy"), "is a kind of several groups: name one of"),
        (GOOD.replace("kinds: workloads", "kinds: [workloads, Service]"), "about workloads or about other kinds"),
        (GOOD.replace("[pods]", "[pod]"), "1.yaml:6:1: requires: pod is no resource that is read"),
        (GOOD.replace("[pods]", "[pods, pods]"), "requires: names something twice"),
        (GOOD.replace("[pods]", "{}"), "requires: must be a list of texts"),
        (GOOD + "each: containers\n", "each: must be container, or containers with the lists to cover"),
        (GOOD + "each: {containers: [volumes]}\n", "1.yaml:12:8: each.containers: volumes is no list of containers"),
        (GOOD.replace("{object}", "{objekt}"), "message: {objekt} is not known here; it may name object, value"),
        (GOOD.replace("{object}", "{container}"), "message: {container} is not known here"),
        (GOOD.replace("{object}", "{object.__class__}"), "message: {object.__class__} is not known here"),
        (GOOD.replace("{object}", "{object"), "message: has a brace that does not match"),
        (GOOD + "patch: {container: {a: 1}}\n", "patch: must be a mapping below one of object, podSpec"),
        (GOOD + "references: [a]\n", "references: must map a framework to its controls"),
        (GOOD + "references: {CIS: []}\n", "1.yaml:12:14: references.CIS: must be a list of texts"),
        (GOOD + "predicate: {name: path}\n", "must have either expression or predicate"),
        (HEAD + "kinds: workloads\nrequires: [pods]\ndefault: on\n" + TAIL, "must have either expression or predicate"),
        (GOOD.replace("kinds: workloads", "kinds: Service"), "undeclared reference to 'podSpec"),
        (GOOD.replace("kinds: workloads", "kinds: Service\neach: container"), "each: goes with kinds: workloads only"),
        ("- a\n", "1.yaml:1:1: must be a mapping of the fields of a policy"),
        ("a: 1\na: 2\n", "1.yaml:2:1"),
    ],
)  # fmt: skip
def test_every_kind_of_problem(text: str, wanted: str) -> None:
    found = problems(text)
    assert any(wanted in problem for problem in found), found


PREDICATE = HEAD + "kinds: workloads\nrequires: [pods]\ndefault: on\ndescription: Why.\nremediation: How.\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("predicate: {name: paht}\n", "1.yaml:10:13: predicate.name: paht is no predicate; did you mean path?"),
        ("predicate: {name: path, of: x}\n", "predicate.of: is no parameter of path"),
        ("predicate: {from: internet}\n", "predicate: must be a mapping of texts with a name"),
        ("predicate: {name: path, from: 1}\n", "predicate: must be a mapping of texts with a name"),
        ("predicate: {name: path}\nmessage: text\n", "message: goes with expression only"),
        ("predicate: {name: path}\napplies: 'true'\n", "applies: goes with expression only"),
        ("predicate: {name: path}\neach: container\n", "each: goes with expression only"),
    ],
)
def test_problems_of_predicates(text: str, wanted: str) -> None:
    found = problems(PREDICATE + text)
    assert any(wanted in problem for problem in found), found


@pytest.mark.parametrize(
    ("scalar", "line", "column"),
    [
        ("expression: podSpec.a && pod.b", 8, 29),
        ("expression: 'podSpec.a && pod.b'", 8, 30),
        ("expression: |-\n  podSpec.a\n  && pod.b", 10, 9),
        ("expression: |\n\n    podSpec.a\n      && pod.b", 11, 13),
        ("expression: |2-\n   podSpec.a\n  && pod.b", 10, 9),
        ("expression: >-\n  podSpec.a\n  && pod.b", 8, 1),
    ],
)
def test_faults_of_an_expression_stand_where_they_are_in_the_file(scalar: str, line: int, column: int) -> None:
    text = HEAD + "kinds: workloads\nrequires: [pods]\ndefault: on\n" + scalar + "\n" + TAIL
    (found,) = problems(text)
    assert found.startswith(f"1.yaml:{line}:{column}: expression: undeclared reference to 'pod.b'")


def test_all_problems_of_all_files_are_told_at_once() -> None:
    broken = GOOD.replace("high", "hihg").replace("[pods]", "[pod]").replace("podSpec.?hostPID", "pod.a")
    found = problems(broken, "a: [", GOOD)
    assert [problem.split(":")[0] for problem in found] == ["1.yaml", "1.yaml", "1.yaml", "2.yaml", "3.yaml"]
    assert found[-1] == "3.yaml:1:1: id: x is also the id of 1.yaml"


def test_a_folder_is_read_by_theme(tmp_path: Path) -> None:
    (tmp_path / "workload").mkdir()
    (tmp_path / "workload" / "x.yaml").write_text(GOOD)
    (tmp_path / "workload" / "notes.txt").write_text("no policy")
    (tmp_path / "__pycache__").mkdir()
    (found,) = read_folder(tmp_path, "mine")
    assert (found.theme, found.name, found.where) == ("workload", "x", "mine/workload/x.yaml")


def test_a_folder_without_policies_is_an_error(tmp_path: Path) -> None:
    """CHK-09: never an empty green report."""
    with pytest.raises(UsageError, match="mine holds no policy"):
        read_folder(tmp_path, "mine")


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "workload").mkdir()
    (tmp_path / "workload" / "x.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot read the policies of mine"):
        read_folder(tmp_path, "mine")
