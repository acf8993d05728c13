"""Clusters with policies of nodes for tests: three nodes, a host-network pod on each, and two pods."""

from typing import Any

from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach, ReachVerdict
from kubeaudit.proof import State
from kubeaudit.snapshot import Outcome

from .asking import ask, engine
from .cilium_objects import CILIUM, config
from .clusters import Object, node, pod

CALICO = profile("calico")
OUT = "203.0.113.5"
N1, N2, N3 = "172.18.0.2", "172.18.0.3", "172.18.0.4"


def labelled_node(name: str, *addresses: str, **labels: str) -> Object:
    found = node(name, *addresses)
    found["metadata"]["labels"] = labels
    return found


NODES = (labelled_node("n1", N1, "fd00:18::2", role="edge"), labelled_node("n2", N2), labelled_node("n3", N3))
HOSTS = tuple(
    pod(f"h{n}", ips=ips, host=True, on=f"n{n}") for n, ips in ((1, (N1, "fd00:18::2")), (2, (N2,)), (3, (N3,)))
)
PODS = (
    pod("near", labels={"app": "near"}, ips=("10.1.0.1", "fd00:1::1"), on="n1"),
    pod("far", labels={"app": "far"}, ips=("10.1.1.1", "fd00:1::2"), on="n2"),
)
WORLD = (*NODES, *HOSTS, *PODS)


def made(
    kind: str, name: str, labels: Object | None = None, version: str = "projectcalico.org/v3", **spec: Any
) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, "spec": spec}


def hep(name: str = "hep", on: str = "n1", labels: Object | None = None, **spec: Any) -> Object:
    """A host endpoint of all interfaces, unless ``spec`` says otherwise."""
    return made("HostEndpoint", name, labels or {"role": "node"}, node=on, **(spec or {"interfaceName": "*"}))


def gnp(name: str = "rule", **spec: Any) -> Object:
    return made("GlobalNetworkPolicy", name, selector="role == 'node'", **spec)


def allow(far: str = "", ports: tuple[Any, ...] = (), **rule: Any) -> Object:
    """An ingress rule that allows TCP from a network on some ports."""
    found: Object = {"action": "Allow", "protocol": "TCP"} | rule
    return (
        found
        | ({"source": {"nets": [far]}} if far else {})
        | ({"destination": {"ports": list(ports)}} if ports else {})
    )


def calico(*objects: Object, unread: dict[str, Outcome] | None = None, world: tuple[Object, ...] = WORLD) -> Reach:
    return engine(*world, *objects, plugin=CALICO, unread=unread)


API = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"}},
    "addressType": "IPv4",
    "endpoints": [{"addresses": [N3]}],
}


def cilium(*objects: Object, unread: dict[str, Outcome] | None = None, **switches: str) -> Reach:
    settings = (config(**switches),) if switches else ()
    return engine(*WORLD, API, *settings, *objects, plugin=CILIUM, unread=unread)


def shown(reach: Reach, verdict: ReachVerdict) -> list[tuple[str, str, str, str]]:
    """What proves a verdict on the side of policies of nodes."""
    found = reach.proof(verdict)
    return [(str(e.object), ".".join(map(str, e.path)), e.value, e.note) for e in found if "*" not in e.object.name]


def details(reach: Reach, *question: Any) -> tuple[State, tuple[str, ...]]:
    found = ask(reach, *question)
    return found.state, found.details
