"""The command line: arguments, progress and exit codes; nothing else prints, nothing here judges."""

import sys

from kubeaudit.cli.app import kubeaudit
from kubeaudit.cli.exits import run_guarded


def main() -> None:
    """Run the program and end the process with the exit code of checks.md section 11."""
    raise SystemExit(run_guarded(kubeaudit, sys.argv[1:]))
