"""Which pods a service mesh stands in front of (NET-135, NET-141)."""

from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.core import ServicePort
from kubeaudit.model.objects.istio import DATAPLANE_MODE, INJECT, REVISION
from kubeaudit.model.objects.pods import Container
from kubeaudit.model.selectors import bits_of, index, mask_of
from kubeaudit.model.workloads import WorkloadClass
from kubeaudit.network.mesh.destinations import OwnTls, own_tls
from kubeaudit.settings import Fact

GROUP = "security.istio.io"
AUTHORIZATION = f"authorizationpolicies.{GROUP}"
AUTHENTICATION = f"peerauthentications.{GROUP}"
KINDS = frozenset([AUTHORIZATION, AUTHENTICATION])
"""Policies of a mesh, by key."""
IDENTITY, RULES, RULES_UNREAD = "mesh_identity", "mesh_destination_rule", "mesh_destination_rule_unread"
"""What leaves open whether a caller has a certificate."""
SIDECAR = "istio-proxy"
_INIT = ("istio-init", "istio-validation")
_EXCLUDE = ("-d", "--inbound-exclude-ports", "--istio-local-exclude-ports")
_ZTUNNEL = "ztunnel"
_INJECTION = "istio-injection"
_ROOT = "istio-system"
_PLAIN = ("tcp", "tls", "https", "mongo", "mysql", "redis")


class Mesh(Struct, frozen=True):
    """Masks of classes: ``inside`` for certain, ``perhaps`` not known, ``ambient`` those of both that a node's proxy
    serves, which knows nothing of HTTP. ``excluded`` are inbound ports past a sidecar, ``plain`` the classes by the
    ports on which a Service says that they speak no HTTP (NET-139). ``root`` is the namespace whose policies hold
    everywhere (NET-138). ``own_tls`` are the callers that perhaps send no certificate to some classes (NET-140).
    """

    inside: int
    perhaps: int
    ambient: int
    excluded: dict[int, tuple[int, ...]] = {}
    plain: dict[int, int] = {}
    root: str = _ROOT
    own_tls: tuple[OwnTls, ...] = ()

    def by_callers(self, classes: int) -> Iterator[tuple[int, int, str]]:
        """Classes by the callers of the mesh that perhaps send them no certificate, with the doubt this leaves. Callers
        of an ambient mesh always send theirs.
        """
        groups = {(0, IDENTITY): classes}
        for rule in self.own_tls:
            callers, doubt = rule.callers & self.inside & ~self.ambient, RULES_UNREAD if rule.unseen else RULES
            for (others, before), held in list(groups.items()) if callers else ():
                if inside := held & rule.subjects:
                    groups[others, before] = held & ~rule.subjects
                    key = (others | callers, doubt)
                    groups[key] = groups.get(key, 0) | inside
        yield from ((held, callers, doubt) for (callers, doubt), held in groups.items() if held)


class _Seen(Struct, frozen=True):
    """What shows of a mesh beside its sidecars. ``labels``: pods have the labels of ``MEMBERSHIP`` only where policies
    of a mesh were read; ``spaces``: the labels of namespaces were read.
    """

    ztunnel: bool
    labels: bool
    spaces: bool


def mesh(cluster: Cluster) -> Mesh:
    """Membership as running pods show it. Where there are none yet it is not known: injection happens at admission."""
    seen = _Seen(
        ztunnel=any(w.ref.kind == "DaemonSet" and w.ref.name == _ZTUNNEL for w in cluster.workloads),
        labels=any(cluster.policies.get(key) for key in KINDS),
        spaces=cluster.complete.gap("namespaces") is None,
    )
    facts = {cls.index: _member(cluster, cls, seen) for cls in cluster.classes}
    return Mesh(
        inside=mask_of(number for number, (fact, _) in facts.items() if fact is Fact.YES),
        perhaps=mask_of(number for number, (fact, _) in facts.items() if fact is Fact.UNKNOWN),
        ambient=mask_of(number for number, (_, ambient) in facts.items() if ambient),
        excluded={cls.index: ports for cls in cluster.classes if (ports := tuple(_excluded(cls)))},
        plain=_plain(cluster),
        root=_root(cluster),
        own_tls=own_tls(cluster),
    )


def _member(cluster: Cluster, cls: WorkloadClass, seen: _Seen) -> tuple[Fact, bool]:
    """Whether a class is in the mesh, and whether by an ambient one. No field of a running pod shows the latter."""
    if cls.shape.host_network:
        return Fact.NO, False
    if any(container.name == SIDECAR for container in (*cls.shape.containers, *cls.shape.init_containers)):
        return Fact.YES, False
    labels, around = dict(cls.labels), cluster.namespaces.get(cls.namespace, {})
    known = seen.labels and (seen.spaces or DATAPLANE_MODE in labels)
    if labels.get(DATAPLANE_MODE, around.get(DATAPLANE_MODE)) == "ambient":
        return (Fact.YES if seen.ztunnel and known else Fact.UNKNOWN), True
    if seen.ztunnel and not known:
        return Fact.UNKNOWN, True
    if cls.pods:
        return Fact.NO, False
    off = labels.get(INJECT) == "false" or (around.get(_INJECTION) == "disabled" and labels.get(INJECT) != "true")
    return (Fact.NO if off and seen.labels and REVISION not in labels else Fact.UNKNOWN), False


def _excluded(cls: WorkloadClass) -> Iterator[int]:
    """Inbound ports that the rules of the init container leave to the application."""
    for container in cls.shape.init_containers:
        if container.name in _INIT:
            yield from _numbers(container)


def _numbers(container: Container) -> Iterator[int]:
    words = (*container.command, *container.args)
    for word, value in pairwise(words):
        if word in _EXCLUDE:
            yield from (int(number) for number in value.split(",") if number.isdecimal())


def _plain(cluster: Cluster) -> dict[int, int]:
    """Ports that a Service names after a protocol other than HTTP, with the classes behind it."""
    labels = index([dict(cls.labels) for cls in cluster.classes])
    members = {name: mask_of(c.index for c in cluster.classes if c.namespace == name) for name in _serving(cluster)}
    found: dict[int, list[int]] = {}
    for service in cluster.services:
        behind = members.get(service.metadata.namespace, 0) if service.spec.selector else 0
        for pair in service.spec.selector.items():
            behind &= labels.labels.get(pair, 0)
        for port in service.spec.ports:
            if _says_plain(port):
                for number in bits_of(behind):
                    for target in _targets(port, cluster.classes[number]):
                        found.setdefault(target, []).append(number)
    return {number: mask_of(classes) for number, classes in found.items()}


def _serving(cluster: Cluster) -> frozenset[str]:
    """Namespaces of Services that have a port without HTTP."""
    return frozenset(s.metadata.namespace for s in cluster.services if any(map(_says_plain, s.spec.ports)))


def _says_plain(port: ServicePort) -> bool:
    return port.protocol == "TCP" and (port.app_protocol or port.name).partition("-")[0].lower() in _PLAIN


def _targets(port: ServicePort, cls: WorkloadClass) -> Iterator[int]:
    if isinstance(port.target_port, str) and not port.target_port.isdecimal():
        yield from (d.container_port for c in cls.shape.containers for d in c.ports if d.name == port.target_port)
    else:
        yield int(port.target_port or port.port)


def _root(cluster: Cluster) -> str:
    """The namespace of the control plane; ``istio-system`` where it does not show."""
    found = (
        w.ref.namespace for w in cluster.workloads if w.ref.kind == "Deployment" and w.ref.name.startswith("istiod")
    )
    return next(found, _ROOT)
