"""Bytes of files, folders and standard input; nothing is fetched (LP-08)."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from msgspec import Struct

from kubeaudit.errors import CollectError, UsageError

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


class File(Struct, frozen=True):
    """The content of one file; ``where`` is its path as it was given, or as it was found below a folder."""

    where: str
    data: bytes


class Skipped(Struct, frozen=True):
    """An entry of a folder that was not read, and why."""

    where: str
    reason: str


def read_files(paths: Sequence[str], stdin: BinaryIO) -> Iterator[File | Skipped]:
    """Every file, each once, in the order given; those of a folder in the order of their names.

    Of a folder all of ``*.yaml``, ``*.yml`` and ``*.json`` below it are read; symbolic links in it are not followed.
    Raises :class:`UsageError` for a URL and for what is not there, :class:`CollectError` for what cannot be read.
    """
    for path in paths:
        if _URL.match(path):
            raise UsageError(f"{path} is a URL; only files are read", f"curl -fsSL {path} | kubeaudit scan -f -")
    read: set[str] = set()
    for path in paths:
        for entry in _entries(path):
            if isinstance(entry, Skipped):
                yield entry
                continue
            identity = entry if entry == STDIN else os.path.realpath(entry)
            if identity not in read:
                read.add(identity)
                yield File(entry, stdin.read() if entry == STDIN else _bytes(entry))


def _entries(path: str) -> Iterator[str | Skipped]:
    if path == STDIN or not Path(path).is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_unreadable):
        folders.sort()
        for name in sorted([*names, *folders]):
            entry = Path(folder, name)
            if entry.is_symlink() and (name in folders or name.endswith(SUFFIXES)):
                yield Skipped(str(entry), "is a symbolic link: not followed")
            elif name not in folders and name.endswith(SUFFIXES):
                yield str(entry)


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        _unreadable(error)


def _unreadable(error: OSError) -> NoReturn:
    message = f"cannot read {error.filename}: {(error.strerror or str(error)).lower()}"
    if isinstance(error, FileNotFoundError):
        raise UsageError(message, "check the path") from error
    raise CollectError(message, "check its permissions") from error
