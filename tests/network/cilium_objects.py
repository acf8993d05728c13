"""Objects of Cilium for tests, as manifests spell them, and what its agent is set to."""

from typing import Any

import msgspec

from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import Reach

from .asking import engine
from .clusters import Object, daemonset

CILIUM = profile("cilium")


def cnp(name: str = "policy", space: str = "default", **spec: Any) -> Object:
    """A CiliumNetworkPolicy with one rule for every pod of its namespace, unless ``spec`` says otherwise."""
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": _spec(spec)}


def ccnp(name: str = "policy", **spec: Any) -> Object:
    """A CiliumClusterwideNetworkPolicy with one rule for every pod, unless ``spec`` says otherwise."""
    metadata = {"name": name}
    return {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": metadata,
        "spec": _spec(spec),
    }


def _spec(spec: Object) -> Object:
    return spec if "nodeSelector" in spec else {"endpointSelector": {}, **spec}


def cidr_group(name: str, *cidrs: str, **labels: str) -> Object:
    metadata = {"name": name, "labels": labels}
    spec = {"externalCIDRs": list(cidrs)}
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumCIDRGroup", "metadata": metadata, "spec": spec}


def agent(version: str) -> Object:
    """The agent's DaemonSet in a release."""
    return daemonset("cilium", image=f"quay.io/cilium/cilium:{version}")


def config(**data: str) -> Object:
    """The agent's ConfigMap; underscores stand for hyphens."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cilium-config", "namespace": "kube-system"},
        "data": {key.replace("_", "-"): value for key, value in data.items()},
    }


def labelled(**labels: str) -> Object:
    return {"matchLabels": labels}


def ports(*numbers: str, protocol: str = "", **rest: Any) -> list[Object]:
    """A ``toPorts`` list of one item."""
    listed = [{"port": number} | ({"protocol": protocol} if protocol else {}) for number in numbers]
    return [{"ports": listed, **rest}]


def reach(*objects: Object, plugin: CniProfile = CILIUM, **switches: Any) -> Reach:
    """The engine under Cilium; ``switches`` replace fields of its profile."""
    return engine(*objects, plugin=msgspec.structs.replace(plugin, **switches))
