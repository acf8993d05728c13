"""The command line: arguments, progress and exit codes; nothing else prints, nothing here judges."""

import sys
from io import TextIOWrapper

from kubeaudit.cli.app import kubeaudit
from kubeaudit.cli.exits import run_guarded


def main() -> None:
    """Run the program and end the process with the exit code of checks.md section 11."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a terminal's encoding lacks is shown as a question mark, instead of ending the run.
            stream.reconfigure(errors="replace")
    raise SystemExit(run_guarded(kubeaudit, sys.argv[1:]))
