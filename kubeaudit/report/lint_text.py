"""Lints of network policies for people and as JSON."""

import msgspec
from msgspec import Struct

from kubeaudit.network.lint import Lint
from kubeaudit.proof import recheck
from kubeaudit.report.reach_text import shown
from kubeaudit.report.visible import visible
from kubeaudit.report.words import count

SCHEMA = "kubeaudit.network-lint/1"


class _Document(Struct, frozen=True):
    """The JSON form. ``plugin`` says which network plugin was taken for the one in use."""

    schema: str
    lints: tuple[Lint, ...]
    plugin: str = ""


def render_text(found: tuple[Lint, ...], plugin: str = "") -> bytes:
    """A sentence each, with the fields that show it, and which network plugin they are about."""
    lines = []
    for lint in found:
        lines.append(f"{lint.name}: {lint.text} ({lint.number})")
        for evidence in lint.evidence:
            lines.extend((f"    {shown(evidence)}", f"    {recheck(evidence)}"))
    lines.append(f"{count(len(found), 'lint')}." if found else "Nothing is wrong with the network policies.")
    lines.extend([f"note: {plugin}"] if plugin else [])
    return (visible("\n".join(lines), lines=True) + "\n").encode()


def render_json(found: tuple[Lint, ...], plugin: str = "") -> bytes:
    """Sorted and versioned."""
    encoded = msgspec.json.encode(_Document(SCHEMA, found, plugin), order="sorted")
    return msgspec.json.format(encoded, indent=2) + b"\n"
