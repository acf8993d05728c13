"""Pod templates and pods (k8s.io/api core/v1 PodSpec), only the fields that are read."""

from msgspec import Raw, Struct

from kubeaudit.model.objects.meta import Metadata


class ContainerPort(
    Struct, frozen=True, rename={"container_port": "containerPort", "host_port": "hostPort", "host_ip": "hostIP"}
):
    """core/v1 ContainerPort; a port without a number, which the API server refuses, has 0."""

    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0
    host_ip: str = ""


class Container(Struct, frozen=True, rename="camel"):
    """core/v1 Container, also for init and ephemeral containers."""

    name: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str = ""


class TokenProjection(Struct, frozen=True, rename="camel"):
    """core/v1 ServiceAccountTokenProjection; an empty audience is that of the API server."""

    audience: str = ""
    path: str = ""


class ProjectedSource(Struct, frozen=True, rename="camel"):
    """core/v1 VolumeProjection."""

    service_account_token: TokenProjection | None = None


class Projected(Struct, frozen=True):
    """core/v1 ProjectedVolumeSource."""

    sources: tuple[ProjectedSource, ...] = ()


class Volume(Struct, frozen=True):
    """core/v1 Volume."""

    name: str = ""
    projected: Projected | None = None


class PodSpec(
    Struct,
    frozen=True,
    rename={
        "host_network": "hostNetwork",
        "service_account_name": "serviceAccountName",
        "service_account": "serviceAccount",
        "automount_service_account_token": "automountServiceAccountToken",
        "init_containers": "initContainers",
        "ephemeral_containers": "ephemeralContainers",
    },
):
    """core/v1 PodSpec."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    ephemeral_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    host_network: bool = False
    service_account_name: str = ""
    service_account: str = ""
    automount_service_account_token: bool | None = None

    @property
    def identity(self) -> str:
        """Name of the ServiceAccount the pod runs as: the deprecated field counts when alone, else ``default``."""
        return self.service_account_name or self.service_account or "default"


class PodIP(Struct, frozen=True):
    """core/v1 PodIP."""

    ip: str = ""


class PodStatus(Struct, frozen=True, rename={"pod_ip": "podIP", "pod_ips": "podIPs", "host_ip": "hostIP"}):
    """core/v1 PodStatus."""

    phase: str = ""
    pod_ip: str = ""
    pod_ips: tuple[PodIP, ...] = ()
    host_ip: str = ""


class PodObject(Struct, frozen=True):
    """core/v1 Pod as decoded: the spec stays raw, because equal specs are interned before they are decoded
    (PERF-04).
    """

    metadata: Metadata
    spec: Raw = Raw(b"{}")
    status: PodStatus = PodStatus()


class Template(Struct, frozen=True):
    """core/v1 PodTemplateSpec; the spec stays raw for the same reason."""

    metadata: Metadata = Metadata()
    spec: Raw = Raw(b"{}")
