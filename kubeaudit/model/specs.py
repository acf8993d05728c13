"""Interning of pod specs: pods of one workload share one decoded spec (PERF-04; architecture.md, idea 1).

Two pods of a Deployment differ in what the server and scheduler filled in: the node, the host name and the random
suffix of the injected token volume. Those are taken out before specs are compared, else no two pods were equal."""

import re

import msgspec
from msgspec import Raw

from kubeaudit.model.decode import drop_nulls
from kubeaudit.model.objects.pods import PodSpec

_TOKEN_VOLUME = re.compile(rb"kube-api-access-[a-z0-9]{5}\b")
_PER_POD = ("nodeName", "hostname")
_top = msgspec.json.Decoder(dict[str, Raw])


class Specs:
    """Distinct pod specs seen so far. ``canonical[i]`` is the JSON of spec i, ``shapes[shape_of[i]]`` its typed fields.

    Specs that differ only in fields nothing reads have one shape, so that the pods of a StatefulSet, each with its own
    claim, are still one workload class."""

    def __init__(self) -> None:
        self.canonical: list[bytes] = []
        self.shapes: list[PodSpec] = []
        self.shape_of: list[int] = []
        self._specs: dict[bytes, int] = {}
        self._shapes: dict[PodSpec, int] = {}
        self._decoder = msgspec.json.Decoder(PodSpec)

    def intern(self, raw: Raw) -> tuple[int, str]:
        """Number of a spec, and the node it names. Raises ``msgspec.DecodeError`` where it does not fit PodSpec."""
        fields = _top.decode(raw)
        node = fields.get("nodeName")
        for name in _PER_POD:
            fields.pop(name, None)
        canonical = _TOKEN_VOLUME.sub(b"kube-api-access", msgspec.json.encode(fields, order="deterministic"))
        number = self._specs.get(canonical)
        if number is None:
            number = self._add(canonical)
        return number, msgspec.json.decode(node, type=str) if node is not None else ""

    def _add(self, canonical: bytes) -> int:
        try:
            shape = self._decoder.decode(canonical)
        except msgspec.ValidationError:
            shape = msgspec.convert(drop_nulls(msgspec.json.decode(canonical)), PodSpec)
        number = self._specs[canonical] = len(self.canonical)
        self.canonical.append(canonical)
        found = self._shapes.setdefault(shape, len(self.shapes))
        if found == len(self.shapes):
            self.shapes.append(shape)
        self.shape_of.append(found)
        return number
