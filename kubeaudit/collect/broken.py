"""What a document that could not be read was going to be, as far as its text tells."""

import re

from kubeaudit.collect.defaults.fields import Fields

_BYTES = 1 << 16
_KIND = re.compile(r"""(?:^|[{,]\s*)["']?kind["']?\s*:""", re.MULTILINE)
_JSON = re.compile(r"\s*\{(?!\{)")
_MEMBER = r'"{name}"\s*:\s*"(?P<value>[\w./\-]+)"'
_FIELD = r"""^{indent}{name}:[ \t]+["']?(?P<value>[A-Za-z0-9][\w./\-]*)["']?[ \t]*(?:#.*)?\r?$"""
_METADATA = re.compile(
    r"^metadata:[ \t]*(?:#.*)?\r?\n(?P<block>(?P<indent>[ \t]+)\S.*\n?(?:[ \t]+.*\n?)*)", re.MULTILINE
)


def told(text: bytes) -> Fields | None:
    """apiVersion, kind and metadata of a broken document, each only where it is plain to see.

    None where the text does not say that it is an object of Kubernetes at all. ``metadata`` is left out where a name or
    namespace may be written in a way that is not seen here.
    """
    start = text[:_BYTES].decode("utf-8", "replace")
    if not _KIND.search(start):
        return None
    if _JSON.match(start):
        # Only the first of nested objects could be told, so a list in JSON is not looked into.
        pattern = _MEMBER if '"items"' not in start else "(?!)"
        return _fields(start, pattern, "", ("apiVersion", "kind"))
    found = _fields(start, _FIELD, "", ("apiVersion", "kind"))
    block = _METADATA.search(start)
    if block is not None and "{{" not in block["block"]:
        found["metadata"] = _fields(block["block"], _FIELD, re.escape(block["indent"]), ("name", "namespace"))
    return found


def _fields(text: str, pattern: str, indent: str, names: tuple[str, ...]) -> Fields:
    matches = {name: re.search(pattern.format(indent=indent, name=name), text, re.MULTILINE) for name in names}
    return {name: match["value"] for name, match in matches.items() if match is not None}
