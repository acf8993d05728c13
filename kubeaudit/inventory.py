"""The inventory: what is exposed, with TLS evidence, and who is cluster-admin in effect (exposure.md 2.3, REP-37)."""

from collections.abc import Callable, Iterator

from kubeaudit.edges.context import Context, owner_ref
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.entrypoints import host_port_entry, host_ports
from kubeaudit.edges.ingresses import ref_of
from kubeaudit.findings import AdminRow, EntryPointRow
from kubeaudit.model.objects.networking import Ingress
from kubeaudit.proof import State
from kubeaudit.rbac.identities import MASTERS
from kubeaudit.refs import ObjectRef, Vertex, VertexKind

Label = Callable[[Vertex], str]


def entry_points(context: Context, edges: Iterator[Edge], label: Label) -> tuple[EntryPointRow, ...]:
    """One row per entry point and source, with what stands behind it (EXP-141..148, as far as it is read)."""
    into: dict[Vertex, list[Edge]] = {}
    out: dict[Vertex, list[Edge]] = {}
    for edge in edges:
        if edge.target.kind is VertexKind.ENTRY_POINT:
            into.setdefault(edge.target, []).append(edge)
        out.setdefault(edge.source, []).append(edge)
    ingresses = {(i.metadata.namespace, i.metadata.name): i for i in context.cluster.ingresses}
    owners = {
        host_port_entry(cls, port): owner_ref(context.cluster, cls)
        for cls in context.cluster.classes
        for _, port in host_ports(cls)
    }
    rows = [
        _row(vertex, edge, out, ingresses, owners, label)
        for vertex, found in into.items()
        for edge in found
        if edge.state is not State.BLOCKED
    ]
    return tuple(sorted(rows, key=lambda row: (row.key, row.source)))


def _row(
    vertex: Vertex,
    edge: Edge,
    out: dict[Vertex, list[Edge]],
    ingresses: dict[tuple[str, str], Ingress],
    owners: dict[Vertex, ObjectRef],
    label: Label,
) -> EntryPointRow:
    kind, name, detail = (*vertex.name.split("/", 2), "", "")[:3]
    ingress = ingresses.get((vertex.namespace, name)) if kind == "Ingress" else None
    ref = ref_of(ingress) if ingress else owners.get(vertex) or ObjectRef("Service", vertex.namespace, name)
    return EntryPointRow(
        key=vertex.key,
        label=label(vertex),
        object=ref,
        source=label(edge.source),
        state=edge.state,
        address=", ".join(
            e.value.strip('"') for e in edge.evidence if e.path and e.path[-1] in ("ip", "hostname", "address")
        ),
        ports="" if ingress else detail,
        tls=_tls(ingress, detail) if ingress else "unknown",
        behind=tuple(sorted(_behind(vertex, out, label))),
    )


def _tls(ingress: Ingress, where: str) -> str:
    """TLS at the edge (EXP-142): a tls entry that lists the host; an entry without hosts covers all."""
    host = where.partition("/")[0]
    covered = any(not entry.hosts or host in entry.hosts for entry in ingress.spec.tls)
    return "tls" if covered else "plaintext"


def _behind(vertex: Vertex, out: dict[Vertex, list[Edge]], label: Label) -> Iterator[str]:
    for edge in out.get(vertex, ()):
        if edge.target.kind is VertexKind.WORKLOAD:
            yield label(edge.target)
        elif edge.target.kind is VertexKind.SERVICE:
            for step in out.get(edge.target, ()):
                if step.state is not State.BLOCKED:
                    yield label(step.target) + ("" if step.state is State.YES else " (unknown)")


def admins(context: Context) -> tuple[AdminRow, ...]:
    """Every subject that a binding makes cluster-admin, by what the rules are and never by names."""
    rows = [
        AdminRow(
            str(subject), grant.binding, grant.role, grant.object_class, MASTERS if subject.group == MASTERS else ""
        )
        for grant in context.access.grants
        if grant.cluster_admin is not None
        for subject in grant.subjects
    ]
    return tuple(sorted(rows, key=lambda row: (row.object_class, row.subject, row.binding)))
