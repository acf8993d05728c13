"""Kinds of security.istio.io/v1 that decide about connections, and DestinationRule, which decides whether callers show
who they are; only the fields that are read.
"""

from msgspec import Struct, field

from kubeaudit.model.looks import Looks
from kubeaudit.model.objects.meta import Labels, Metadata

DATAPLANE_MODE = "istio.io/dataplane-mode"
INJECT = "sidecar.istio.io/inject"
REVISION = "istio.io/rev"
DESTINATION_RULES = "destinationrules.networking.istio.io"
MEMBERSHIP = (DATAPLANE_MODE, INJECT, REVISION)
"""Labels of pods that decide whether they are in the mesh."""


class WorkloadSelector(Struct, frozen=True, rename="camel"):
    """type/v1beta1 WorkloadSelector."""

    match_labels: Labels = {}


class TargetRef(Struct, frozen=True):
    """type/v1beta1 PolicyTargetReference."""

    kind: str = ""
    name: str = ""


class Source(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """security/v1 Source: the fields of one are ANDed, the values of a field are ORed."""

    principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_request_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    not_service_accounts: tuple[str, ...] = ()
    ip_blocks: tuple[str, ...] = ()
    not_ip_blocks: tuple[str, ...] = ()
    remote_ip_blocks: tuple[str, ...] = ()
    not_remote_ip_blocks: tuple[str, ...] = ()


class From(Struct, frozen=True, omit_defaults=True):
    """security/v1 Rule.From."""

    source: Source = Source()


class Operation(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """security/v1 Operation."""

    hosts: tuple[str, ...] = ()
    not_hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    not_ports: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()


class To(Struct, frozen=True, omit_defaults=True):
    """security/v1 Rule.To."""

    operation: Operation = Operation()


class Condition(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """security/v1 Condition."""

    key: str = ""
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


class Rule(Struct, frozen=True, omit_defaults=True, rename={"sources": "from", "operations": "to"}):
    """security/v1 Rule."""

    sources: tuple[From, ...] = ()
    operations: tuple[To, ...] = ()
    when: tuple[Condition, ...] = ()


class AuthorizationPolicySpec(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """security/v1 AuthorizationPolicySpec; no action is ALLOW."""

    selector: WorkloadSelector = WorkloadSelector()
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    action: str = "ALLOW"
    rules: tuple[Rule, ...] = ()


class AuthorizationPolicy(Struct, frozen=True):
    """security.istio.io/v1 AuthorizationPolicy."""

    metadata: Metadata
    spec: AuthorizationPolicySpec = AuthorizationPolicySpec()


class MutualTLS(Struct, frozen=True):
    """security/v1 PeerAuthentication.MutualTLS."""

    mode: str = "UNSET"


class PeerAuthenticationSpec(Struct, frozen=True, rename="camel"):
    """security/v1 PeerAuthenticationSpec."""

    selector: WorkloadSelector | None = None
    mtls: MutualTLS = MutualTLS()
    port_level_mtls: dict[str, MutualTLS] = field(default_factory=dict)


class PeerAuthentication(Struct, frozen=True):
    """security.istio.io/v1 PeerAuthentication."""

    metadata: Metadata
    spec: PeerAuthenticationSpec = PeerAuthenticationSpec()


class ClientTls(Struct, frozen=True):
    """networking/v1 ClientTLSSettings."""

    mode: str = ""


class PortTrafficPolicy(Struct, frozen=True):
    """networking/v1 TrafficPolicy.PortTrafficPolicy."""

    tls: ClientTls = ClientTls()


class TrafficPolicy(Struct, frozen=True, rename="camel"):
    """networking/v1 TrafficPolicy."""

    tls: ClientTls = ClientTls()
    port_level_settings: tuple[PortTrafficPolicy, ...] = ()


class Subset(Struct, frozen=True, rename="camel"):
    """networking/v1 Subset."""

    traffic_policy: TrafficPolicy = TrafficPolicy()


class DestinationRuleSpec(Struct, frozen=True, rename="camel"):
    """networking/v1 DestinationRule."""

    host: str = ""
    traffic_policy: TrafficPolicy = TrafficPolicy()
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    workload_selector: WorkloadSelector | None = None


class DestinationRule(Struct, frozen=True):
    """networking.istio.io/v1 DestinationRule."""

    metadata: Metadata
    spec: DestinationRuleSpec = DestinationRuleSpec()


def destination_looks(rule: DestinationRule) -> Looks:
    """Labels of the callers it selects."""
    return Looks(frozenset(rule.spec.workload_selector.match_labels if rule.spec.workload_selector else ()))


def authorization_looks(policy: AuthorizationPolicy) -> Looks:
    """Labels of its selector and of what puts a pod in the mesh, and its blocks."""
    networks: set[str] = set()
    for rule in policy.spec.rules:
        for origin in rule.sources:
            networks.update((*origin.source.ip_blocks, *origin.source.not_ip_blocks))
        for condition in rule.when:
            if condition.key in ("source.ip", "destination.ip"):
                networks.update((*condition.values, *condition.not_values))
    return Looks(frozenset([*policy.spec.selector.match_labels, *MEMBERSHIP]), frozenset(networks))


def authentication_looks(policy: PeerAuthentication) -> Looks:
    """Labels of its selector and of what puts a pod in the mesh."""
    selected = policy.spec.selector.match_labels if policy.spec.selector else {}
    return Looks(frozenset([*selected, *MEMBERSHIP]))
