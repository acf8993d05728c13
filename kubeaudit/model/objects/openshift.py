"""Kinds of OpenShift, only the fields that are read."""

from msgspec import Struct

from kubeaudit.model.objects.meta import Metadata


class RouteBackend(Struct, frozen=True):
    """route/v1 RouteTargetReference: a Service; one of weight 0 gets no requests."""

    kind: str = "Service"
    name: str = ""
    weight: int | None = None


class RoutePort(Struct, frozen=True, rename="camel"):
    """route/v1 RoutePort: a port of the endpoints by name or number."""

    target_port: int | str = ""


class RouteSpec(Struct, frozen=True, rename="camel"):
    """route/v1 RouteSpec."""

    host: str = ""
    path: str = ""
    to: RouteBackend = RouteBackend()
    alternate_backends: tuple[RouteBackend, ...] = ()
    port: RoutePort | None = None


class Condition(Struct, frozen=True):
    """route/v1 RouteIngressCondition."""

    type: str = ""
    status: str = ""


class RouteIngress(Struct, frozen=True):
    """route/v1 RouteIngress: what one router made of a Route."""

    conditions: tuple[Condition, ...] = ()


class RouteStatus(Struct, frozen=True):
    """route/v1 RouteStatus."""

    ingress: tuple[RouteIngress, ...] = ()


class Route(Struct, frozen=True):
    """route/v1 Route."""

    metadata: Metadata
    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()
