"""Is a load balancer public? The order of proof of exposure.md section 2.1 (EXP-90..94)."""

import ipaddress
import json
from enum import StrEnum

from msgspec import Struct

from kubeaudit.edges.tables import LoadBalancerRow, Switch, load_balancers
from kubeaudit.model.nodes import is_public, parse
from kubeaudit.model.objects.core import LoadBalancerStatus, Service
from kubeaudit.model.objects.networking import Ingress
from kubeaudit.proof import Assumption, Confidence, Evidence, field, missing
from kubeaudit.refs import ObjectRef

UPSTREAM_NAT = Assumption(
    "no-upstream-nat", "no address translation in front of the cluster makes the private address public"
)
NO_ALLOW_LIST = Assumption("no-cloud-firewall", "no cloud firewall in front of the load balancer closes the port")
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ALB = "LB-03"


class Scheme(StrEnum):
    """Who can reach a load balancer."""

    PUBLIC = "public"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class Ruling(Struct, frozen=True):
    """The scheme of one load balancer and what decides it. ``reason`` says why it is unknown; ``addresses`` are those
    of its status.
    """

    scheme: Scheme
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    addresses: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    reason: str = ""


def of_service(service: Service, provider: str) -> Ruling:
    """The scheme of a Service of type LoadBalancer; ``provider`` is that of the cluster's nodes, "" where it is not
    known.
    """
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    row = _service_row(service, provider)
    return _rule(ref, service.metadata.annotations, service.status.load_balancer, row)


def of_ingress(ingress: Ingress, row: LoadBalancerRow) -> Ruling:
    """The scheme of an Ingress that a cloud's controller serves."""
    ref = ObjectRef("Ingress", ingress.metadata.namespace, ingress.metadata.name, "networking.k8s.io")
    return _rule(ref, ingress.metadata.annotations, ingress.status.load_balancer, row)


Limit = tuple[tuple[str, ...], Evidence | None]
"""Client ranges, sorted, and the field that lists them; empty where everyone may connect."""


def source_ranges(service: Service, provider: str) -> Limit:
    """Client ranges a load balancer is limited to (EXP-93)."""
    ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
    ranges = tuple(sorted(r.strip() for r in service.spec.load_balancer_source_ranges if r.strip()))
    if ranges:
        return ranges, field(ref, ("spec", "loadBalancerSourceRanges"), list(service.spec.load_balancer_source_ranges))
    row = _service_row(service, provider)
    return _limit(ref, service.metadata.annotations, (_SOURCE_RANGES, *(row.limits if row else ())))


def ingress_ranges(ingress: Ingress, row: LoadBalancerRow) -> Limit:
    """Client ranges that the load balancer of an Ingress is limited to (LB-03)."""
    ref = ObjectRef("Ingress", ingress.metadata.namespace, ingress.metadata.name, "networking.k8s.io")
    return _limit(ref, ingress.metadata.annotations, row.limits)


def _limit(ref: ObjectRef, annotations: dict[str, str], names: tuple[str, ...]) -> Limit:
    for name in names:
        words = (
            word.strip().removeprefix("ip:").removeprefix("cidr:") for word in annotations.get(name, "").split(",")
        )
        ranges = tuple(sorted(word for word in words if word))
        if ranges:
            return ranges, field(ref, ("metadata", "annotations", name), annotations[name])
    return (), None


def is_whole(ranges: tuple[str, ...]) -> bool:
    """Whether ranges are no limit: together they hold half of the addresses of a family or more (EXP-02)."""
    networks = [network for text in ranges if (network := _network(text)) is not None]
    v4 = ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network))
    return sum(n.num_addresses for n in v4) >= 1 << 31 or sum(n.num_addresses for n in v6) >= 1 << 127


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _rule(
    ref: ObjectRef, annotations: dict[str, str], status: LoadBalancerStatus, row: LoadBalancerRow | None
) -> Ruling:
    declared, told_by = _declared(ref, annotations, row)
    addresses = tuple(item.ip or item.hostname for item in status.ingress)
    numbers = [(n, item.ip) for n, item in enumerate(status.ingress) if parse(item.ip)]
    if numbers:
        return _by_address(ref, numbers, addresses, declared, told_by)
    if any(item.hostname for item in status.ingress):
        return _by_name(ref, addresses, declared, told_by, row)
    absent = missing(ref, ("status", "loadBalancer", "ingress"), "declared, not provisioned")
    if declared is Scheme.INTERNAL:
        return Ruling(declared, Confidence.ENV, (*told_by, absent))
    reason = (
        _why_unknown(row) if declared is Scheme.UNKNOWN else "declared, not provisioned: its status has no address yet"
    )
    return Ruling(Scheme.UNKNOWN, Confidence.ENV, (absent, *told_by), reason=reason)


