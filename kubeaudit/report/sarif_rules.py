"""The rules and taxonomies of a SARIF log: a rule for each selected check, a taxonomy for each framework they name."""

from msgspec import Struct

from kubeaudit.findings import CheckResult, ScanResult
from kubeaudit.report.visible import visible
from kubeaudit.settings import Severity

Json = dict[str, object]

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}

SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
"""``security-severity`` as code scanning reads it: above 9.0 critical, 7.0 high, 4.0 medium, above 0 low."""


class Rules(Struct, frozen=True):
    """Rules with the index of each by check id, and the taxonomies they point to."""

    rules: list[Json]
    index: dict[str, int]
    taxonomies: list[Json]


def rules_of(result: ScanResult) -> Rules:
    """Every selected check in the order of the document, then any check that only findings name."""
    known = {check.id for check in result.checks}
    extra = sorted({finding.check for finding in result.findings} - known)
    controls = _controls(result.checks)
    places = {name: index for index, name in enumerate(controls)}
    rules = [_rule(check, controls, places) for check in result.checks]
    rules += [{"id": name, "shortDescription": {"text": name}} for name in extra]
    index = {str(rule["id"]): number for number, rule in enumerate(rules)}
    return Rules(rules, index, [_taxonomy(name, ids) for name, ids in controls.items()])


def _controls(checks: tuple[CheckResult, ...]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for check in checks:
        for reference in check.references:
            found.setdefault(reference.framework, set()).add(reference.control)
    return {name: sorted(found[name]) for name in sorted(found)}


def _rule(check: CheckResult, controls: dict[str, list[str]], places: dict[str, int]) -> Json:
    title, description = visible(check.title), visible(check.description or check.title, lines=True)
    remedy = visible(check.remediation, lines=True)
    help_text = f"{description}\n{remedy}" if remedy else description
    rule: Json = {
        "id": check.id,
        "name": "".join(part.capitalize() for part in check.id.split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": description},
        "help": {"text": help_text, "markdown": _markdown(check, description, remedy)},
        "defaultConfiguration": {"level": LEVELS[check.severity]},
        "properties": {
            "security-severity": SCORES[check.severity],
            "tags": ["security", "kubernetes", check.theme],
            "verdict": check.verdict,
        },
    }
    if check.references:
        rule["relationships"] = [
            {
                "target": {
                    "id": reference.control,
                    "index": controls[reference.framework].index(reference.control),
                    "toolComponent": {"name": reference.framework, "index": places[reference.framework]},
                },
                "kinds": ["relevant"],
            }
            for reference in check.references
        ]
    return rule


def _markdown(check: CheckResult, description: str, remedy: str) -> str:
    parts = [description]
    if remedy:
        parts.append(f"**What to do.** {remedy}")
    if check.references:
        parts.append("\n".join(f"- {item.framework}: {item.control}" for item in check.references))
    return "\n\n".join(parts)


def _taxonomy(name: str, controls: list[str]) -> Json:
    return {"name": name, "taxa": [{"id": control} for control in controls]}
