"""Bad input: one clear message (what, where, how to fix), the exit code of checks.md section 11, no traceback."""

import errno
import gzip
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kubeaudit import data
from tests.cli.conftest import Run
from tests.collect.fake_api import FakeApi, status

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


def kubeconfig(folder: Path, server: str) -> str:
    """A kubeconfig with one context, ``a``."""
    path = folder / "config"
    config = {
        "kind": "Config",
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": server}}],
        "users": [{"name": "a", "user": {"token": "stale"}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


def test_an_unreachable_server(run: Run, tmp_path: Path) -> None:
    done = run("scan", "-q", "--kubeconfig", kubeconfig(tmp_path, "http://127.0.0.1:1"))
    assert done.code == 3
    assert "127.0.0.1:1" in done.err
    assert "hint:" in done.err
    assert "Traceback" not in done.err


def test_a_context_that_the_kubeconfig_does_not_have(run: Run, tmp_path: Path) -> None:
    config = kubeconfig(tmp_path, "http://127.0.0.1:1")
    done = run("scan", "--kubeconfig", config, "--context", "prod")
    assert (done.code, done.out) == (2, "")
    assert config in done.err
    assert "'prod'" in done.err
    assert "Traceback" not in done.err


def test_credentials_that_have_expired(run: Run, tmp_path: Path) -> None:
    with FakeApi() as api:
        for path in ("/api", "/apis", "/version"):
            api.always(path, status(401, "Unauthorized"))
        done = run("scan", "-q", "--kubeconfig", kubeconfig(tmp_path, api.url), "-o", "json=result.json")
    assert (done.code, done.out) == (3, "")
    assert "refused the credentials of context 'a' (401" in done.err
    assert "hint: log in again" in done.err
    assert not Path("result.json").exists()


def test_a_manifest_with_tabs_names_file_and_line(run: Run) -> None:
    Path("tabs.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n")
    done = run("scan", "-f", "tabs.yaml")
    assert done.code == 3, "no object could be read (CHK-09)"
    assert "tabs.yaml:4" in done.err
    assert "no object" in done.err


def test_a_cyclic_alias_names_file_and_line(run: Run, pod: str) -> None:
    Path("cycle.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: a\n  labels: *m\n")
    done = run("scan", "-f", "cycle.yaml")
    assert (done.code, "cycle.yaml:5" in done.err) == (3, True)
    assert "alias *m" in done.err
    beside = run("scan", "-q", "--exit-zero", "-f", pod, "-f", "cycle.yaml", "-o", "json", "--select", "pod-privileged")
    assert beside.code == 0
    assert [bad["where"] for bad in json.loads(beside.out)["coverage"]["bad"]] == ["cycle.yaml"]


def test_aliases_that_stand_for_gigabytes(run: Run) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    Path("laughs.yaml").write_text("\n".join(lines) + "\napiVersion: v1\nkind: Pod\n")
    done = run("scan", "-f", "laughs.yaml")
    assert (done.code, "laughs.yaml:" in done.err) == (3, True)
    assert "Traceback" not in done.err


def test_a_document_of_50_mb_is_read(run: Run) -> None:
    line = "      " + "lorem ipsum " * 8 + "\n"
    with Path("big.yaml").open("w") as file:
        file.write("apiVersion: v1\nkind: Pod\nmetadata:\n  name: big\n  annotations:\n    note: |\n")
        file.writelines(line for _ in range(50_000_000 // len(line)))
        file.write("spec:\n  hostPID: true\n  containers:\n  - {name: c, image: 'example.test/app:1'}\n")
    done = run("scan", "-q", "-f", "big.yaml", "-o", "json", "--select", "pod-host-pid")
    assert done.code == 1
    assert [finding["subject"]["object"]["name"] for finding in json.loads(done.out)["findings"]] == ["big"]


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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda whole: whole[: len(whole) // 2], "is cut"),
        (lambda whole: whole[:6], "is cut"),
        (lambda whole: whole[:-1], "is cut"),
        (lambda whole: whole[:-600] + bytes([whole[-600] ^ 1]) + whole[-599:], "is damaged"),
        (lambda whole: whole.replace(b"snapshot/1", b"snapshot/9", 1), "kubeaudit.snapshot/9; this version reads"),
        (lambda whole: whole[:8] + b"another format" + whole[22:], "is not a kubeaudit snapshot; this version reads"),
        (lambda _: gzip.compress(b"other"), "no object"),
    ],
    ids=["half", "head", "byte", "changed", "newer", "foreign", "gzip"],
)
def test_a_snapshot_that_is_none(run: Run, change: Callable[[bytes], bytes], told: str) -> None:
    Path("bad.kubeaudit").write_bytes(change(data.file("demo.kubeaudit").read_bytes()))
    done = run("scan", "-f", "bad.kubeaudit")
    assert (done.code, done.out) == (3, "")
    assert told in done.err
    assert "bad.kubeaudit" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"kind":"List"}', "is no result document"),
        (b"apiVersion: v1", "is no result document"),
        (b"\xff\xfe", "is no result document"),
        (b'{"schema":"kubeaudit.result/9"}', "has schema kubeaudit.result/9; this version reads kubeaudit.result/1"),
        (b'{"schema":"kubeaudit.result/1"}', "is no result document"),
    ],
    ids=["foreign", "yaml", "binary", "newer", "empty"],
)
def test_a_result_that_is_none(run: Run, content: bytes, told: str) -> None:
    Path("x.json").write_bytes(content)
    done = run("report", "x.json", "-o", "html=x.html")
    assert (done.code, done.out) == (2, "")
    assert f"x.json {told}" in done.err
    assert not Path("x.html").exists()


def test_report_refuses_an_unknown_class(run: Run) -> None:
    done = run("report", "x.json", "--show", "everything")
    assert (done.code, "no such class" in done.err) == (2, True)


def test_rep_07_an_output_that_cannot_be_written_is_5(run: Run, pod: str) -> None:
    done = run("scan", "-q", "-f", pod, "-o", "json=none/result.json")
    assert (done.code, "cannot write none/result.json: No such file" in done.err) == (5, True)
    assert "hint: choose a folder" in done.err


def test_rep_07_a_folder_that_may_not_be_written_to(run: Run, pod: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # The tests may run as root, whom no mode of a folder stops.
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    done = run("scan", "-q", "-f", pod, "-o", "json=result.json")
    assert (done.code, "cannot write result.json: Permission denied" in done.err) == (5, True)


def test_rep_07_a_path_that_is_a_folder_or_below_a_file(run: Run, pod: str) -> None:
    Path("folder").mkdir()
    for path in ("folder", f"{pod}/result.json"):
        assert run("scan", "-q", "-f", pod, "-o", f"json={path}").code == 5
    assert list(Path("folder").iterdir()) == []


def test_chk_56_one_output_that_fails_keeps_no_other_from_being_written(run: Run, pod: str) -> None:
    done = run("scan", "-f", pod, "--select", "pod-privileged", "-o", "json=none/x.json", "-o", "sarif=x.sarif")
    assert done.code == 5
    assert "cannot write none/x.json" in done.err
    assert "wrote x.sarif" in done.err
    assert "exit 1: 1 findings" in done.err, "all reasons are told"
    assert Path("x.sarif").is_file()


def test_two_outputs_with_one_path(run: Run, pod: str) -> None:
    done = run("scan", "-f", pod, "-o", "json=x", "-o", "html=x")
    assert (done.code, "two outputs have the path x" in done.err) == (2, True)


def test_a_pipe_or_device_is_written_to_and_stays_what_it_is(run: Run, pod: str) -> None:
    os.mkfifo("pipe")
    # Opened for both directions, a pipe needs no other reader, and holds the little that is written.
    reader = os.open("pipe", os.O_RDWR)
    done = run("scan", "-q", "--exit-zero", "-f", pod, "--select", "pod-privileged", "-o", "text=pipe")
    assert done.code == 0
    assert b"pod-privileged" in os.read(reader, 65_536)
    os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_full_disk_behind_standard_output_is_5(pod: str) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "kubeaudit", "scan", "-q", "-f", pod, "-o", "json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "cannot write standard output" in done.stderr) == (5, True)
    assert "Traceback" not in done.stderr


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


def test_a_cel_type_error_names_file_line_and_column(run: Run) -> None:
    Path("mine/team").mkdir(parents=True)
    Path("mine/team/typo.yaml").write_text(
        "id: typo\ntitle: x\nseverity: low\ntheme: team\nkinds: workloads\nrequires: [pods]\n"
        "expression: |-\n  podSpec.hostPID == true &&\n  1 + 'a' == 2\n"
        "message: x\ndescription: x\nremediation: x\n"
    )
    for words in (("policies", "check"), ("scan", "-f", "x.yaml")):
        done = run(*words, "--policies", "mine")
        assert (done.code, done.out) == (2, "")
        assert "mine/team/typo.yaml:9:5: expression" in done.err
        assert "Traceback" not in done.err


def test_verbose_shows_the_traceback(run: Run) -> None:
    assert "Traceback" in run("scan", "-v", "-f", "x.yaml").err