def _by_name(
    ref: ObjectRef, names: tuple[str, ...], declared: Scheme, told_by: tuple[Evidence, ...], row: LoadBalancerRow | None
) -> Ruling:
    """Only host names: those of AWS show an internal load balancer, but for the network one; else the annotations
    decide (EXP-91).
    """
    told = [number for number, name in enumerate(names) if name]
    number = next((number for number in told if not _internal_name(names[number])), told[0])
    evidence = (field(ref, ("status", "loadBalancer", "ingress", number, "hostname"), names[number]), *told_by)
    if _internal_name(names[number]):
        return Ruling(Scheme.INTERNAL, Confidence.ENV, evidence, names)
    if declared is Scheme.INTERNAL and row is not None and row.id == _ALB and all(item.absent for item in told_by):
        reason = f"{row.name} is internal by default, but its host name does not begin with internal-"
        return Ruling(Scheme.UNKNOWN, Confidence.ENV, evidence, names, reason=reason)
    if declared is Scheme.UNKNOWN:
        return Ruling(declared, Confidence.ENV, evidence, names, reason=_why_unknown(row))
    return Ruling(declared, Confidence.ENV, evidence, names, (NO_ALLOW_LIST,) if declared is Scheme.PUBLIC else ())


def _internal_name(name: str) -> bool:
    return name.startswith("internal-") and name.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _by_address(
    ref: ObjectRef,
    numbers: list[tuple[int, str]],
    addresses: tuple[str, ...],
    declared: Scheme,
    told_by: tuple[Evidence, ...],
) -> Ruling:
    """Address beats annotation; one public address is enough (EXP-90)."""
    number, ip = next(((n, ip) for n, ip in numbers if is_public(ip)), numbers[0])
    scheme = Scheme.PUBLIC if is_public(ip) else Scheme.INTERNAL
    contradicts = declared is not Scheme.UNKNOWN and declared is not scheme
    note = f"the annotations say {declared}; the address decides" if contradicts and told_by else ""
    shown = field(ref, ("status", "loadBalancer", "ingress", number, "ip"), ip, note)
    evidence = (shown, *told_by) if note else (shown,)
    assumptions = (UPSTREAM_NAT,) if scheme is Scheme.INTERNAL else ()
    return Ruling(scheme, Confidence.OBJ, evidence, addresses, assumptions)


def _declared(
    ref: ObjectRef, annotations: dict[str, str], row: LoadBalancerRow | None
) -> tuple[Scheme, tuple[Evidence, ...]]:
    """What the object declares, by the row of its implementation (LB-01..20)."""
    if row is None:
        return Scheme.UNKNOWN, ()
    for switch in row.switches:
        if switch.annotation in annotations:
            where = ("metadata", "annotations", switch.annotation)
            value = annotations[switch.annotation]
            return _scheme(switch, value), (field(ref, where, value, row.name),)
    last = row.switches[-1] if row.switches else None
    default = Scheme(last.absent) if last is not None and last.absent else Scheme(row.default)
    names = [
        missing(ref, ("metadata", "annotations", switch.annotation), f"default of {row.name}")
        for switch in row.switches[:1]
    ]
    return default, tuple(names)


def _scheme(switch: Switch, value: str) -> Scheme:
    if switch.json_type:
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict) or "type" not in parsed:
            return Scheme.UNKNOWN
        value = str(parsed["type"])
    return Scheme.INTERNAL if _matches(switch, value) else Scheme.PUBLIC


def _matches(switch: Switch, value: str) -> bool:
    return value in switch.internal if switch.internal else value not in switch.unless


def _service_row(service: Service, provider: str) -> LoadBalancerRow | None:
    """The implementation that serves a Service: its class, an annotation only one implementation reads, else the nodes'
    cloud.

    Where the nodes show their cloud, annotations of others say nothing: charts set those of every cloud at once.
    """
    every = [row for row in load_balancers() if row.serves == "service"]
    known = provider in {row.provider for row in every} and bool(provider)
    rows = [row for row in every if row.provider in ("", provider)] if known else every
    annotations = service.metadata.annotations
    wanted = service.spec.load_balancer_class
    if wanted:
        return next((row for row in every if wanted in row.classes), None)
    for row in rows:
        if any(s.annotation in annotations and _matches(s, annotations[s.annotation]) for s in row.recognised_by):
            return row
    for row in rows:
        if any(s.annotation in annotations for s in row.switches):
            return row
    return next((row for row in rows if provider and row.provider == provider), None)


def _why_unknown(row: LoadBalancerRow | None) -> str:
    if row is None:
        return "no class, annotation or provider tells which implementation serves it"
    return f"{row.name} ({row.id}) does not show its scheme in the object"
