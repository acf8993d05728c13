"""What a run was asked: the facts a team commits, what to select, and the bounds of the search."""

import hashlib
from enum import StrEnum

import msgspec
from msgspec import Struct


class Severity(StrEnum):
    """Severity of a check or path, worst first in ``ORDER`` (checks.md section 3)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical to 4 for info."""
        return _RANKS[self.value]


_RANKS = {severity.value: rank for rank, severity in enumerate(Severity)}


class Fact(StrEnum):
    """Answer to something the API does not show."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Facts(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """Assumption switches of EXP-974. ``yes`` and ``no`` are facts a team commits in kubeaudit.yaml; ``unknown`` stays
    open.

    ``rce`` and ``ssrf``: an exposed application has such a flaw (EXP-121, -122). ``ssrf_headers``: the forged request
    may carry headers. ``cloud_firewall_open``: the cloud's firewall lets traffic to node ports pass. ``cni_enforces``:
    the network plugin enforces NetworkPolicy (NET-77). ``anonymous_auth_on``: the API server admits anonymous callers.
    ``imds_hop_limit``: the hop limit of AWS's metadata service lets pods in; ``imds_v1``: it answers without a token
    (MD-01). ``api_server_public``: the API endpoint is open to the internet."""

    rce: Fact = Fact.YES
    ssrf: Fact = Fact.YES
    ssrf_headers: Fact = Fact.NO
    cloud_firewall_open: Fact = Fact.UNKNOWN
    cni_enforces: Fact = Fact.UNKNOWN
    anonymous_auth_on: Fact = Fact.UNKNOWN
    imds_hop_limit: Fact = Fact.UNKNOWN
    imds_v1: Fact = Fact.UNKNOWN
    api_server_public: Fact = Fact.UNKNOWN


class CrownJewel(Struct, frozen=True, forbid_unknown_fields=True):
    """A target declared by the user (EXP-968): a workload, Secret or namespace, with the severity of reaching it."""

    kind: str
    name: str
    namespace: str = ""
    severity: Severity = Severity.HIGH


class Gates(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """When a finished run ends with an exit code other than 0 (checks.md section 11). ``min_coverage`` is in
    percent.
    """

    fail_on: Severity | None = Severity.HIGH
    min_coverage: float = 0.0
    strict: bool = False


class Limits(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """Bounds of the path search (PERF-06): reaching one gives ``not-evaluated: limit``."""

    max_hops: int = 64


class Settings(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """What one run was asked (kubeaudit.yaml, overridden by flags).

    ``select`` and ``ignore`` hold check ids, themes and globs; ``namespaces`` limits the subjects reported, never what
    is read. ``show`` names the classes (system, builtin, vendor) that are listed instead of counted."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: dict[str, Severity] = {}
    facts: Facts = Facts()
    cni_profile: str = ""
    gates: Gates = Gates()
    crown_jewels: tuple[CrownJewel, ...] = ()
    limits: Limits = Limits()
    namespaces: tuple[str, ...] = ()
    show: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 of the settings in canonical JSON: the configuration hash of the run header (REP-03)."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()
