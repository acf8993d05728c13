"""Reads the fields of one policy file and collects what is wrong with them, each with file, line and column."""

import difflib
import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from kubeaudit.documents import Marks, place
from kubeaudit.proof import Path

_KEY = re.compile(r"^[\s-]*[\w-]+\s*:\s*")
_BLOCK = re.compile(r"^\|[-+]?(\d)?[-+]?\s*(?:#.*)?$")


class PolicyFile(Struct, frozen=True):
    """A policy as it stands on disk: ``theme`` is the name of its folder, ``name`` that of the file less ``.yaml``."""

    theme: str
    name: str
    where: str
    text: str


class Problem(Struct, frozen=True, order=True):
    """One thing to put right. Lines and columns count from 1; ``field`` is dotted, "" for the whole file."""

    where: str
    line: int
    column: int
    field: str
    text: str

    def __str__(self) -> str:
        told = f"{self.field}: {self.text}" if self.field else self.text
        return f"{self.where}:{self.line}:{self.column}: {told}"


class Fields:
    """The mapping of one policy file. Every getter returns a usable value and reports what is wrong."""

    def __init__(self, file: PolicyFile, value: Mapping[str, object], marks: Marks) -> None:
        self._file = file
        self._lines = file.text.splitlines()
        self._value = value
        self._marks = marks
        self.problems: list[Problem] = []

    def report(self, path: Path, text: str) -> None:
        """Something is wrong with a field."""
        line, column = place(self._marks, path)
        self.problems.append(Problem(self._file.where, line, column, _dotted(path), text))

    def report_inside(self, path: Path, line: int, column: int, text: str) -> None:
        """Something is wrong at a line and column (from 1) of a field's text."""
        at = self._position(path, line, column)
        self.problems.append(Problem(self._file.where, *at, _dotted(path), text))

    def known(self, allowed: Iterable[str]) -> None:
        """Report keys that no policy has."""
        names = sorted(allowed)
        for key in self._value:
            if key not in names:
                self.report((key,), "is no field of a policy" + near(key, names))

    def has(self, key: str) -> bool:
        """Whether the field is there at all."""
        return key in self._value

    def get(self, key: str) -> object:
        """The field as it stands, None where it is not there."""
        return self._value.get(key)

    def text(self, key: str, required: bool = True) -> str:
        """A text; "" where there is none."""
        value = self._value.get(key)
        if isinstance(value, str) and value.strip():
            return value.rstrip()
        if required or key in self._value:
            self.report((key,), "must be a text" if key in self._value else "is missing")
        return ""

    def words(self, key: str, path: Path = (), value: object = None) -> tuple[str, ...]:
        """A list of texts without repeats; a single text stands for a list of one."""
        found = self._value.get(key) if value is None else value
        where = path or (key,)
        if isinstance(found, str) and found:
            return (found,)
        if isinstance(found, list) and found and all(isinstance(word, str) and word for word in found):
            if len(set(found)) < len(found):
                self.report(where, "names something twice")
            return tuple(found)
        self.report(where, "must be a list of texts" if found is not None else "is missing")
        return ()

    def _position(self, path: Path, line: int, column: int) -> tuple[int, int]:
        """Where a place inside a scalar stands in the file. Of folded and multi-line plain scalars only the key is
        known.
        """
        start, indent = place(self._marks, path)
        header = self._lines[start - 1] if start <= len(self._lines) else ""
        key = _KEY.match(header[indent - 1 :])
        rest = header[indent - 1 + key.end() :] if key else ""
        block = _BLOCK.match(rest)
        if block:
            first = next((text for text in self._lines[start:] if text.strip()), "")
            deep = indent - 1 + int(block[1]) if block[1] else len(first) - len(first.lstrip(" "))
            return start + line, deep + column
        if key and line == 1 and rest and rest[0] != ">":
            return start, indent - 1 + key.end() + (1 if rest[0] in "'\"" else 0) + column
        return start, indent


def near(word: str, names: Iterable[str]) -> str:
    """``; did you mean ...?`` where a known name looks alike, else nothing."""
    found = difflib.get_close_matches(word, list(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _dotted(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
