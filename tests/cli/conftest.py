from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from kubeaudit.cli.app import kubeaudit
from kubeaudit.cli.exits import run_guarded

NOW = "2026-11-24T06:17:00Z"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: c, image: "example.test/app:1.0", securityContext: {privileged: true}}
"""


class Done(Struct, frozen=True):
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command line in an empty folder, without a kubeconfig."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-such-kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))

    def command(*words: str) -> Done:
        code = run_guarded(kubeaudit, words)
        said = capfd.readouterr()
        return Done(code, said.out, said.err)

    return command


@pytest.fixture
def pod(tmp_path: Path) -> str:
    """A manifest with one privileged pod."""
    path = tmp_path / "pod.yaml"
    path.write_text(POD)
    return str(path)
