"""DestinationRules by which callers of the mesh send no certificate of it (NET-140).

A caller with a sidecar speaks mutual TLS to workloads of the mesh, unless a DestinationRule for the Service it asks for
says otherwise. Which Service a caller asks for, and which of several rules it reads, no object shows: so its identity
is not known then.
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.istio import DESTINATION_RULES, DestinationRule
from kubeaudit.model.selectors import index, mask_of
from kubeaudit.proof import Evidence, Path, field
from kubeaudit.refs import ObjectRef

_GROUP = "networking.istio.io"
_DOMAIN = "svc.cluster.local"
_OF_THE_MESH = ("ISTIO_MUTUAL", "")


class OwnTls(Struct, frozen=True):
    """Callers that perhaps send no certificate of the mesh to some classes, as masks. ``evidence`` is the field that
    has it so; ``unseen`` says that the rules were not read.
    """

    callers: int
    subjects: int
    evidence: Evidence | None = None
    unseen: Unseen | None = None


def own_tls(cluster: Cluster) -> tuple[OwnTls, ...]:
    """Every DestinationRule that sets how callers encrypt, with the pods behind the Services it is for."""
    every = mask_of(range(len(cluster.classes)))
    gap = cluster.complete.gap(DESTINATION_RULES)
    found = (
        [OwnTls(every, every, unseen=Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail))] if gap else []
    )
    rules = cluster.held(DESTINATION_RULES, DestinationRule)
    behind = _behind(cluster) if rules else {}
    for rule in rules:
        ref = ObjectRef("DestinationRule", rule.metadata.namespace, rule.metadata.name, _GROUP)
        for path, mode in _modes(rule):
            if mode not in _OF_THE_MESH:
                subjects = 0
                for (namespace, name), classes in behind.items():
                    subjects |= classes if _is_for(rule, namespace, name) else 0
                if subjects:
                    found.append(OwnTls(_callers(cluster, rule), subjects, field(ref, path, mode)))
                break
    return tuple(found)


def _modes(rule: DestinationRule) -> Iterator[tuple[Path, str]]:
    """Every TLS mode that a rule sets: for its host, for a port, for a subset."""
    yield ("spec", "trafficPolicy", "tls", "mode"), rule.spec.traffic_policy.tls.mode
    for number, port in enumerate(rule.spec.traffic_policy.port_level_settings):
        yield ("spec", "trafficPolicy", "portLevelSettings", number, "tls", "mode"), port.tls.mode
    for number, subset in enumerate(rule.spec.subsets):
        path: Path = ("spec", "subsets", number, "trafficPolicy")
        yield (*path, "tls", "mode"), subset.traffic_policy.tls.mode
        for place, port in enumerate(subset.traffic_policy.port_level_settings):
            yield (*path, "portLevelSettings", place, "tls", "mode"), port.tls.mode


def _is_for(rule: DestinationRule, namespace: str, name: str) -> bool:
    """Whether the host of a rule is a Service. A name without dots is one of the namespace of the rule."""
    host, full = rule.spec.host, f"{name}.{namespace}.{_DOMAIN}"
    if host.startswith("*"):
        return full.endswith(host[1:])
    if "." not in host:
        return (host, rule.metadata.namespace) == (name, namespace)
    return full == host or full.startswith(f"{host}.") or host.startswith(f"{name}.{namespace}.svc.")


def _callers(cluster: Cluster, rule: DestinationRule) -> int:
    """The pods that may read a rule, by the namespaces it is exported to and the pods it selects."""
    spec, own = rule.spec, rule.metadata.namespace
    spaces = {own if space == "." else space for space in spec.export_to}
    selected = spec.workload_selector.match_labels if spec.workload_selector else {}
    if selected:
        spaces = {own}
    return mask_of(
        cls.index
        for cls in cluster.classes
        if (not spaces or "*" in spaces or cls.namespace in spaces) and selected.items() <= dict(cls.labels).items()
    )


def _behind(cluster: Cluster) -> dict[tuple[str, str], int]:
    """The classes that Services with a selector lead to, by namespace and name of the Service."""
    labels = index([dict(cls.labels) for cls in cluster.classes])
    members: dict[str, list[int]] = {}
    for cls in cluster.classes:
        members.setdefault(cls.namespace, []).append(cls.index)
    return {(s.metadata.namespace, s.metadata.name): _selected(s, labels.labels, members) for s in cluster.services}


def _selected(service: Service, labels: dict[tuple[str, str], int], members: dict[str, list[int]]) -> int:
    found = mask_of(members.get(service.metadata.namespace, ())) if service.spec.selector else 0
    for pair in service.spec.selector.items():
        found &= labels.get(pair, 0)
    return found
