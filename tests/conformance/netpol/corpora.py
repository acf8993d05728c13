"""Where the public network policy corpora lie, and how their manifests become a cluster."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubeaudit.documents import Document, drop_nulls, parse
from kubeaudit.kinds import by_api_kind

CORPORA = Path(os.environ.get("KUBEAUDIT_CORPORA", Path(__file__).parents[4] / "shared" / "data")) / "netpol"
"""KUBEAUDIT_CORPORA names the folder that holds ``netpol/``."""


def absent(path: Path) -> str:
    """Why cases of a corpus are skipped."""
    return f"{path} is absent; set KUBEAUDIT_CORPORA"


def manifests(folder: Path, past_broken: bool = True) -> Iterator[dict[str, Any]]:
    """The objects of a file or of all files below a folder; what is no object of a known kind is left out (MAP-9).

    Without ``past_broken`` a file is read no further than its first broken document.
    """
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        for found in parse(path.read_bytes(), path.name) if path.suffix in (".yaml", ".yml", ".json") else ():
            if isinstance(found, Document):
                yield from _objects(drop_nulls(found.value), "")
            elif not past_broken:
                break


def _objects(value: object, kind: str) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        return
    named = value.get("kind", kind)
    if isinstance(named, str) and named.endswith("List") and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _objects({"apiVersion": value.get("apiVersion")} | item, named.removesuffix("List"))
        return
    group = str(value.get("apiVersion", "")).rpartition("/")[0]
    known = by_api_kind().get((group, named)) if isinstance(named, str) else None
    if known is not None and isinstance(value.get("metadata"), dict):
        metadata = value["metadata"]
        if known.namespaced:
            metadata = {"namespace": "default"} | metadata
        yield value | {"kind": named, "metadata": metadata}
