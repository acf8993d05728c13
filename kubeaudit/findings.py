"""The result document: what was found, with proof, and what could not be judged (REP-01..08, schema
``kubeaudit.result/1``).

Every output is a pure function of one :class:`ScanResult`; the JSON output is this document itself.
"""

import hashlib
from enum import StrEnum

import msgspec
from msgspec import Struct

from kubeaudit.proof import Evidence, State
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Severity
from kubeaudit.snapshot import BadDocument, Gap, Read

SCHEMA = "kubeaudit.result/1"


class Verdict(StrEnum):
    """Of a check on an object, and of a check (CHK-01, CHK-07)."""

    FAIL = "fail"
    NOT_EVALUATED = "not-evaluated"
    PASS = "pass"
    NOT_APPLICABLE = "not-applicable"


class Reason(StrEnum):
    """Why something was not evaluated (CHK-04)."""

    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    READ_INCOMPLETE = "read-incomplete"
    CONTROL_PLANE_NOT_VISIBLE = "control-plane-not-visible"
    FILE_NOT_VISIBLE = "file-not-visible"
    UNKNOWN_IMPLEMENTATION = "unknown-implementation"
    OPT_IN = "opt-in"
    EVALUATION_ERROR = "evaluation-error"
    LIMIT = "limit"


class Certainty(StrEnum):
    """Confidence of a finding (CHK-27): seen in the running cluster, declared by configuration, or inferred."""

    OBSERVED = "observed"
    DECLARED = "declared"
    INFERRED = "inferred"


class ObjectClass(StrEnum):
    """Who an object belongs to (CHK-22)."""

    USER = "user"
    VENDOR = "vendor"
    SYSTEM = "system"
    BUILTIN = "builtin"


class Exposure(StrEnum):
    """From where a finding's workload can be reached (CHK-15), widest first."""

    INTERNET = "internet"
    UNKNOWN = "unknown"
    INTERNAL = "internal"
    NONE = "none"


class Subject(Struct, frozen=True, order=True, omit_defaults=True):
    """The object a verdict is about (CHK-28). ``owners`` leads from the object to its root controller, which is
    ``object`` itself for workloads; ``container`` is empty for verdicts about the whole object."""

    object: ObjectRef
    api_version: str = ""
    uid: str = ""
    container: str = ""
    object_class: ObjectClass = ObjectClass.USER
    owner_unread: bool = False


class Unseen(Struct, frozen=True, order=True, omit_defaults=True):
    """What was missing for a verdict: a resource in a scope and the reason, or only a reason with ``detail``."""

    reason: Reason
    resource: str = ""
    scope: str = ""
    detail: str = ""


class Patch(Struct, frozen=True):
    """A change as two YAML fragments in strategic merge form (CHK-31)."""

    before: str
    after: str


class Reference(Struct, frozen=True, order=True):
    """A control of a framework, a technique, a CVE or a page of documentation (CHK-32)."""

    framework: str
    control: str


class Cause(Struct, frozen=True, order=True, omit_defaults=True):
    """The object, field or absence that decides a finding; findings of one check and cause are shown as one."""

    object: ObjectRef
    text: str


class Finding(Struct, frozen=True, omit_defaults=True):
    """One failing verdict with its proof (CHK-27..34).

    ``message`` says what is, ``why`` why it matters, ``remediation`` what to do. ``value`` tells findings of one
    container apart (CHK-20). ``instances`` counts pods, ``pods`` names up to five. ``drift``: the live pods differ from
    their template in this verdict (CHK-18)."""

    check: str
    severity: Severity
    certainty: Certainty
    subject: Subject
    message: str
    cause: Cause
    evidence: tuple[Evidence, ...]
    fingerprint: str
    evidence_hash: str
    value: str = ""
    scope: str = "full"
    exposure: Exposure = Exposure.NONE
    instances: int = 0
    pods: tuple[str, ...] = ()
    drift: bool = False
    remediation: str = ""
    patch: Patch | None = None
    paths: tuple[str, ...] = ()
    recheck: tuple[str, ...] = ()


class Undecided(Struct, frozen=True, omit_defaults=True):
    """One not-evaluated verdict: the object and what was missing (CHK-04)."""

    check: str
    subject: Subject
    unseen: tuple[Unseen, ...]
    detail: str = ""


class Counts(Struct, frozen=True):
    """Verdicts of one check over its objects; zeros included (CHK-01)."""

    passed: int = 0
    failed: int = 0
    not_evaluated: int = 0
    not_applicable: int = 0


class CheckResult(Struct, frozen=True, omit_defaults=True):
    """One selected check: what it is, its verdict, and what it lacked (CHK-02..08).

    ``counts`` covers user and vendor objects, ``folded`` system and builtin ones (CHK-23). ``original_severity`` is set
    where the configuration changed the severity (CHK-14)."""

    id: str
    theme: str
    title: str
    severity: Severity
    verdict: Verdict
    counts: Counts
    folded: Counts = Counts()
    scope: str = "full"
    unseen: tuple[Unseen, ...] = ()
    description: str = ""
    remediation: str = ""
    references: tuple[Reference, ...] = ()
    original_severity: Severity | None = None


