"""Failures a user can act on: what happened, where, and how to fix it.

Every error that may reach a user is a :class:`KubeauditError`; the command line prints it and ends with its exit code
(checks.md section 11). Anything else is a defect of the program.
"""


class KubeauditError(Exception):
    """A run that cannot go on.

    ``message`` says what and where, ``hint`` how to fix it; ``exit_code`` is the process's exit code (3: run failed).
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KubeauditError):
    """The command line, a configuration file, a waiver or a policy is wrong (exit code 2)."""

    exit_code = 2


class CollectError(KubeauditError):
    """Nothing could be read: the API server or the input files (exit code 3)."""


class SnapshotError(KubeauditError):
    """A snapshot file that is cut, foreign or of a newer version (exit code 3)."""


class OutputError(KubeauditError):
    """A result that could not be written (exit code 5)."""

    exit_code = 5
