"""From code in a workload to the Secrets that its containers are given (EXP-626).

Pull secrets stay with the node: containers never see them.
"""

from collections.abc import Iterator

import msgspec

from kubeaudit.edges.context import Context, spec_path, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.vertices import secret
from kubeaudit.edges.vocabulary import EXP_SECRET_IN_POD
from kubeaudit.proof import Confidence, Path, State, field
from kubeaudit.refs import Facet

_NAMED = ("secretRef", "secretKeyRef", "nodePublishSecretRef", "secret")
_PLAIN = "secretName"
_LISTS = ("volumes", "containers", "initContainers", "ephemeralContainers")


def edges(context: Context) -> Iterator[Edge]:
    """One edge from each workload class to each Secret that it refers to, with the first field that does."""
    known: dict[int, dict[str, Path]] = {}
    for cls in context.cluster.classes:
        if cls.spec not in known:
            known[cls.spec] = _secrets(context.cluster.specs[cls.spec])
        for name, place in known[cls.spec].items():
            owner, path = spec_path(context.cluster, cls)
            shown = (field(owner, (*path, *place), name),)
            sentence = f"{cls.label} is given Secret {cls.namespace}/{name}."
            target = secret(cls.namespace, name)
            yield Edge(
                EXP_SECRET_IN_POD, workload(cls, Facet.CTL), target, State.YES, Confidence.OBJ, 1, sentence, shown
            )  # fmt: skip


def _secrets(spec: bytes) -> dict[str, Path]:
    """Names of the Secrets that a pod spec refers to, and where it first does."""
    found: dict[str, Path] = {}
    described = msgspec.json.decode(spec)
    for key in _LISTS if isinstance(described, dict) else ():
        for path, name in _walk(described.get(key), (key,)):
            found.setdefault(name, path)
    return found


def _walk(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, (*path, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == _PLAIN and isinstance(item, str) and item:
                yield (*path, key), item
            elif key in _NAMED and isinstance(item, dict) and isinstance(item.get("name"), str) and item["name"]:
                yield (*path, key, "name"), item["name"]
            else:
                yield from _walk(item, (*path, key))
