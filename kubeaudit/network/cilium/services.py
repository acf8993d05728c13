"""The Services that ``toServices`` names, and what stands behind them (NET-112)."""

from collections.abc import Iterable, Iterator

from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.cilium import CiliumPolicy, Selector, ServicePeer, every_rule, items
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import InvalidSelectorError, index
from kubeaudit.network.cilium.places import SERVICE_NAME, usable


def services(cluster: Cluster, peer: ServicePeer, namespace: str) -> tuple[Service, ...]:
    """The Services of one item; what names no namespace by name means that of the policy."""
    found = cluster.services
    if peer.k8s_service is not None:
        name, within = peer.k8s_service.service_name, peer.k8s_service.namespace or namespace
        found = tuple(s for s in found if (s.metadata.namespace, s.metadata.name) == (within, name))
    if peer.k8s_service_selector is not None:
        within = peer.k8s_service_selector.namespace
        try:
            mask = index([s.metadata.labels for s in found]).select(plain(peer.k8s_service_selector.selector))
        except InvalidSelectorError:  # reported as a fault of the policy
            return ()
        found = tuple(
            s for n, s in enumerate(found) if mask >> n & 1 and (not within or s.metadata.namespace == within)
        )
    return found


def plain(selector: Selector | None) -> LabelSelector:
    """A selector of objects, whose keys have no sources."""
    if selector is None:
        return LabelSelector()
    terms = tuple(Requirement(t.key, t.operator, t.values or ()) for t in selector.match_expressions or ())
    return LabelSelector(selector.match_labels or {}, terms)


def addresses(cluster: Cluster) -> dict[tuple[str, str], list[str]]:
    """Addresses of the endpoints of every Service, by namespace and name."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in cluster.endpoint_slices:
        listed = found.setdefault((one.metadata.namespace, one.metadata.labels.get(SERVICE_NAME, "")), [])
        listed.extend(address for endpoint in one.endpoints for address in endpoint.addresses if usable(address))
    return found


def named_addresses(cluster: Cluster, policies: Iterable[CiliumPolicy]) -> Iterator[str]:
    """Addresses behind the Services that policies name and that have no selector."""
    peers = [(p, peer) for p in policies for rule in every_rule(p) for peer in items(rule.to_services)]
    listed = addresses(cluster) if peers else {}
    for policy, peer in peers:
        for service in services(cluster, peer, policy.metadata.namespace):
            if not service.spec.selector:
                yield from listed.get((service.metadata.namespace, service.metadata.name), ())
