"""Kinds of Calico (projectcalico.org/v3, stored as crd.projectcalico.org/v1), only the fields that are read.

Both groups have the same fields. Selectors are kept as text; :mod:`kubeaudit.model.calico_selector` parses them.
"""

from msgspec import Struct

from kubeaudit.model.objects.meta import Labels, Metadata

Number = int | str
"""A port (``80``, ``1:10`` or a name) or a protocol (``TCP`` or a number)."""


class ServiceAccountMatch(Struct, frozen=True, omit_defaults=True):
    """ServiceAccountMatch: names and selector are ANDed."""

    names: tuple[str, ...] = ()
    selector: str = ""


class ServiceMatch(Struct, frozen=True, omit_defaults=True):
    """ServiceMatch."""

    name: str = ""
    namespace: str = ""


class EntityRule(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """EntityRule: one end of the connections a rule matches; empty matches every end."""

    nets: tuple[str, ...] = ()
    selector: str = ""
    namespace_selector: str = ""
    services: ServiceMatch | None = None
    ports: tuple[Number, ...] = ()
    not_nets: tuple[str, ...] = ()
    not_selector: str = ""
    not_ports: tuple[Number, ...] = ()
    service_accounts: ServiceAccountMatch | None = None


class ICMPFields(Struct, frozen=True, omit_defaults=True):
    """ICMPFields."""

    type: int | None = None
    code: int | None = None


class HTTPMatch(Struct, frozen=True):
    """HTTPMatch; that a rule has one is all that is looked at."""


class Rule(
    Struct,
    frozen=True,
    omit_defaults=True,
    rename={"ip_version": "ipVersion", "not_protocol": "notProtocol", "not_icmp": "notICMP"},
):
    """Rule."""

    action: str = ""
    ip_version: int | None = None
    protocol: Number | None = None
    icmp: ICMPFields | None = None
    not_protocol: Number | None = None
    not_icmp: ICMPFields | None = None
    source: EntityRule = EntityRule()
    destination: EntityRule = EntityRule()
    http: HTTPMatch | None = None


class PolicySpec(
    Struct,
    frozen=True,
    rename={
        "service_account_selector": "serviceAccountSelector",
        "namespace_selector": "namespaceSelector",
        "do_not_track": "doNotTrack",
        "pre_dnat": "preDNAT",
        "apply_on_forward": "applyOnForward",
    },
):
    """NetworkPolicySpec and GlobalNetworkPolicySpec; the last four fields are the latter's."""

    tier: str = ""
    order: float | None = None
    selector: str = ""
    types: tuple[str, ...] = ()
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    service_account_selector: str = ""
    namespace_selector: str = ""
    do_not_track: bool = False
    pre_dnat: bool = False
    apply_on_forward: bool = False


class CalicoPolicy(Struct, frozen=True):
    """NetworkPolicy (with a namespace) and GlobalNetworkPolicy (without)."""

    metadata: Metadata
    spec: PolicySpec = PolicySpec()


class TierSpec(Struct, frozen=True, rename="camel"):
    """TierSpec."""

    order: float | None = None
    default_action: str = ""


class Tier(Struct, frozen=True):
    """Tier."""

    metadata: Metadata
    spec: TierSpec = TierSpec()


class ProfileSpec(Struct, frozen=True, rename="camel"):
    """ProfileSpec."""

    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    labels_to_apply: Labels = {}


class Profile(Struct, frozen=True):
    """Profile; Calico gives pods ``kns.<namespace>`` and ``ksa.<namespace>.<service account>``."""

    metadata: Metadata
    spec: ProfileSpec = ProfileSpec()


class NetworkSetSpec(Struct, frozen=True):
    """NetworkSetSpec and GlobalNetworkSetSpec."""

    nets: tuple[str, ...] = ()


class NetworkSet(Struct, frozen=True):
    """NetworkSet (with a namespace) and GlobalNetworkSet (without)."""

    metadata: Metadata
    spec: NetworkSetSpec = NetworkSetSpec()


class EndpointPort(Struct, frozen=True):
    """EndpointPort: a port name of a host endpoint."""

    name: str = ""
    protocol: Number = ""
    port: int = 0


class HostEndpointSpec(Struct, frozen=True, rename={"expected_ips": "expectedIPs", "interface_name": "interfaceName"}):
    """HostEndpointSpec."""

    node: str = ""
    interface_name: str = ""
    expected_ips: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class HostEndpoint(Struct, frozen=True):
    """HostEndpoint: one interface of a node that host policies protect, or all of them (``*``)."""

    metadata: Metadata
    spec: HostEndpointSpec = HostEndpointSpec()


class ProtoPort(Struct, frozen=True):
    """ProtoPort: a port that is open whatever policies say, for a network where it names one."""

    protocol: str = ""
    port: int = 0
    net: str = ""


class FelixConfigurationSpec(Struct, frozen=True, rename="camel"):
    """FelixConfigurationSpec; without lists of failsafe ports the default ones hold, empty ones are none."""

    default_endpoint_to_host_action: str = ""
    bpf_enabled: bool | None = None
    failsafe_inbound_host_ports: tuple[ProtoPort, ...] | None = None
    failsafe_outbound_host_ports: tuple[ProtoPort, ...] | None = None


class FelixConfiguration(Struct, frozen=True):
    """FelixConfiguration: ``default`` holds for the cluster, ``node.<name>`` for one node."""

    metadata: Metadata
    spec: FelixConfigurationSpec = FelixConfigurationSpec()
