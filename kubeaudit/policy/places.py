"""Places inside objects that survive reordering: list indexes replaced by the names of the elements (CHK-33)."""

from functools import cached_property

import msgspec

from kubeaudit.findings import Subject
from kubeaudit.model.cluster import Cluster
from kubeaudit.proof import Evidence, Path, normalized
from kubeaudit.refs import ObjectRef

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_UNNAMED = "*"


class Places:
    """The places of one cluster's evidence. Pod specs are opened only where a path goes through a list of theirs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opened: dict[int, object] = {}

    def of(self, evidence: Evidence, subject: Subject) -> str:
        """The path with list indexes replaced: by the container's name, by the ``name`` of the element, by the element
        itself where it is a text; else by ``*``.

        Of another object than the subject only the kind counts: names of pods, slices and nodes change.
        """
        steps: list[str | int] = []
        for number, part in enumerate(evidence.path):
            if not isinstance(part, int):
                steps.append(part)
            elif subject.container and steps and steps[-1] in _CONTAINERS:
                steps.append(subject.container)
            else:
                steps.append(self._name(evidence.object, evidence.path[: number + 1]))
        return ("" if evidence.object == subject.object else evidence.object.kind) + normalized(tuple(steps))

    def _name(self, ref: ObjectRef, path: Path) -> str:
        spec, root = self._specs.get(ref, (-1, ()))
        if spec < 0 or path[: len(root)] != root:
            return _UNNAMED
        if spec not in self._opened:
            self._opened[spec] = msgspec.json.decode(self._cluster.specs[spec])
        element = _inside(self._opened[spec], path[len(root) :])
        name: object = element.get("name") if isinstance(element, dict) else element
        return name if isinstance(name, str) else _UNNAMED

    @cached_property
    def _specs(self) -> dict[ObjectRef, tuple[int, Path]]:
        """The pod spec of every workload and pod, and where it stands in the object."""
        templates = {w.ref: (w.template, w.template_path) for w in self._cluster.workloads if w.template >= 0}
        return {**{pod.ref: (pod.spec, ("spec",)) for pod in self._cluster.pods}, **templates}


def _inside(value: object, path: Path) -> object:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
