"""From code in a workload to the Secrets that its containers are given (EXP-626).

Pull secrets stay with the node: containers never see them.
"""

import re
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
_MENTIONED = re.compile(rb'"(secretRef|secretKeyRef|nodePublishSecretRef|secret|secretName)"|\\u')
"""Whether JSON may hold one of these keys, which may be written with escapes."""
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
    if _MENTIONED.search(spec):
        described = msgspec.json.decode(spec, type=dict[str, msgspec.Raw])
        for key in _LISTS:
            if key in described and _MENTIONED.search(described[key]):
                _walk(msgspec.json.decode(described[key]), (key,), found)
    return found


def _walk(value: object, path: Path, found: dict[str, Path]) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _walk(item, (*path, number), found)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == _PLAIN and isinstance(item, str) and item:
                found.setdefault(item, (*path, key))
            elif key in _NAMED and isinstance(item, dict) and isinstance(item.get("name"), str) and item["name"]:
                found.setdefault(item["name"], (*path, key, "name"))
            elif isinstance(item, dict | list):
                _walk(item, (*path, key), found)
