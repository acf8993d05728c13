"""What every claim carries: the object, the field and the value that decide it, and the assumptions it rests on."""

import re
from enum import StrEnum
from functools import lru_cache

import msgspec
from msgspec import Struct

from kubeaudit.refs import ObjectRef

Path = tuple[str | int, ...]
"""A place inside an object: keys and list indexes from the root."""


_PATHS = 1 << 12
"""How many paths are remembered as text: many objects have evidence in the same places."""
_PLAIN = re.compile(r"[\w./:@-]+")
"""What a shell takes as it stands."""


ANY = "*"
"""Name of an :class:`ObjectRef` that stands for all objects of its kind: evidence that none of them has something."""


KUBECONFIG = "kubeconfig"
"""Group of an :class:`ObjectRef` that names a context of the kubeconfig, which is no object of the cluster."""


class Confidence(StrEnum):
    """Of an edge (EXP-32): the API objects decide; something the API does not show is assumed; only worth a note."""

    OBJ = "obj"
    ENV = "env"
    HINT = "hint"


class State(StrEnum):
    """Of an edge or path (EXP-31, EXP-973)."""

    __hash__ = str.__hash__  # Enum's own is a function in Python.
    YES = "yes"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


RANK = {State.BLOCKED: 0, State.UNKNOWN: 1, State.YES: 2}
"""How far open a state is."""


class Evidence(Struct, frozen=True, order=True, omit_defaults=True, gc=False):
    """One field of one object, as read (CHK-29).

    ``value`` is the JSON text of the value; an absent field has ``absent`` true and an empty ``value``.
    ``note`` adds what the field alone does not tell.
    """

    object: ObjectRef
    path: Path
    value: str = ""
    absent: bool = False
    note: str = ""


class Assumption(Struct, frozen=True, order=True, omit_defaults=True):
    """Something the API does not show that a verdict rests on. ``name`` is the fact a team may commit (EXP-974)."""

    name: str
    text: str


def field(obj: ObjectRef, path: Path, value: object, note: str = "") -> Evidence:
    """Evidence of a field that is present; ``value`` is any JSON value."""
    return Evidence(obj, path, msgspec.json.encode(value, order="sorted").decode(), note=note)


def missing(obj: ObjectRef, path: Path, note: str = "") -> Evidence:
    """Evidence of a field that the object does not have (CHK-29)."""
    return Evidence(obj, path, absent=True, note=note)


@lru_cache(_PATHS)
def normalized(path: Path) -> str:
    """The path as a normalized JSONPath of RFC 9535, e.g. ``$['spec']['containers'][0]``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f"['{_escape(part)}']" for part in path)


@lru_cache(_PATHS)
def dotted(path: Path) -> str:
    """The path as people write it, e.g. ``spec.containers[0].image``; keys with dots are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("-", "").replace("_", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"['{_escape(part)}']"
    return text


def recheck(evidence: Evidence) -> str:
    """The read-only kubectl line that shows the evidence (CHK-30, REP-55). An object named ``*`` stands for all of its
    kind.
    """
    ref = evidence.object
    resource = f"{ref.kind.lower()}.{ref.group}" if ref.group else ref.kind.lower()
    if ref.group == KUBECONFIG:
        return f"kubectl config view --minify -o jsonpath='{{.clusters[0]{_kubectl(evidence.path)}}}'"
    if ref.name == ANY:
        scope = f" -n {_shell(ref.namespace)}" if ref.namespace else " -A"
        return f"kubectl get {resource}{scope} -o jsonpath='{{.items[*]{_kubectl(evidence.path)}}}'"
    scope = f" -n {_shell(ref.namespace)}" if ref.namespace else ""
    return f"kubectl get {resource} {_shell(ref.name)}{scope} -o jsonpath='{{{_kubectl(evidence.path)}}}'"


@lru_cache(_PATHS)
def _kubectl(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else "." + part.replace(".", "\\.").replace("'", "'\\''")
    return text


def _escape(part: str) -> str:
    return part.replace("\\", "\\\\").replace("'", "\\'")


def _shell(word: str) -> str:
    return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"
