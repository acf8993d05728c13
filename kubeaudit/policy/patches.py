"""The change that closes a finding, as two YAML fragments in strategic merge form (CHK-31)."""

import re
from collections.abc import Mapping

import msgspec

from kubeaudit.documents import dump
from kubeaudit.findings import Patch
from kubeaudit.policy.schema import PatchTemplate
from kubeaudit.proof import Path

_ABSENT = object()
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
"""An RFC 1123 label, as names of containers are: always one line of YAML."""
_PLACEHOLDER = "kubeaudit-container"
_encoder = msgspec.json.Encoder()


class Patches:
    """Makes patches. A change is written out once for all containers that need it; only their names are filled in."""

    def __init__(self) -> None:
        self._frames: dict[tuple[bytes, Path], tuple[str, str]] = {}
        self._names: dict[str, str] = {}

    def build(self, template: PatchTemplate, own: Mapping[str, object], path: Path, container: str = "") -> Patch:
        """The template's fields with the object's own values before, and with the wanted ones after.

        ``own`` is the value of the template's root variable, ``path`` leads to it from the object; a list index in it
        stands for the container of that name.
        """
        before = _own(template.after, own)
        return Patch(
            self._text(before if isinstance(before, dict) else {}, path, container),
            self._text(template.after, path, container),
        )

    def _text(self, fragment: Mapping[str, object], path: Path, container: str) -> str:
        if not (container and _LABEL.fullmatch(container)):
            return dump(_wrap(fragment, path, container))
        head, tail = self._frame(fragment, path)
        return f"{head}{self._named(container)}{tail}"

    def _frame(self, fragment: Mapping[str, object], path: Path) -> tuple[str, str]:
        """The text before and after the line that names the container."""
        key = (_encoder.encode(fragment), tuple(0 if isinstance(part, int) else part for part in path))
        found = self._frames.get(key)
        if found is None:
            # The name comes first in its item, so the first place is the right one whatever the fragment holds.
            head, _, tail = dump(_wrap(fragment, path, _PLACEHOLDER)).partition(f"name: {_PLACEHOLDER}\n")
            found = self._frames[key] = head, tail
        return found

    def _named(self, container: str) -> str:
        found = self._names.get(container)
        if found is None:
            found = self._names[container] = dump({"name": container})
        return found


def _own(wanted: object, own: object) -> object:
    """The object's own values of the fields that the patch sets; fields that it lacks are left out."""
    if not isinstance(wanted, dict) or not wanted or not isinstance(own, dict):
        return own
    found = {key: _own(item, own.get(key, _ABSENT)) for key, item in wanted.items()}
    return {key: item for key, item in found.items() if item is not _ABSENT}


def _wrap(fragment: Mapping[str, object], path: Path, container: str) -> object:
    value: object = dict(fragment)
    for part in reversed(path):
        # A strategic merge finds a container by its name, not by its index, and cannot rename it.
        named = {"name": container}
        value = [named | value | named] if isinstance(part, int) and isinstance(value, dict) else {part: value}
    return value
