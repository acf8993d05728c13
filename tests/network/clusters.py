"""Clusters of tests: Kubernetes objects as dicts, through the snapshot and the model, as a run reads them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from kubeaudit.kinds import CONFIGMAPS, KINDS, by_api_kind
from kubeaudit.model.cluster import Cluster, build
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot, pack_all

Object = dict[str, Any]
NP = "networkpolicies.networking.k8s.io"


def snapshot(objects: Iterable[Object], unread: dict[str, Outcome] | None = None) -> Snapshot:
    """A snapshot of the objects. Every kind was read to its end, but for those in ``unread``."""
    packed: dict[str, list[bytes]] = {}
    for found in objects:
        kind = by_api_kind().get((found["apiVersion"].rpartition("/")[0], found["kind"]))
        key = kind.key if kind else {"ConfigMap": CONFIGMAPS}[found["kind"]]
        packed.setdefault(key, []).append(msgspec.json.encode(found))
    frames = tuple(frame for key, items in packed.items() for frame in pack_all(key, items))
    outcomes = {kind.key: Outcome.COMPLETE for kind in KINDS} | (unread or {})
    reads = tuple(Read(key, "", outcome, count=len(packed.get(key, ()))) for key, outcome in outcomes.items())
    return Snapshot(Header("0.0.0", "files", "", ""), reads, frames)


def cluster(*objects: Object, unread: dict[str, Outcome] | None = None) -> Cluster:
    return build(snapshot(objects, unread))


def namespace(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def node(name: str, *addresses: str, annotations: dict[str, str] | None = None, kubelet: str = "") -> Object:
    listed = [{"type": "InternalIP", "address": address} for address in addresses]
    status = {"addresses": listed, "nodeInfo": {"kubeletVersion": kubelet}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": annotations or {}},
        "status": status,
    }


def pod(
    name: str,
    space: str = "default",
    *,
    labels: dict[str, str] | None = None,
    ips: tuple[str, ...] = (),
    ports: Iterable[Object] = (),
    on: str = "",
    host: bool = False,
    phase: str = "Running",
    owner: str = "",
    containers: list[Object] | None = None,
    init: list[Object] | None = None,
) -> Object:
    spec: Object = {"containers": containers or [{"name": "main", "image": "main", "ports": list(ports)}]}
    if init:
        spec["initContainers"] = init
    if on:
        spec["nodeName"] = on
    if host:
        spec["hostNetwork"] = True
    metadata: Object = {"name": name, "namespace": space, "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "uid": owner, "controller": True}
        ]
    status: Object = {"phase": phase}
    if ips:
        status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def port(number: int, name: str = "", protocol: str = "TCP") -> Object:
    return {"containerPort": number, "name": name, "protocol": protocol}


def policy(name: str, space: str = "default", **spec: Any) -> Object:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def daemonset(name: str, space: str = "kube-system", image: str = "image", **container: Any) -> Object:
    template = {"spec": {"containers": [{"name": name, "image": image, **container}]}}
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": {"template": template}}
