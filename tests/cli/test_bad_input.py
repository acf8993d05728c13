"""Bad input: one clear message (what, where, how to fix), the exit code of checks.md section 11, no traceback without -v."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

CASES = {
    "unknown format": (("scan", "-f", "x.yaml", "-o", "pdf"), 2, "unknown format 'pdf'"),
    "two formats on standard output": (
        ("scan", "-f", "x.yaml", "-o", "json", "-o", "sarif"),
        2,
        "cannot share standard output",
    ),
    "format without path": (("scan", "-f", "x.yaml", "-o", "json="), 2, "the path is missing"),
    "unknown check": (("scan", "-f", "x.yaml", "--select", "pod-privilegd"), 2, "pod-privilegd names no check"),
    "unknown check ignored": (("scan", "-f", "x.yaml", "--ignore", "nope"), 2, "nope names no check"),
    "nothing selected": (
        ("scan", "-f", "x.yaml", "--select", "pod-privileged", "--ignore", "pod-*"),
        2,
        "no check is selected",
    ),
    "bad severity": (("scan", "-f", "x.yaml", "--fail-on", "severe"), 2, "'severe' is no severity"),
    "bad time": (("scan", "-f", "x.yaml", "--now", "yesterday"), 2, "is no time"),
    "bad duration": (("scan", "--timeout", "soon"), 2, "is no duration"),
    "-A and -n": (("scan", "-A", "-n", "shop"), 2, "exclude each other"),
    "bad class": (("scan", "-f", "x.yaml", "--show", "everything"), 2, "no such class"),
    "missing file": (("scan", "-f", "x.yaml"), 2, "x.yaml"),
    "a URL": (("scan", "-f", "https://example.test/x.yaml"), 2, "https://example.test/x.yaml"),
    "missing configuration": (("scan", "-f", "x.yaml", "--config", "none.yaml"), 2, "none.yaml"),
    "missing policies": (("scan", "-f", "x.yaml", "--policies", "none"), 2, "none is no folder"),
    "missing kubeconfig": (("scan",), 2, "no-such-kubeconfig"),
    "unknown option": (("scan", "--frobnicate"), 2, "--frobnicate"),
    "unknown command": (("scann",), 2, "scann"),
    "no result": (("report", "none.json"), 2, "cannot read none.json"),
    "unknown policy": (("policies", "show", "pod-priviliged"), 2, "did you mean pod-privileged"),
    "unknown shell": (("completion", "csh"), 2, "csh"),
    "collect without a path": (("collect",), 2, "-o"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_and_the_exit_code(run: Run, case: str) -> None:
    words, code, told = CASES[case]
    done = run(*words)
    assert done.code == code, done.err
    assert told in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_kubeconfig_that_is_a_folder(run: Run, tmp_path: Path) -> None:
    done = run("scan", "--kubeconfig", str(tmp_path))
    assert done.code == 2
    assert str(tmp_path) in done.err


def test_an_unreachable_server(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        '{"kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],'
        '"clusters":[{"name":"a","cluster":{"server":"http://127.0.0.1:1"}}],"users":[{"name":"a","user":{}}]}'
    )
    done = run("scan", "-q", "--kubeconfig", str(config))
    assert done.code == 3
    assert "127.0.0.1:1" in done.err
    assert "Traceback" not in done.err


def test_a_manifest_with_tabs_names_file_and_line(run: Run) -> None:
    Path("tabs.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n")
    done = run("scan", "-f", "tabs.yaml")
    assert done.code == 3, "no object could be read (CHK-09)"
    assert "tabs.yaml" in done.err
    assert "no object" in done.err


def test_a_broken_document_is_reported_and_the_rest_judged(run: Run, pod: str) -> None:
    Path("tabs.yaml").write_text("a: b: c\n")
    done = run("scan", "--exit-zero", "-f", pod, "-f", "tabs.yaml", "-o", "json", "--select", "pod-privileged")
    assert done.code == 0
    assert '"where":"tabs.yaml"' in done.out
    assert '"failed":1' in done.out


def test_an_empty_folder_is_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("scan", "-f", "empty")
    assert done.code == 3
    assert "empty" in done.err


def test_a_foreign_a_cut_and_a_newer_snapshot(run: Run, tmp_path: Path) -> None:
    from kubeaudit import data

    whole = data.file("demo.kubeaudit").read_bytes()
    Path("cut.kubeaudit").write_bytes(whole[: len(whole) // 2])
    Path("newer.kubeaudit").write_bytes(whole.replace(b"kubeaudit.snapshot/1", b"kubeaudit.snapshot/9", 1))
    done = run("scan", "-f", "cut.kubeaudit")
    assert (done.code, "is cut" in done.err) == (3, True)
    done = run("scan", "-f", "newer.kubeaudit")
    assert (done.code, "kubeaudit.snapshot/9; this version reads kubeaudit.snapshot/1" in done.err) == (3, True)


def test_a_result_that_is_none(run: Run) -> None:
    Path("x.json").write_text('{"kind":"List"}')
    done = run("report", "x.json")
    assert (done.code, "is no result document" in done.err) == (2, True)


def test_rep_07_an_output_that_cannot_be_written_is_5(run: Run, pod: str) -> None:
    done = run("scan", "-q", "-f", pod, "-o", "json=none/result.json")
    assert (done.code, "cannot write none/result.json" in done.err) == (5, True)


def test_configuration_errors_name_line_and_column(run: Run, pod: str) -> None:
    Path("kubeaudit.yaml").write_text(
        "select: [pod-privileged]\nfacts:\n  rce: maybe\ngates:\n  fail-on: worst\nunknown: 1\n"
    )
    done = run("scan", "-f", pod)
    assert done.code == 2
    assert "kubeaudit.yaml:2:1: facts" in done.err
    assert "kubeaudit.yaml:4:1: gates" in done.err
    assert "kubeaudit.yaml:6:1: unknown" in done.err


def test_every_problem_of_a_policy_is_told_at_once(run: Run) -> None:
    Path("mine/workload").mkdir(parents=True)
    Path("mine/workload/bad.yaml").write_text(
        "id: bad\ntitle: x\nseverity: grave\ntheme: workload\nkinds: [workloads]\nexpression: podSpec.x +\n"
    )
    done = run("policies", "check", "--policies", "mine")
    assert done.code == 2
    assert "mine/workload/bad.yaml:3:" in done.err
    assert "mine/workload/bad.yaml:6:" in done.err


def test_verbose_shows_the_traceback(run: Run) -> None:
    assert "Traceback" in run("scan", "-v", "-f", "x.yaml").err
