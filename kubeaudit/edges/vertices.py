"""Vertices that several families lead to: aggregates, nodes, and gains that are no object (EXP-09..20)."""

from msgspec import Struct

from kubeaudit.refs import Facet, Vertex, VertexKind

SERVICE_ACCOUNT, SECRET, CONFIG_MAP, ROLE = "ServiceAccount", "Secret", "ConfigMap", "Role"
WORKLOAD, NODE, USER, GROUP, IDENTITY = "WorkloadClass", "Node", "User", "Group", "Identity"
"""Kinds that aggregates are made of; an identity is a ServiceAccount, a User, a Group or a node."""
NS_ADMIN = "ns-admin"
_NEW = "@%"
"""Stands in a grant's name for a binding that somebody may make; no object's name holds a percent sign."""


def every(kind: str, namespace: str = "", facet: Facet = Facet.NONE) -> Vertex:
    """All objects of a kind, in a namespace or in the cluster (EXP-21)."""
    return Vertex(VertexKind.AGGREGATE, namespace, kind, facet)


def workloads(namespace: str = "") -> Vertex:
    """Code in all workloads of a namespace, or of the cluster."""
    return every(WORKLOAD, namespace, Facet.CTL)


def traffic_to_workloads(namespace: str = "") -> Vertex:
    """Connections to all workloads of a namespace, or of the cluster."""
    return every(WORKLOAD, namespace, Facet.NET)


def workloads_of_node(name: str) -> Vertex:
    """Code in all workloads with a pod on a node (RBAC-74)."""
    return every(f"{WORKLOAD}@{name}", facet=Facet.CTL)


def node(name: str, facet: Facet = Facet.NONE) -> Vertex:
    """A node: with facet ``ctl`` control over it, without the identity of its kubelet."""
    return Vertex(VertexKind.NODE, "", name, facet)


NODE_ROOT = every(NODE, facet=Facet.CTL)
"""Control over every node that pods may land on (EXP-22, EXP-963)."""


def user(name: str) -> Vertex:
    """A user (EXP-11)."""
    return Vertex(VertexKind.USER, "", name)


def secret(namespace: str, name: str) -> Vertex:
    """A Secret by its name; without a namespace those of this name in all of them (EXP-13)."""
    return Vertex(VertexKind.SECRET, namespace, name)


def ns_admin(namespace: str) -> Vertex:
    """Everything in a namespace, or in every one (EXP-20)."""
    return Vertex(VertexKind.SINK, namespace, NS_ADMIN)


def outcome(name: str, namespace: str = "") -> Vertex:
    """What an attacker gains that leads no further, e.g. ``traffic`` of a namespace (EXP-20)."""
    return Vertex(VertexKind.SINK, namespace, name)


class NewGrant(Struct, frozen=True):
    """A role that somebody may bind: in ``scope``, in the cluster without one, or ``everywhere`` in each namespace.

    ``namespace`` is that of a Role, "" for a ClusterRole.
    """

    kind: str
    namespace: str
    name: str
    scope: str
    everywhere: bool = False

    @property
    def binding(self) -> str:
        """The kind of the binding."""
        return "RoleBinding" if self.scope or self.everywhere else "ClusterRoleBinding"

    @property
    def vertex(self) -> Vertex:
        """What the role amounts to through that binding (EXP-12)."""
        return Vertex(VertexKind.GRANT, self.scope, f"{self.kind}/{self.name}{_NEW}{self.binding}")


def new_grant(vertex: Vertex) -> NewGrant | None:
    """The grant that a vertex stands for if its binding does not exist yet."""
    role, mark, binding = vertex.name.partition(_NEW)
    if vertex.kind is not VertexKind.GRANT or not mark:
        return None
    kind, _, name = role.partition("/")
    namespace = vertex.namespace if kind == "Role" else ""
    return NewGrant(kind, namespace, name, vertex.namespace, binding == "RoleBinding" and not vertex.namespace)
