"""Tables of load balancers, ingress controllers, metadata endpoints and operators: data, not code."""

from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")


class Switch(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """An annotation that decides the scheme: internal when it has one of the values, or any but one of ``unless``.

    ``absent`` is the scheme where the annotation is not there ("" = the row's default). ``json_type`` reads the value
    as JSON and compares its field ``type``."""

    annotation: str
    internal: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    absent: str = ""
    json_type: bool = False


class LoadBalancerRow(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One implementation of load balancers (LB-01..20): how it is recognised and when it is internal.

    ``serves`` is ``service`` or ``ingress``; ``default`` is ``public``, ``internal`` or ``unknown``. ``limits`` are
    annotations that list who may connect (EXP-93). Of the rows of one provider the first is the one that serves where
    nothing tells."""

    id: str
    serves: str
    name: str
    default: str
    provider: str = ""
    classes: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    recognised_by: tuple[Switch, ...] = ()
    switches: tuple[Switch, ...] = ()
    limits: tuple[str, ...] = ()


class ControllerRow(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One ingress controller that runs in the cluster: its IngressClass controller names, image repositories and
    classes.
    """

    name: str
    controllers: tuple[str, ...]
    images: tuple[str, ...]
    classes: tuple[str, ...] = ()


class MetadataAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a metadata service answers."""

    ip: str
    port: int = 80


class RewrittenAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """What a node may put in place of a metadata address: ``ip`` "" is the node's own. ``plugin`` is the network plugin
    with which it does ("" = any).
    """

    port: int
    ip: str = ""
    plugin: str = ""


class MetadataProxy(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A proxy on the host network that answers in place of the metadata service (NET-153).

    Connections to the service are sent to ``port`` of the node, or to the one that ``port_argument`` gives.
    ``rewrites_with`` is the argument without which it leaves that to others, ``not_with`` the one of another part of
    the same program.
    """

    name: str
    provider: str
    image: str
    port: int
    port_argument: str
    rewrites_with: str = ""
    not_with: str = ""


class MetadataRow(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One metadata service (MD-01..25).

    ``grade``: S = a plain GET is enough, H = needs a header, PUT or token. ``gives``: N node identity, U user data, P
    pod identity. ``pods`` says what pods meet beside policies: ``open``, ``hop-limit``, ``tokens``, ``unknown`` or
    ``never`` (host network only). ``assumes`` is what a provider may switch without showing it; ``intercepted_by`` the
    node label of a service that answers instead; ``rewritten`` are addresses that the node may put in place of the
    service's own (EXP-307), and does where it has one of the labels ``concealed_by`` (NET-151)."""

    id: str
    provider: str
    name: str
    addresses: tuple[MetadataAddress, ...]
    grade: str
    gives: str
    pods: str
    note: str = ""
    assumes: str = ""
    intercepted_by: str = ""
    rewritten: tuple[RewrittenAddress, ...] = ()
    concealed_by: tuple[str, ...] = ()


class OperatorRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One operator: how its image is recognised, the resources it acts on by API group, and what it does for them."""

    name: str
    images: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    power: str


@cache
def load_balancers() -> tuple[LoadBalancerRow, ...]:
    """The rows LB-01..20 of exposure.md section 2.1."""
    return _read("load_balancers.json", tuple[LoadBalancerRow, ...])


@cache
def controllers() -> tuple[ControllerRow, ...]:
    """Ingress controllers that run as pods."""
    return _read("ingress_controllers.json", tuple[ControllerRow, ...])


@cache
def metadata() -> tuple[MetadataRow, ...]:
    """The rows MD-01..25 of exposure-cloud.md section 4.1 (EXP-301)."""
    return _read("metadata.json", tuple[MetadataRow, ...])


@cache
def metadata_proxies() -> tuple[MetadataProxy, ...]:
    """Programs that stand before a metadata service."""
    return _read("metadata_proxies.json", tuple[MetadataProxy, ...])


@cache
def operators() -> tuple[OperatorRow, ...]:
    """Controllers that act for whoever writes their custom resources (EXP-902)."""
    return _read("operators.json", tuple[OperatorRow, ...])


def _read(name: str, kind: type[T]) -> T:
    return msgspec.json.decode(resources.files(__name__).joinpath(name).read_bytes(), type=kind)
