"""The words inside a box of a path drawing, broken into short lines."""

import re

from msgspec import Struct

from kubeaudit.refs import Facet, VertexKind

NAME_WIDTH = 7.9
"""Pixels of a character of a 13 px monospaced name."""
WORD_WIDTH = 6.9
"""Pixels of a character of an 12 px label."""
NAME_COLUMNS = 20
NAME_LINES = 4

KIND_WORDS = {
    VertexKind.EXTERNAL_CIDR: "address range",
    VertexKind.ENTRY_POINT: "entry point",
    VertexKind.SERVICE: "Service",
    VertexKind.WORKLOAD: "workload",
    VertexKind.POD_NETWORK: "pod network",
    VertexKind.NODE: "Node",
    VertexKind.SERVICE_ACCOUNT: "ServiceAccount",
    VertexKind.USER: "User",
    VertexKind.GROUP: "Group",
    VertexKind.GRANT: "grant",
    VertexKind.AGGREGATE: "all objects",
    VertexKind.CLOUD_IDENTITY: "cloud identity",
    VertexKind.METADATA: "metadata service",
    VertexKind.API_SERVER: "API server",
    VertexKind.KUBELET: "kubelet",
    VertexKind.ETCD: "etcd",
    VertexKind.SINK: "crown jewel",
}
"""What a vertex is, where its label does not begin with a kind; the others are named by their label alone."""

FACET_WORDS = {
    Facet.NET: "traffic arrives",
    Facet.SSRF: "sends requests",
    Facet.CTL: "runs code",
}
"""What an attacker has of a workload or node (EXP-07), short enough for a box."""

_KIND_AND_NAME = re.compile(r"([A-Z][A-Za-z]*[a-z][A-Za-z]*) (\S.*)", re.DOTALL)


_SAID = re.compile(r"(\S+) \([a-z ]+\)")
"""A workload's name whose label adds what the attacker has of it, e.g. ``shop/frontend (code)``: the facet says it."""


class Label(Struct, frozen=True):
    """A kind, the lines of a name, and what an attacker has of it; kind and facet may be empty."""

    kind: str
    name: tuple[str, ...]
    facet: str

    @property
    def lines(self) -> int:
        """How many lines of text the box holds."""
        return len(self.name) + bool(self.kind) + bool(self.facet)


def label(key: str, text: str) -> Label:
    """The words for a vertex: ``Deployment shop/frontend`` is taken apart, other labels get the kind of their key."""
    word = key.partition("/")[0]
    ending = key.rpartition(".")[2] if "." in key else ""
    parts = _KIND_AND_NAME.fullmatch(text)
    kind = KIND_WORDS.get(VertexKind(word), "") if word in set(VertexKind) else ""
    name = text
    if parts:
        kind, name = parts[1], parts[2]
    facet = FACET_WORDS.get(Facet(ending), "") if ending in set(Facet) else ""
    if facet and (said := _SAID.fullmatch(name)):
        name = said[1]
    return Label(kind, wrapped(name, NAME_COLUMNS, NAME_LINES), facet)


def wrapped(text: str, columns: int, most: int) -> tuple[str, ...]:
    """Up to ``most`` lines of at most ``columns``, broken after a blank or a mark of names where there is one."""
    lines: list[str] = []
    rest = text.strip() or "?"
    while len(rest) > columns:
        cut = max(rest.rfind(mark, 0, columns) for mark in " /.-:@") + 1 or columns
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
        if len(lines) == most:
            return (*lines[:-1], lines[-1][: columns - 1] + "…")
    return (*lines, rest) if rest else tuple(lines)