class AssumptionUse(Struct, frozen=True, order=True, omit_defaults=True):
    """An assumption a hop rests on and how it was answered."""

    name: str
    text: str
    answer: str = "assumed"


class Hop(Struct, frozen=True, omit_defaults=True):
    """One step of a path: who may do what to whom, and the proof (EXP-31, EXP-981).

    ``source`` and ``target`` are vertex keys, ``source_label`` and ``target_label`` what people read. ``fix`` says
    which field of which object closes the hop. ``rechecks`` are read-only kubectl lines."""

    row: str
    source: str
    target: str
    source_label: str
    target_label: str
    verb: str
    sentence: str
    state: State
    confidence: str
    effort: int
    evidence: tuple[Evidence, ...]
    assumptions: tuple[AssumptionUse, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    techniques: tuple[str, ...] = ()
    fix: str = ""
    rechecks: tuple[str, ...] = ()


class PathResult(Struct, frozen=True, omit_defaults=True):
    """The cheapest way from an entry to a crown jewel (EXP-972). ``id`` and ``route`` are those of EXP-979.

    ``state``: ``yes`` = reachable, ``unknown`` = only over hops that could not be decided.
    """

    id: str
    route: str
    entry: str
    entry_label: str
    jewel: str
    jewel_label: str
    jewel_kind: str
    state: State
    severity: Severity
    effort: int
    hops: tuple[Hop, ...]


class Cell(Struct, frozen=True, omit_defaults=True):
    """One cell of the overview matrix: from an entry kind to a jewel kind (EXP-973).

    ``state``: ``yes``, ``unknown`` or ``none`` (no path, and nothing needed was unread). ``count`` counts the
    workloads, or without any the subjects, that lead there; ``paths`` are ids."""

    entry: str
    jewel: str
    state: str
    count: int
    paths: tuple[str, ...] = ()
    entry_label: str = ""
    jewel_label: str = ""


class EntryPointRow(Struct, frozen=True, omit_defaults=True):
    """One line of the inventory of exposed endpoints (section 2.3 of exposure.md)."""

    key: str
    label: str
    object: ObjectRef
    source: str
    state: State
    address: str = ""
    ports: str = ""
    tls: str = "unknown"
    behind: tuple[str, ...] = ()


class AdminRow(Struct, frozen=True, omit_defaults=True):
    """A subject that is cluster-admin in effect, and through which binding and role."""

    subject: str
    binding: ObjectRef
    role: ObjectRef
    object_class: ObjectClass = ObjectClass.USER
    via: str = ""


class Tool(Struct, frozen=True):
    """What made the document."""

    name: str
    version: str
    bundle: str
    bundle_sha256: str


class Run(Struct, frozen=True, omit_defaults=True):
    """The run header (REP-03). Times are UTC, RFC 3339; ``duration`` is in seconds. ``complete`` is false after
    SIGTERM.

    ``reads`` are all lists that were asked for, with what each cost (PERF-08): measured, so that they differ from run
    to run."""

    tool: Tool
    start: str
    end: str
    duration: float
    source: str
    collected: str = ""
    complete: bool = True
    cluster_id: str = ""
    context: str = ""
    server_url: str = ""
    server_version: str = ""
    profile: str = ""
    cni: str = ""
    cni_evidence: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    config_sha256: str = ""
    namespaces: tuple[str, ...] = ()
    objects: dict[str, int] = {}
    requests: int = 0
    bytes: int = 0
    throttled: int = 0
    reads: tuple[Read, ...] = ()
    baseline: str = ""
    waivers: str = ""


class Coverage(Struct, frozen=True):
    """What was judged and what was not (CHK-08). ``ratio`` is evaluated / (evaluated + not evaluated), 0 to 1, over
    selected checks.
    """

    selected: int
    evaluated: int
    not_evaluated: int
    not_applicable: int
    ratio: float
    gaps: tuple[Gap, ...]
    disabled: dict[str, tuple[str, ...]] = {}
    grants: dict[str, str] = {}
    bad: tuple[BadDocument, ...] = ()


class ScanResult(Struct, frozen=True):
    """One scan, whole: the JSON document of schema ``kubeaudit.result/1``. Every field is written, so that ``schema``
    is (REP-08).
    """

    run: Run
    answer: tuple[str, ...]
    coverage: Coverage
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...] = ()
    matrix: tuple[Cell, ...] = ()
    paths: tuple[PathResult, ...] = ()
    entry_points: tuple[EntryPointRow, ...] = ()
    admins: tuple[AdminRow, ...] = ()
    settled: tuple[AssumptionUse, ...] = ()
    schema: str = SCHEMA


def short_hash(*parts: str) -> str:
    """First 16 hex digits of SHA-256 over the parts (EXP-979)."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def encode(result: ScanResult) -> bytes:
    """The document as JSON: sorted keys, same bytes for the same result (REP-04)."""
    return msgspec.json.encode(result, order="sorted")


def decode(data: bytes) -> ScanResult:
    """A document from its JSON. Raises ``msgspec.DecodeError`` where it is none."""
    return msgspec.json.decode(data, type=ScanResult)
