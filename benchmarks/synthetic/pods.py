"""Pods as a kubelet reports them: owner, labels, status, and the managedFields of everyone who wrote to them."""

from synthetic.podspec import running
from synthetic.template import Json, Template, managed

_TIME = "<<created>>"
_WAITING_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
_OWNER_LABELS: dict[str, Json] = {
    "ReplicaSet": {"pod-template-hash": "<<hash>>"},
    "StatefulSet": {
        "apps.kubernetes.io/pod-index": "<<index>>",
        "controller-revision-hash": "<<owner>>-<<hash>>",
        "statefulset.kubernetes.io/pod-name": "<<pod>>",
    },
    "DaemonSet": {"controller-revision-hash": "<<hash>>", "pod-template-generation": "3"},
    "Job": {
        "batch.kubernetes.io/controller-uid": "<<owner_uid>>",
        "batch.kubernetes.io/job-name": "<<owner>>",
        "controller-uid": "<<owner_uid>>",
        "job-name": "<<owner>>",
    },
}
_API_VERSIONS = {"ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}


def owner_reference(api_version: str, kind: str) -> Json:
    """The reference to a controlling owner; its name and UID are placeholders."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": "<<owner>>",
        "uid": "<<owner_uid>>",
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod(spec: Json, labels: Json, owner: str, *, token: bool, finished: bool = False) -> Template:
    """The template of all pods that a controller of kind ``owner`` makes from ``spec``."""
    generated: Json = {
        "generateName": "<<owner>>-",
        "labels": {**labels, **_OWNER_LABELS[owner]},
        "ownerReferences": [owner_reference(_API_VERSIONS[owner], owner)],
    }
    addresses: Json = {"cni.projectcalico.org/podIP": "<<ip>>/32", "cni.projectcalico.org/podIPs": "<<ip>>/32"}
    annotations: Json = {"cni.projectcalico.org/containerID": "<<sandbox>>", **addresses}
    if spec.get("hostNetwork"):
        annotations = {}
    status = _status(spec, token=token, finished=finished)
    writers = [managed({"metadata": generated, "spec": spec}, "kube-controller-manager", _TIME)]
    if annotations:
        writers.append(managed({"metadata": {"annotations": annotations}}, "calico", _TIME, subresource="status"))
    writers.append(managed({"status": _owned_status(status)}, "kubelet", "<<started>>", subresource="status"))
    metadata: Json = {
        "name": "<<pod>>",
        "generateName": generated["generateName"],
        "namespace": "<<ns>>",
        "uid": "<<uid>>",
        "resourceVersion": "<<rv>>",
        "generation": 1,
        "creationTimestamp": _TIME,
        "labels": generated["labels"],
        **({"annotations": annotations} if annotations else {}),
        "ownerReferences": generated["ownerReferences"],
        "managedFields": writers,
    }
    return Template({"metadata": metadata, "spec": running(spec, token=token), "status": status})


def _status(spec: Json, *, token: bool, finished: bool) -> Json:
    conditions = []
    for kind in _WAITING_CONDITIONS:
        over = finished and kind in ("PodReadyToStartContainers", "Ready", "ContainersReady")
        condition: Json = {
            "type": kind,
            "observedGeneration": 1,
            "status": "False" if over else "True",
            "lastProbeTime": None,
        }
        condition["lastTransitionTime"] = "<<started>>"
        conditions.append({**condition, "reason": "PodCompleted"} if finished and kind != "PodScheduled" else condition)
    containers = spec["containers"]
    assert isinstance(containers, list)
    return {
        "observedGeneration": 1,
        "phase": "Succeeded" if finished else "Running",
        "conditions": conditions,
        "hostIP": "<<host_ip>>",
        "hostIPs": [{"ip": "<<host_ip>>"}],
        "podIP": "<<ip>>",
        "podIPs": [{"ip": "<<ip>>"}],
        "startTime": _TIME,
        "containerStatuses": [
            _container_status(item, number, token, finished) for number, item in enumerate(containers)
        ],
        "qosClass": "Burstable",
    }


def _container_status(container: Json, number: int, token: bool, finished: bool) -> Json:
    mounts = [{"name": item["name"], "mountPath": item["mountPath"]} for item in container.get("volumeMounts", [])]
    if token:
        mounts.append(
            {
                "name": "kube-api-access-<<access>>",
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "readOnly": True,
                "recursiveReadOnly": "Disabled",
            }
        )
    container_id = f"containerd://<<cid{number}>>"
    over = {
        "exitCode": 0,
        "reason": "Completed",
        "startedAt": "<<started>>",
        "finishedAt": "<<started>>",
        "containerID": container_id,
    }
    resources = container.get("resources") or {}
    requests = resources.get("requests")
    return {
        "name": container["name"],
        "state": {"terminated": over} if finished else {"running": {"startedAt": "<<started>>"}},
        "lastState": {},
        "ready": not finished,
        "restartCount": "<<int:restarts>>",
        "image": container["image"],
        "imageID": f"{str(container['image']).partition(':')[0]}@sha256:<<digest>>",
        "containerID": container_id,
        "started": not finished,
        **({"allocatedResources": requests} if requests else {}),
        "resources": resources,
        **({"volumeMounts": mounts} if mounts else {}),
    }


def _owned_status(status: Json) -> Json:
    """What the kubelet owns: every field but those that are set on creation."""
    return {key: value for key, value in status.items() if key not in ("phase", "qosClass")}
