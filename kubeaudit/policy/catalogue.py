"""The catalogue of policies as a page of Markdown (docs/policies.md is this page of the shipped ones)."""

from collections.abc import Iterable, Iterator, Sequence

from kubeaudit.policy.schema import PARAMS, Default, Policy

_HEAD = """\
# Policies

Generated from the files below `policies/`; do not edit.
`KUBEAUDIT_UPDATE=1 pytest tests/policy/test_catalogue.py` writes it again.
"""


def markdown(policies: Sequence[Policy]) -> str:
    """One table of all policies by theme, then one section for each, themes and ids sorted."""
    themes: dict[str, list[Policy]] = {}
    for policy in sorted(policies, key=lambda one: (one.theme, one.id)):
        themes.setdefault(policy.theme, []).append(policy)
    parts = [_HEAD]
    for theme, members in themes.items():
        parts.append(f"## {theme}\n")
        parts.append("\n".join(_table(members)) + "\n")
        parts.extend("\n".join(section(policy)) + "\n" for policy in members)
    return "\n".join(parts)


def _table(policies: Iterable[Policy]) -> Iterator[str]:
    yield "| id | title | severity | default |"
    yield "|---|---|---|---|"
    for policy in policies:
        yield f"| [{policy.id}](#{policy.id}) | {_cell(policy.title)} | {policy.severity} | {policy.default} |"


def section(policy: Policy) -> Iterator[str]:
    """The lines about one policy, as Markdown."""
    yield f"### {policy.id}\n"
    default = "" if policy.default is Default.ON else f", {policy.default}"
    yield f"{policy.title}. Severity {policy.severity}{default}.\n"
    yield f"{policy.description}\n"
    yield f"**What to do.** {policy.remediation}\n"
    yield f"* Judges: {', '.join(policy.kinds)}{_each(policy)}"
    yield f"* Requires: {', '.join(f'`{word}`' for word in policy.requires)}"
    if policy.predicate is not None:
        given = ", ".join(f"{key} {value}" for key, value in sorted(policy.predicate.parameters.items()))
        yield f"* Asks the graph: {policy.predicate.name}{f' ({given})' if given else ''}"
    else:
        yield f"* Reads: {', '.join(f'`{field}`' for field in policy.fields if field.path[0] != PARAMS)}"
    controls: dict[str, list[str]] = {}
    for reference in policy.references:
        controls.setdefault(reference.framework, []).append(reference.control)
    if controls:
        yield "* Controls: " + "; ".join(f"{name} {', '.join(found)}" for name, found in controls.items())
    if policy.expression:
        yield f"\nPasses where\n\n```cel\n{policy.expression}\n```"
    if policy.applies:
        yield f"\nApplies where\n\n```cel\n{policy.applies}\n```"


def _each(policy: Policy) -> str:
    return f", each container of {', '.join(policy.each)}" if policy.each else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
