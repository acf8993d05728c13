"""The words and marks every output shares: severities, verdicts, reasons, and how numbers and times are written."""

from kubeaudit.findings import Certainty, Exposure, ObjectClass, Reason, Unseen, Verdict
from kubeaudit.settings import Severity

MARKS = {
    Severity.CRITICAL: "◆",
    Severity.HIGH: "▲",
    Severity.MEDIUM: "●",
    Severity.LOW: "○",
    Severity.INFO: "·",
}
"""A shape beside each severity word, so that colour never carries it alone (REP-39)."""

UNKNOWN = "◐"

SEVERITIES = {
    Severity.CRITICAL: "One step to cluster-admin, a node or cloud credentials, or an unauthenticated way in.",
    Severity.HIGH: "Removes a main barrier (isolation, authentication, admission) or is one step from critical.",
    Severity.MEDIUM: "Weakens a barrier; needs another flaw.",
    Severity.LOW: "Hardening with a small effect alone.",
    Severity.INFO: "Inventory and operability.",
}

VERDICTS = {
    Verdict.FAIL: "A field of the object proves the fault. Resources that were not read do not remove a failure.",
    Verdict.NOT_EVALUATED: "Something the check needs was not read or cannot be known; the reason is named. No pass.",
    Verdict.PASS: "Everything the check needs was read to its end, and the fault is not there.",
    Verdict.NOT_APPLICABLE: "The cluster does not serve the kind, has no such object, or the feature cannot apply.",
}

CERTAINTIES = {
    Certainty.OBSERVED: "Seen in the objects of the cluster.",
    Certainty.DECLARED: "Stated by configuration; the running process may differ.",
    Certainty.INFERRED: "Rests on an assumption about something the API does not show; the assumption is named.",
}

EXPOSURES = {
    Exposure.INTERNET: "reachable from the internet",
    Exposure.UNKNOWN: "exposure unknown",
    Exposure.INTERNAL: "reachable from inside",
    Exposure.NONE: "not exposed",
}

CLASSES = {
    ObjectClass.USER: "objects of the cluster's users",
    ObjectClass.VENDOR: "objects of recognised add-ons",
    ObjectClass.SYSTEM: "objects of the system namespaces",
    ObjectClass.BUILTIN: "objects Kubernetes creates itself",
}

REASONS = {
    Reason.FORBIDDEN: "the API server refused the read",
    Reason.UNAUTHORIZED: "the API server did not accept the credentials",
    Reason.READ_INCOMPLETE: "the read did not reach its end",
    Reason.CONTROL_PLANE_NOT_VISIBLE: "the API does not show the control plane's settings",
    Reason.FILE_NOT_VISIBLE: "the input files do not show it",
    Reason.UNKNOWN_IMPLEMENTATION: "the implementation in use is not known",
    Reason.OPT_IN: "it is read only when asked for",
    Reason.EVALUATION_ERROR: "the rule could not be evaluated on the object",
    Reason.LIMIT: "the search reached a limit of the settings",
}


_SAID_BY_SERVER = (Reason.FORBIDDEN, Reason.UNAUTHORIZED)
"""Reasons whose detail is the API server's message, which repeats the resource; it stands with the read."""


def mark(severity: Severity) -> str:
    """Shape and word of a severity, e.g. ``◆ critical``."""
    return f"{MARKS[severity]} {severity}"


def reason(word: str, status: int = 0) -> str:
    """A reason of CHK-04 as people read it, with the HTTP status where there was one."""
    text = REASONS[Reason(word)] if word in set(Reason) else word
    return f"{text} ({status})" if status else text


def unseen(item: Unseen) -> str:
    """What was missing for a verdict and why, e.g. ``pods in payments: the API server refused the read``."""
    place = f"{item.resource} in {item.scope}" if item.resource and item.scope else item.resource or item.scope
    why = reason(item.reason) if item.reason in _SAID_BY_SERVER else item.detail or reason(item.reason)
    return f"{place}: {why}" if place else why


def count(number: int, noun: str, nouns: str = "") -> str:
    """A number with its noun, e.g. ``1 object``, ``1,204 objects``, ``2 identities``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def sentence(text: str) -> str:
    """The text with a capital at its beginning; the rest stays, so that names keep theirs."""
    return text[:1].upper() + text[1:]


def percent(ratio: float) -> str:
    """A ratio of 0 to 1 in whole percent, rounded down: 100 % is said only where nothing is missing."""
    return f"{int(ratio * 100 + 1e-9)} %"


def utc(time: str) -> str:
    """An RFC 3339 UTC time as ``2026-11-24 06:17 UTC``; other text is left as it is."""
    if len(time) >= 17 and time[10] == "T" and time.endswith("Z"):
        return f"{time[:10]} {time[11:16]} UTC"
    return time
