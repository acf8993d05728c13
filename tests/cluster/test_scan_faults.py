"""The command line where the cluster is empty, away, or does not know us, and where it is told to end."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kubeaudit import snapshot
from kubeaudit.findings import Verdict, decode

from .commands import NOW, Done, command, environ, run
from .conftest import StartApiServer
from .server import ApiServer

FOREVER = "600s"
"""A time limit of requests that no test waits for: what ends before has not waited for an answer."""


@pytest.fixture
def empty(start_api_server: StartApiServer) -> ApiServer:
    """A cluster without anything but what the API server makes itself, which may be broken."""
    return start_api_server("--watch-cache=false")


def scan(server: ApiServer, folder: Path, *words: str, kubeconfig: Path | None = None) -> Done:
    return run(folder, "scan", "-q", "--now", NOW, "--kubeconfig", str(kubeconfig or server.kubeconfig), *words)


def test_an_empty_cluster_has_no_findings_and_is_no_failure(empty: ApiServer, tmp_path: Path) -> None:
    words = [word for name in ("html", "sarif", "text") for word in ("-o", f"{name}=result.{name}")]
    done = scan(empty, tmp_path, "-o", "json", *words)
    assert done.code in (0, 1), done.err
    result = done.result
    assert result.run.objects.get("pods", 0) == 0
    assert result.coverage.gaps == ()
    workload = [check for check in result.checks if check.theme == "workload"]
    assert {check.verdict for check in workload} == {Verdict.NOT_APPLICABLE}
    expected = {"exp-apiserver-public-address", "net-no-default-deny", "rbac-cluster-admin"}
    assert {finding.check for finding in result.findings} <= expected
    assert len(list(tmp_path.iterdir())) == 3


def test_credentials_that_the_server_does_not_know(empty: ApiServer, tmp_path: Path) -> None:
    forged = empty.kubeconfig_for("forged.token.of-nobody", "forged")
    done = scan(empty, tmp_path, "-o", "json=result.json", kubeconfig=forged)
    refused(done, "forged")
    assert list(tmp_path.iterdir()) == []


def test_credentials_that_are_no_longer_valid(empty: ApiServer, tmp_path: Path) -> None:
    """A token ends with its ServiceAccount, before its time."""
    empty.namespace("gone")
    kubeconfig = empty.kubeconfig_for(empty.service_account_token("gone", "default"), "stale")
    empty.request("DELETE", "/api/v1/namespaces/gone/serviceaccounts/default").expect(200)
    refused(scan(empty, tmp_path, kubeconfig=kubeconfig), "stale")


def refused(done: Done, context: str) -> None:
    assert (done.code, done.out) == (3, b"")
    assert f"refused the credentials of context '{context}' (401" in done.err
    assert "hint: log in again" in done.err
    assert "Traceback" not in done.err


def test_a_server_that_is_not_there(empty: ApiServer, tmp_path: Path) -> None:
    empty.kill()
    done = scan(empty, tmp_path, "-o", "json=result.json")
    assert (done.code, done.out) == (3, b"")
    assert f"{empty.url.removeprefix('https://')}: connection refused" in done.err
    assert done.err.count("error:") == done.err.count("hint:") == 1
    assert list(tmp_path.iterdir()) == []


class Waiting(NamedTuple):
    """A command whose requests the server holds back."""

    process: "subprocess.Popen[bytes]"
    said: list[str]

    def end(self, number: signal.Signals) -> Done:
        """Sends the signal; how the command ended, which it must do without any answer."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return Done(self.process.returncode, out, "".join(self.said) + err.decode())


@pytest.fixture
def waiting(empty: ApiServer, tmp_path: Path) -> Iterator["StartWaiting"]:
    started = StartWaiting(empty, tmp_path)
    empty.pause_etcd()
    try:
        yield started
    finally:
        for process in started.processes:
            process.kill()
            process.communicate()
        empty.resume_etcd()


class StartWaiting:
    """Starts a command against a server that answers no list, and waits until it lists."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, name: str, *words: str) -> Waiting:
        where = ("--kubeconfig", str(self._server.kubeconfig), "--request-timeout", FOREVER)
        process = subprocess.Popen(
            command(name, *where, *words),
            cwd=self._folder,
            env=environ(self._folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        assert process.stderr is not None
        said: list[str] = []
        while not any(line.startswith("reading ") for line in said):
            line = process.stderr.readline().decode()
            assert line, said
            said.append(line)
        return Waiting(process, said)


OUTPUTS = ("-o", "json=result.json", "-o", "html=result.html", "-o", "sarif=result.sarif")


@pytest.mark.parametrize(
    ("name", "words"), [("scan", OUTPUTS), ("collect", ("-o", "company.kubeaudit"))], ids=("scan", "collect")
)
def test_ctrl_c_ends_at_once_and_leaves_nothing(
    waiting: StartWaiting, tmp_path: Path, name: str, words: tuple[str, ...]
) -> None:
    done = waiting(name, *words).end(signal.SIGINT)
    assert (done.code, done.out) == (130, b"")
    assert done.err.split("\n", 1)[1].strip() == "interrupted; no file was left half-written"
    assert list(tmp_path.iterdir()) == []


def test_cron_09_sigterm_writes_every_output_and_each_says_that_it_is_not_whole(
    waiting: StartWaiting, tmp_path: Path
) -> None:
    done = waiting("scan", *OUTPUTS, "-o", "text=result.txt").end(signal.SIGTERM)
    assert done.code == 3
    assert "exit 3: the run was ended before it was complete" in done.err
    result = decode((tmp_path / "result.json").read_bytes())
    assert not result.run.complete
    assert {gap.reason for gap in result.coverage.gaps} == {"read-incomplete"}
    assert [check.id for check in result.checks if check.verdict is Verdict.PASS] == []
    assert '"executionSuccessful":false' in (tmp_path / "result.sarif").read_text("utf-8")
    for name in ("result.html", "result.txt"):
        assert "stopped before its end" in (tmp_path / name).read_text("utf-8")


def test_cron_09_sigterm_ends_collect_with_a_snapshot_that_says_so(waiting: StartWaiting, tmp_path: Path) -> None:
    done = waiting("collect", "-o", "cut.kubeaudit").end(signal.SIGTERM)
    assert done.code == 3
    assert "exit 3: the run was ended before it was complete" in done.err
    assert not snapshot.read(tmp_path / "cut.kubeaudit").header.complete
    again = run(tmp_path, "scan", "-q", "-f", "cut.kubeaudit", "-o", "json")
    assert again.code == 3
    assert not again.result.run.complete
