"""Where the exposure corpora lie, and a case of them as a world."""

import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kubeaudit.collect.manifests import collect_files
from kubeaudit.edges.vocabulary import ROWS
from kubeaudit.settings import Settings
from kubeaudit.world import World, build

ROOT = (
    Path(os.environ.get("KUBEAUDIT_CORPORA", Path(__file__).resolve().parents[3].parent / "shared" / "data"))
    / "exposure"
)
IMPLEMENTED = frozenset(ROWS)
Case = dict[str, Any]

NODES = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: worker-1}
  status: {addresses: [{type: InternalIP, address: 172.18.0.3}]}
- apiVersion: v1
  kind: Node
  metadata: {name: worker-2}
  status: {addresses: [{type: InternalIP, address: 172.18.0.4}]}
"""
"""The pool that the corpora assume: private addresses, no cloud."""


def folder(corpus: str) -> Path:
    """A corpus; the test is skipped, saying so, where it is not there."""
    found = ROOT / corpus
    if not found.exists():
        pytest.skip(f"{found} does not exist: set KUBEAUDIT_CORPORA to the folder of the corpora")
    return found


def load(corpus: str, name: str) -> Any:
    """A JSON file of a corpus."""
    return json.loads((folder(corpus) / name).read_bytes())


def cases(corpus: str) -> dict[str, Case]:
    """The cases of a corpus by id."""
    return {case["id"]: case for case in load(corpus, "cases.json")["cases"]}


def world(corpus: str, files: Iterable[str], scratch: Path, *, nodes: bool = True) -> World:
    """The world of some files of a corpus, with the pool that the corpora assume."""
    pool = scratch / "nodes.yaml"
    pool.write_text(NODES)
    paths = [str(folder(corpus) / name) for name in files]
    found = collect_files(
        [*paths, *([str(pool)] if nodes else [])], stdin=io.BytesIO(), tool_version="0", now="2026-01-01T00:00:00Z"
    )
    return build(found, Settings())
