"""The cases of netpol-analyzer that are judged, and the disputes with them."""

import json
from typing import Any

from conformance.corpora import disputes
from conformance.netpol.corpora import CORPORA

NAME = "netpol-analyzer"
ROOT = CORPORA / NAME
OUT_OF_SCOPE = frozenset(["multinet", "vm"])
"""Tags of what is not evaluated: several networks a pod, virtual machines."""


def _read(name: str) -> list[dict[str, Any]]:
    return json.loads((ROOT / name).read_text()) if (ROOT / name).exists() else []


EVERY = _read("cases.json")
CASES = [case for case in EVERY if not OUT_OF_SCOPE & set(case["tags"])]
ERRORS = _read("error_cases.json")
_DISPUTES = disputes(NAME)
"""By folder of the input and what is compared: a wrong answer is the same in every format."""


def _check(case: dict[str, Any]) -> str:
    return "explanation" if "explain" in case["options"] else "relation"


def disputed(case: dict[str, Any]) -> bool:
    """Whether what is expected of a case is known to be wrong."""
    return any((case.get(key), check) in _DISPUTES for key in ("dir", "dir2") for check in ("input", _check(case)))


def settled(case: dict[str, Any], agreed: bool) -> str:
    """The outcome of a case, for the counts."""
    if agreed:
        return "agreed"
    return "disputed" if disputed(case) else "differs"


def folders() -> list[str]:
    """The folders some dispute is about."""
    return sorted({folder for folder, _ in _DISPUTES})
