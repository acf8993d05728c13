"""The change that closes a finding, as two YAML fragments in strategic merge form (CHK-31)."""

from collections.abc import Mapping

import msgspec

from kubeaudit.documents import dump
from kubeaudit.findings import Patch
from kubeaudit.policy.schema import PatchTemplate
from kubeaudit.proof import Path

_ABSENT = object()
_encoder = msgspec.json.Encoder()


class Patches:
    """Makes patches; the same change is written out once, however many objects need it."""

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}

    def build(self, template: PatchTemplate, own: Mapping[str, object], path: Path, container: str = "") -> Patch:
        """The template's fields with the object's own values before, and with the wanted ones after.

        ``own`` is the value of the template's root variable, ``path`` leads to it from the object; a list index in it
        stands for the container of that name.
        """
        before = _own(template.after, own)
        return Patch(
            self._text(_wrap(before if isinstance(before, dict) else {}, path, container)),
            self._text(_wrap(template.after, path, container)),
        )

    def _text(self, value: object) -> str:
        key = _encoder.encode(value)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = dump(value)
        return text


def _own(wanted: object, own: object) -> object:
    """The object's own values of the fields that the patch sets; fields that it lacks are left out."""
    if not isinstance(wanted, dict) or not wanted or not isinstance(own, dict):
        return own
    found = {key: _own(item, own.get(key, _ABSENT)) for key, item in wanted.items()}
    return {key: item for key, item in found.items() if item is not _ABSENT}


def _wrap(fragment: Mapping[str, object], path: Path, container: str) -> object:
    value: object = dict(fragment)
    for part in reversed(path):
        # A strategic merge finds a container by its name, not by its index.
        value = [{"name": container, **value}] if isinstance(part, int) and isinstance(value, dict) else {part: value}
    return value
