"""``kubeaudit scan`` on files: outputs, exit codes, selection (checks.md section 11, REP-04, REP-06, REP-07)."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import NOW, POD, Run


def test_chk_56_findings_at_the_gate_end_with_1(run: Run, pod: str) -> None:
    done = run("scan", "-f", pod, "--select", "pod-privileged", "--now", NOW)
    assert done.code == 1
    assert "pod-privileged" in done.out
    assert "exit 1: 1 findings at or above severity high" in done.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--fail-on", "none"), 0),
        (("--fail-on", "critical"), 1),
        (("--exit-zero",), 0),
        (("--select", "img-tag-latest"), 0),
        (("--select", "meta-pod-egress", "--strict"), 4),
        (("--select", "meta-pod-egress", "--min-coverage", "50"), 4),
        (("--select", "meta-pod-egress", "--strict", "--exit-zero"), 0),
    ],
)
def test_exit_codes(run: Run, pod: str, words: tuple[str, ...], code: int) -> None:
    select = () if "--select" in words else ("--select", "pod-privileged")
    assert run("scan", "-q", "-f", pod, *select, *words).code == code


def test_chk_58_the_gate_counts_what_no_output_lists(run: Run, pod: str) -> None:
    Path(pod).write_text(POD.replace("namespace: shop", "namespace: kube-system"))
    done = run("scan", "-f", pod, "--select", "pod-privileged")
    assert done.code == 0, "findings about system objects are counted, and do not gate (CHK-23)"
    assert "1 finding" in done.out


def test_rep_04_same_input_and_clock_give_the_same_bytes(run: Run, pod: str) -> None:
    kinds = ("json", "html", "sarif", "text")
    words = [word for kind in kinds for word in ("-o", f"{kind}=result.{kind}")]
    made = []
    for _ in range(2):
        assert run("scan", "-q", "--exit-zero", "-f", pod, "--now", NOW, *words).code == 0
        made.append([Path(f"result.{kind}").read_bytes() for kind in kinds])
    assert made[0] == made[1]


def test_rep_07_files_are_private_and_leave_no_temporary_name(run: Run, pod: str) -> None:
    run("scan", "-q", "--exit-zero", "-f", pod, "-o", "json=result.json")
    assert Path("result.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in Path().iterdir() if path.name.startswith(".")) == []


def test_rep_06_html_has_a_default_name_and_json_goes_to_standard_output(run: Run, pod: str) -> None:
    done = run("scan", "--exit-zero", "-f", pod, "--now", NOW, "-o", "html", "-o", "json")
    assert Path("kubeaudit-files-20261124T061700Z.html").is_file()
    assert json.loads(done.out)["schema"] == "kubeaudit.result/1"


def test_the_summary_is_printed_beside_files_unless_quiet(run: Run, pod: str) -> None:
    assert "checks fail" in run("scan", "--exit-zero", "-f", pod, "-o", "json=x.json").out
    assert run("scan", "-q", "--exit-zero", "-f", pod, "-o", "json=x.json").out == ""


def test_rep_08_a_saved_result_renders_again(run: Run, pod: str) -> None:
    words = ("-o", "html=a.html", "-o", "sarif=a.sarif", "-o", "json=a.json")
    run("scan", "-q", "--exit-zero", "-f", pod, "--now", NOW, *words)
    assert run("report", "a.json", "-q", "-o", "html=b.html", "-o", "sarif=b.sarif", "-o", "json=b.json").code == 0
    for kind in ("html", "sarif", "json"):
        assert Path(f"a.{kind}").read_bytes() == Path(f"b.{kind}").read_bytes()


def test_several_files_and_standard_input(run: Run, pod: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("more").mkdir()
    Path("more/pod.json").write_text(
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"},"spec":{"containers":[]}}'
    )
    done = run("scan", "--exit-zero", "-f", pod, "-f", "more", "-o", "json", "--select", "pod-host-pid")
    counts = json.loads(done.out)["checks"][0]["counts"]
    assert counts["passed"] == 2


def test_decisions_namespace_option_limits_subjects(run: Run, pod: str) -> None:
    Path(pod).write_text(POD + "---" + POD.replace("shop", "payments"))
    done = run("scan", "--exit-zero", "-f", pod, "-n", "payments", "-o", "json", "--select", "pod-privileged")
    assert [f["subject"]["object"]["namespace"] for f in json.loads(done.out)["findings"]] == ["payments"]


def test_terminal_escapes_in_names_never_reach_the_terminal(run: Run, pod: str) -> None:
    Path(pod).write_text(POD.replace("name: c,", 'name: "c\\x1b[31m",'))
    done = run("scan", "--exit-zero", "-f", pod, "--show", "system")
    assert "\x1b" not in done.out + done.err


def test_a_user_s_own_policy_is_one_file(run: Run, pod: str) -> None:
    Path("mine/team").mkdir(parents=True)
    Path("mine/team/team-registry.yaml").write_text(
        "id: team-registry\ntitle: Image from another registry\nseverity: high\ntheme: team\n"
        "kinds: [workloads]\nrequires: [pods]\n"
        "each: container\nexpression: container.image.startsWith('registry.internal/')\n"
        "message: '{container} runs {value}'\n"
        "description: Only our registry is scanned.\nremediation: Push the image to our registry.\n"
    )
    done = run("scan", "-f", pod, "--policies", "mine", "--select", "team-registry", "-o", "json")
    finding = json.loads(done.out)["findings"][0]
    assert done.code == 1
    assert finding["evidence"][0]["value"] == '"example.test/app:1.0"'
