"""How an object and a vertex are named, in every stage and every output."""

from enum import StrEnum

from msgspec import Struct


class ObjectRef(Struct, frozen=True, order=True, gc=False):
    """Names one Kubernetes object: ``kind``, ``namespace`` ("" when cluster-scoped), ``name`` and API ``group`` ("" =
    core).
    """

    kind: str
    namespace: str
    name: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class VertexKind(StrEnum):
    """Kinds of vertices (EXP-01..20). The value is the first part of a vertex key."""

    __hash__ = str.__hash__  # Enum's own is a function in Python, and vertices are hashed by the million.
    INTERNET = "internet"
    EXTERNAL_CIDR = "external-cidr"
    PRIVATE_NETWORK = "private"
    ANONYMOUS = "anonymous"
    ENTRY_POINT = "entry-point"
    SERVICE = "service"
    WORKLOAD = "workload"
    POD_NETWORK = "pod-network"
    NODE = "node"
    SERVICE_ACCOUNT = "service-account"
    USER = "user"
    GROUP = "group"
    GRANT = "grant"
    AGGREGATE = "all"
    SECRET = "secret"
    CLOUD_IDENTITY = "cloud-identity"
    METADATA = "metadata"
    API_SERVER = "api-server"
    KUBELET = "kubelet"
    ETCD = "etcd"
    SINK = "sink"


class Facet(StrEnum):
    """What an attacker has of a workload or node (EXP-07): traffic reaches it, it sends requests for him, he runs code
    in it.
    """

    __hash__ = str.__hash__
    NONE = ""
    NET = "net"
    SSRF = "ssrf"
    CTL = "ctl"


class Vertex(Struct, frozen=True, order=True, gc=False):
    """A vertex of the graph. Its key is stable from scan to scan: no pod names, UIDs, hashes of content or timestamps.

    ``name`` is the part after the namespace, e.g. ``Deployment/frontend`` for a workload, ``443`` for a port of a load
    balancer."""

    kind: VertexKind
    namespace: str = ""
    name: str = ""
    facet: Facet = Facet.NONE

    @property
    def key(self) -> str:
        """The stable name used in result documents, fingerprints and ties (EXP-979)."""
        parts = [str(self.kind), *(p for p in (self.namespace, self.name) if p)]
        return "/".join(parts) + (f".{self.facet}" if self.facet else "")

    def __str__(self) -> str:
        return self.key


INTERNET = Vertex(VertexKind.INTERNET)
PRIVATE_NETWORK = Vertex(VertexKind.PRIVATE_NETWORK)
ANONYMOUS = Vertex(VertexKind.ANONYMOUS)
CLUSTER_ADMIN = Vertex(VertexKind.SINK, "", "cluster-admin")
ALL_SECRETS = Vertex(VertexKind.SINK, "", "all-secrets")
