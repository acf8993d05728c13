"""What upstream makes of an Ingress, and the pods that it adds where files lack them (network.md, 8.2)."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
CALICO = "projectcalico.org/v3"
GATEWAYS = ("ingressgateway", "egressgateway")
"""What the label ``istio`` of a gateway's pods says, for ways in and out; upstream looks at no others."""
_TIER = "ingress"
_CONTROLLER_NAMESPACE = "ingress-controller-ns"
_DNS = {"k8s-app": "kube-dns"}
_NAMESPACE_NAMES = ("name", "kubernetes.io/metadata.name")
_KNOWN_CONTROLLER = "ingress-nginx"
"""Part of the name of the Service by which upstream knows an ingress controller."""


def simulated(policies: list[Object], topology: list[Object]) -> Iterator[Object]:
    """An ingress controller, the gateways of Istio and the cluster's name server, where policies ask for them and no
    file has them.
    """
    kinds = {policy["kind"] for policy in policies}
    if "Ingress" in kinds and not any(map(_is_controller, topology)):
        yield _pod("ingress-controller-livesim", _CONTROLLER_NAMESPACE, {})
    selectors = [policy["spec"].get("selector", {}) for policy in policies if policy["kind"] == "Gateway"]
    labels = [_labels(found) for found in topology]
    for gateway in GATEWAYS:
        name, space = f"istio-{gateway}", "istio-system"
        missing = [s for s in selectors if not any(s.items() <= held.items() for held in labels)]
        if any(value in (gateway, name) for selector in missing for value in selector.values()):
            yield _pod(f"{name}-livesim", space, {"app": name, "istio": gateway})
            spec = {"selector": {"istio": gateway}, "ports": [{"port": 443, "protocol": "TCP"}]}
            yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec}
    wanted = [found for policy in policies if policy["kind"] == "NetworkPolicy" for found in _matched(policy["spec"])]
    if any(map(_asks_for_dns, wanted)) and not any(_DNS.items() <= held.items() for held in labels):
        space = "kube-system"
        labelled = dict.fromkeys(_NAMESPACE_NAMES, space)
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labelled}}
        yield _pod("kube-dns-livesim", space, _DNS)


def _matched(value: Any) -> Iterator[Object]:
    """Labels that selectors anywhere in an object ask for."""
    for key, held in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == "matchLabels":
            yield held
        else:
            yield from _matched(held)


def _asks_for_dns(labels: dict[str, str]) -> bool:
    return _DNS.items() <= labels.items() or any(labels.get(name) == "kube-system" for name in _NAMESPACE_NAMES)


def _pod(name: str, space: str, labels: dict[str, str]) -> Object:
    meta = {"name": name, "namespace": space, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": []}, "status": {}}


def _labels(found: Object) -> dict[str, str]:
    """Labels of a pod, or of the pods of a workload."""
    holder = found if found["kind"] == "Pod" else found.get("spec", {}).get("template", {})
    return holder.get("metadata", {}).get("labels") or {}


def _is_controller(found: Object) -> bool:
    return found["kind"] == "Service" and _KNOWN_CONTROLLER in found["metadata"]["name"]


def ingress_policies(policies: list[Object], topology: list[Object]) -> Iterator[Object]:
    """Upstream an Ingress restricts its controllers to its backends, in a layer of its own: a tier here."""
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in topology if s["kind"] == "Service"}
    controllers = [pods_of(service) for service in services.values() if _is_controller(service)]
    yield tier(_TIER, 1)
    for policy in policies:
        if policy["kind"] == "Ingress":
            space = policy["metadata"]["namespace"]
            rules = [rule for backend in _backends(policy["spec"]) for rule in _to_backend(backend, space, services)]
            selector = " || ".join(controllers or [in_namespace(_CONTROLLER_NAMESPACE)])
            yield global_policy(_TIER, f"{space}-{policy['metadata']['name']}", selector, egress=rules)


def _backends(spec: Object) -> Iterator[Object]:
    if "defaultBackend" in spec:
        yield spec["defaultBackend"].get("service", {})
    for rule in spec.get("rules", []):
        for path in rule.get("http", {}).get("paths", []):
            yield path["backend"].get("service", {})


def _to_backend(backend: Object, space: str, services: dict[tuple[str, str], Object]) -> Iterator[Object]:
    service = services.get((space, backend.get("name", "")))
    wanted = backend.get("port", {})
    if service is None:
        return
    for port in service["spec"]["ports"]:
        if wanted.get("number") == port["port"] or (wanted.get("name") and wanted["name"] == port.get("name")):
            target = {"selector": pods_of(service), "ports": [port.get("targetPort", port["port"])]}
            yield {"action": "Pass", "protocol": "TCP", "destination": target}


def tier(name: str, order: int) -> Object:
    """A tier: what it selects and none of its rules passes on is denied."""
    spec = {"order": order, "defaultAction": "Deny"}
    return {"apiVersion": CALICO, "kind": "Tier", "metadata": {"name": name}, "spec": spec}


def global_policy(of_tier: str, name: str, selector: str, order: int = 1, **rules: list[Object]) -> Object:
    """A policy of a tier; ``rules`` by direction."""
    types = [direction.capitalize() for direction in rules]
    spec = {"tier": of_tier, "order": order, "selector": selector, "types": types, **rules}
    return {"apiVersion": CALICO, "kind": "GlobalNetworkPolicy", "metadata": {"name": name}, "spec": spec}


def pods_of(service: Object) -> str:
    """The selector of a Service's pods."""
    selector = service["spec"].get("selector") or {}
    return having(selector, service["metadata"]["namespace"]) if selector else "!all()"


def having(labels: dict[str, str], space: str = "") -> str:
    """The selector of pods with some labels, in a namespace or in all."""
    terms = [f"{key} == '{value}'" for key, value in labels.items()]
    return f"({' && '.join([*([in_namespace(space)] if space else []), *terms]) or 'all()'})"


def in_namespace(space: str) -> str:
    return f"projectcalico.org/namespace == '{space}'"
