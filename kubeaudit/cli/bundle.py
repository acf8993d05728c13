"""The policies of a run: those that ship, and a user's own folder (--policies)."""

import hashlib
from pathlib import Path

from kubeaudit import data
from kubeaudit.errors import UsageError
from kubeaudit.policy.load import load, read_folder
from kubeaudit.policy.predicates import PREDICATES
from kubeaudit.policy.problems import PolicyFile
from kubeaudit.policy.schema import Policy


def files(folders: tuple[str, ...]) -> tuple[PolicyFile, ...]:
    """Every policy file: shipped ones first. Raises :class:`UsageError`."""
    found = list(read_folder(data.policy_folder()))
    for folder in folders:
        if not Path(folder).is_dir():
            raise UsageError(f"--policies {folder} is no folder", "give a folder that holds THEME/ID.yaml files")
        found.extend(read_folder(Path(folder), folder))
    return tuple(found)


def compile_all(found: tuple[PolicyFile, ...]) -> tuple[Policy, ...]:
    """Check and compile policy files. Raises :class:`UsageError` with every problem."""
    return load(found, {name: predicate.parameters for name, predicate in PREDICATES.items()})


def digest(found: tuple[PolicyFile, ...]) -> str:
    """SHA-256 over the files of the bundle (REP-03)."""
    content = "\x1e".join(f"{f.theme}/{f.name}\x1f{f.text}" for f in sorted(found, key=lambda f: (f.theme, f.name)))
    return hashlib.sha256(content.encode()).hexdigest()
