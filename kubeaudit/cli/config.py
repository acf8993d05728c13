"""kubeaudit.yaml: selection, severities, facts, crown jewels and gates that a team commits (--config)."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from kubeaudit.documents import Marks, compose_marked, place
from kubeaudit.errors import UsageError
from kubeaudit.settings import Settings

DEFAULT = "kubeaudit.yaml"


def load(path: str) -> Settings:
    """The settings of a file; those of ``kubeaudit.yaml`` in the current folder where none is named and it exists.

    Raises :class:`UsageError` naming file, line and column of every wrong field.
    """
    file = Path(path or DEFAULT)
    if not path and not file.is_file():
        return Settings()
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read configuration {file}: {error}", "give a YAML file with --config") from error
    value, marks = compose_marked(text, str(file))
    if value is None:
        return Settings()
    if not isinstance(value, dict):
        raise UsageError(f"{file}:1:1: must be a mapping", "see the README for the fields of kubeaudit.yaml")
    problems = list(_problems(value, marks, str(file)))
    if problems:
        raise UsageError("\n".join(problems), "see the README for the fields of kubeaudit.yaml")
    return msgspec.convert(value, Settings)


def _problems(value: dict[str, object], marks: Marks, file: str) -> Iterator[str]:
    """Every field that does not fit, one by one: conversion alone stops at the first."""
    for key in value:
        try:
            msgspec.convert({key: value[key]}, Settings)
        except msgspec.ValidationError as error:
            line, column = place(marks, (key,))
            yield f"{file}:{line}:{column}: {key}: {error}"
