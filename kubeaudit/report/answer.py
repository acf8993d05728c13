"""Answers of queries as documents: JSON of a schema of its own each, sorted, the same bytes for the same answer."""

import msgspec
from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.report.words import unseen


def to_json(answer: Struct) -> str:
    """The answer as indented JSON with sorted keys; its field ``schema`` names the version."""
    return msgspec.json.format(msgspec.json.encode(answer, order="sorted"), indent=2).decode()


def missing(items: tuple[Unseen, ...]) -> list[str]:
    """Lines that say what was not read, so that an answer is not taken for whole."""
    return [f"not read: {unseen(item)}" for item in items]
