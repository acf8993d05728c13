"""Where the public corpora lie, and the disputes with them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubeaudit.documents import Document, compose_marked, parse

ROOT = Path(os.environ.get("KUBEAUDIT_CORPORA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
DISPUTES = Path(__file__).with_name("disputes.yaml")


def path(*parts: str) -> Path:
    """A file or folder of the corpora; the test is skipped, saying so, where there is none."""
    found = ROOT.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"{found} does not exist: set KUBEAUDIT_CORPORA to the folder of the corpora")
    return found


def load(*parts: str) -> Any:
    """A JSON file of the corpora."""
    return json.loads(path(*parts).read_bytes())


def folders(*parts: str) -> list[str]:
    """Names of the folders that hold cases; empty where there are no corpora."""
    return sorted(found.parent.name for found in ROOT.joinpath(*parts).glob("*/cases.json"))


def documents(file: Path) -> Iterator[Any]:
    """The objects of a file that can be read, items of lists one by one."""
    for found in parse(file.read_bytes(), file.name):
        if isinstance(found, Document):
            yield from _items(found.value)


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _items(item)
    elif isinstance(value, list):
        for item in value:
            yield from _items(item)
    else:
        yield value


def disputes(corpus: str) -> dict[tuple[str, str], str]:
    """Expectations of a corpus that do not hold for this product: the reason by case and check."""
    value, _ = compose_marked(DISPUTES.read_text("utf-8"), DISPUTES.name)
    assert isinstance(value, list)
    return {(entry["case"], entry["check"]): entry["reason"] for entry in value if entry["corpus"] == corpus}
