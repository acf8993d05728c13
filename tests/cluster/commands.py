"""Runs the command line as a user does: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from kubeaudit.findings import ScanResult, decode

NOW = "2026-11-24T06:17:00Z"


class Done(NamedTuple):
    """How a command ended: its exit code and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def result(self) -> ScanResult:
        """The result document on standard output."""
        return decode(self.out)


def command(*words: str) -> list[str]:
    """The command line of the program with these arguments."""
    return [sys.executable, "-m", "kubeaudit", *words]


def run(folder: Path, *words: str) -> Done:
    """Runs the command line there, with nothing of the machine's own configuration."""
    done = subprocess.run(command(*words), cwd=folder, env=environ(folder), capture_output=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr.decode())


def environ(folder: Path) -> dict[str, str]:
    """Nothing of the machine's own configuration; the folder is the home."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
