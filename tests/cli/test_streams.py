"""Results on standard output, progress on standard error (PERF-07), escape sequences only to terminals."""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubeaudit.cli.progress import Lines, heartbeat
from kubeaudit.snapshot import Outcome
from tests.cli.conftest import NOW, Run
from tests.cli.test_bad_input import kubeconfig
from tests.collect.fake_api import FakeApi, named, status

HOSTILE = {
    "escape": "\x1b[31mred\x1b[0m\x07",
    "bidirectional": "a\u202egnp.exe",
    "markup": "<script>alert(1)</script>[bold]&amp;",
    "lines": "one\ntwo\r\x0bthree",
    "zero width": "a\u200bb\ufeff",
}
"""Names that some API server, proxy or file may give, though a real one refuses them."""
FORBIDDEN = ("\x1b", "\x07", "\u202e", "\u200b", "\x0b")


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi({"services": named(3), "nodes": [], "namespaces": [{"metadata": {"name": "default"}}]}) as server:
        yield server


def command(folder: Path, api: FakeApi, *words: str) -> list[str]:
    config = kubeconfig(folder, api.url)
    return [sys.executable, "-m", "kubeaudit", "scan", "--exit-zero", "--now", NOW, "--kubeconfig", config, *words]


def on_terminal(words: list[str], folder: Path, **environment: str) -> tuple[str, str]:
    """What a command prints to a terminal: standard output, standard error."""
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    ends = [pty.openpty() for _ in range(2)]
    process = subprocess.Popen(
        words, cwd=folder, env=environ | {"TERM": "xterm-256color"} | environment, stdout=ends[0][1], stderr=ends[1][1]
    )
    texts = ["", ""]
    readers = [threading.Thread(target=drain, args=(ends[n][0], texts, n)) for n in range(2)]
    for end, reader in zip(ends, readers, strict=True):
        os.close(end[1])
        reader.start()
    process.wait()
    for end, reader in zip(ends, readers, strict=True):
        reader.join()
        os.close(end[0])
    return texts[0], texts[1]


def drain(terminal: int, texts: list[str], index: int) -> None:
    """Reads until the other end is closed, which a terminal shows as an error."""
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:
            return
        if not data:
            return
        texts[index] += data.decode("utf-8", "replace")


def test_a_terminal_gets_bars_and_colours(api: FakeApi, tmp_path: Path) -> None:
    out, err = on_terminal(command(tmp_path, api), tmp_path)
    assert "\x1b[" in out
    assert "\x1b[" in err
    assert "kinds" in err


@pytest.mark.parametrize(
    ("words", "environment"),
    [(("--no-color",), {}), ((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"})],
    ids=("--no-color", "NO_COLOR", "TERM=dumb"),
)
def test_no_escape_sequence_where_no_colours_are_wanted(
    api: FakeApi, tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    out, err = on_terminal(command(tmp_path, api, *words), tmp_path, **environment)
    assert "\x1b" not in out + err
    assert "reading " in err
    assert "checks fail" in out


def test_no_escape_sequence_where_there_is_no_terminal(api: FakeApi, tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path, api), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "\x1b" not in done.stdout + done.stderr
    assert "reading " in done.stderr
    assert "reading " not in done.stdout


def test_standard_output_holds_the_result_alone(api: FakeApi, tmp_path: Path) -> None:
    api.always("/api/v1/nodes", status(403, "nodes is forbidden"))
    done = subprocess.run(
        command(tmp_path, api, "-o", "json"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout)["schema"] == "kubeaudit.result/1"
    assert done.stdout.count("\n") == 1
    assert "not read: nodes (refused)" in done.stderr


def test_quiet_is_quiet(api: FakeApi, tmp_path: Path) -> None:
    words = command(tmp_path, api, "-q", "-o", "json=x.json")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")


def test_perf_07_a_sign_of_life_comes_however_long_nothing_else_does(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with Lines(every=0.01) as lines:
        said += until(capsys, "waiting for the API server")
        lines.start(39)
        lines.page("pods", 500, 20_000)
        lines.done("pods", Outcome.PARTIAL)
        said += until(capsys, "reading: 1 of 39 kinds done; pods: 500 of about 20000")
    assert "not read" not in "".join(said)
    assert "not read: pods (partial)" in capsys.readouterr().err


def test_perf_07_judging_gives_signs_of_life_too() -> None:
    """The text of work without parts; what prints it is that of `Lines`."""
    assert heartbeat("judging").line() == "judging: 0 s"


def until(capsys: pytest.CaptureFixture[str], wanted: str) -> list[str]:
    """What standard error got until it got ``wanted``, for which a minute is enough."""
    said: list[str] = []
    pause = threading.Event()
    for _ in range(6_000):
        said.append(capsys.readouterr().err)
        if wanted in "".join(said):
            return said
        pause.wait(0.01)
    raise AssertionError(said)


def test_an_interrupted_run_tells_of_no_kind_that_the_interruption_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), Lines() as lines:
        lines.done("pods", Outcome.FAILED)
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_an_encoding_without_these_characters_gets_others(pod: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "kubeaudit", "scan", "--exit-zero", "-f", pod]
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"pod-privileged" in done.stdout
    done.stdout.decode("ascii")


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_reach_no_output_as_what_they_are_made_of(run: Run, kind: str) -> None:
    """Names of objects, containers and labels, in every format and on both streams (REP-05, REP-34)."""
    name = HOSTILE[kind]
    container = {"name": name, "image": f"example.test/{name}:latest", "securityContext": {"privileged": True}}
    metadata = {"name": name, "namespace": name, "labels": {name: name}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    Path("pod.json").write_bytes(msgspec.json.encode(pod))
    words = [word for form in ("json", "html", "sarif", "text") for word in ("-o", f"{form}=x.{form}")]
    done = run("scan", "-v", "--exit-zero", "-f", "pod.json", *words)
    assert done.code == 0, done.err
    files = {form: Path(f"x.{form}").read_text("utf-8") for form in ("json", "html", "sarif", "text")}
    for form, content in {**files, "out": done.out, "err": done.err}.items():
        if form != "json":
            assert not [mark for mark in FORBIDDEN if mark in content], form
    # JSON keeps names as they are, escaped as JSON escapes.
    assert "\x1b" not in files["json"]
    assert "<script>alert(1)" not in files["html"]
    subjects = {f["subject"]["object"]["name"] for f in json.loads(files["json"])["findings"]}
    assert name in subjects


def test_a_server_s_words_are_shown_as_text(run: Run, api: FakeApi, tmp_path: Path) -> None:
    api.always("/api/v1/nodes", status(403, HOSTILE["escape"] + HOSTILE["bidirectional"]))
    config = kubeconfig(tmp_path, api.url)
    for words in (("collect", "-o", "x.kubeaudit"), ("scan", "--exit-zero")):
        done = run(*words, "-v", "--kubeconfig", config)
        assert not [mark for mark in FORBIDDEN if mark in done.out + done.err]
