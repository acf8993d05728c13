"""The JSON output: the result document itself (REP-10), and the schema that describes it."""

import msgspec

from kubeaudit import findings
from kubeaudit.findings import ScanResult

SCHEMA_FILE = "result-v1.schema.json"
"""Name of the shipped schema in ``kubeaudit.data``."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render(result: ScanResult) -> bytes:
    """The document in one line with sorted keys: the bytes whose SHA-256 the other outputs name."""
    return findings.encode(result)


def schema() -> dict[str, object]:
    """JSON Schema 2020-12 of the document, made from :class:`ScanResult`.

    Unknown fields are allowed, because additions keep the version.
    """
    described = msgspec.json.schema(ScanResult)
    described["$defs"]["ScanResult"]["properties"]["schema"] = {"const": findings.SCHEMA, "default": findings.SCHEMA}
    head = {
        "$schema": _DIALECT,
        "$id": f"urn:{findings.SCHEMA.replace('/', ':')}",
        "title": f"Result document {findings.SCHEMA}",
    }
    return {**head, **described}


def schema_text() -> str:
    """The schema as it is shipped: indented, sorted, ending with a line break."""
    return msgspec.json.format(msgspec.json.encode(schema(), order="sorted"), indent=2).decode() + "\n"
