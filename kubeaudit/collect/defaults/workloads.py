"""Pods, and everything that makes pods (core/v1, apps/v1 and batch/v1 defaults.go)."""

import re

from kubeaudit.collect.defaults.fields import Fields, child, found, has, items, put, put_text

_DIGEST = re.compile(r"@[\w+.\-]+:[0-9a-fA-F]+\Z")
_MODES = ("secret", "configMap", "downwardAPI", "projected")
_FILE_MODE = 0o644
JOB_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")


def pod(obj: Fields) -> None:
    """Pod: its spec, and the ServiceAccount ``default`` that admission puts in."""
    spec = child(obj, "spec")
    put_text(spec, serviceAccountName=str(spec.get("serviceAccount") or "default"))
    pod_spec(spec)


def replication_controller(obj: Fields) -> None:
    """ReplicationController."""
    spec = child(obj, "spec")
    put(spec, replicas=1)
    _template(spec)
    labels = found(found(found(spec, "template"), "metadata"), "labels")
    if labels:
        _labels(obj, labels)
        if not spec.get("selector"):
            spec["selector"] = dict(labels)


def deployment(obj: Fields) -> None:
    """Deployment."""
    spec = child(obj, "spec")
    put(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = child(spec, "strategy")
    put_text(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        put(child(strategy, "rollingUpdate"), maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def stateful_set(obj: Fields) -> None:
    """StatefulSet."""
    spec = child(obj, "spec")
    put(spec, replicas=1, revisionHistoryLimit=10)
    put_text(spec, podManagementPolicy="OrderedReady")
    strategy = child(spec, "updateStrategy")
    if strategy.get("type") in (None, ""):
        strategy["type"] = "RollingUpdate"
        child(strategy, "rollingUpdate")
    if strategy["type"] == "RollingUpdate" and has(strategy, "rollingUpdate"):
        put(found(strategy, "rollingUpdate"), partition=0)
    put_text(child(spec, "persistentVolumeClaimRetentionPolicy"), whenDeleted="Retain", whenScaled="Retain")
    _template(spec)


def daemon_set(obj: Fields) -> None:
    """DaemonSet."""
    spec = child(obj, "spec")
    put(spec, revisionHistoryLimit=10)
    strategy = child(spec, "updateStrategy")
    put_text(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        put(child(strategy, "rollingUpdate"), maxUnavailable=1, maxSurge=0)
    _template(spec)


def replica_set(obj: Fields) -> None:
    """ReplicaSet."""
    spec = child(obj, "spec")
    put(spec, replicas=1)
    _template(spec)


def job(obj: Fields) -> None:
    """Job, with the labels that the server puts on its template so that its pods can be told (registry/batch/job)."""
    spec = child(obj, "spec")
    if spec.get("parallelism") is None:
        put(spec, completions=1)
    put(spec, parallelism=1, suspend=False, manualSelector=False)
    put_text(spec, completionMode="NonIndexed")
    put(spec, backoffLimit=6 if spec.get("backoffLimitPerIndex") is None else 2**31 - 1)
    put_text(spec, podReplacementPolicy="Failed" if has(spec, "podFailurePolicy") else "TerminatingOrFailed")
    if not has(spec, "template"):
        return
    _template(spec)
    labels = child(child(found(spec, "template"), "metadata"), "labels")
    labelled = bool(labels)
    name = found(obj, "metadata").get("name")
    if spec["manualSelector"] is False and isinstance(name, str):
        put(labels, **dict.fromkeys(JOB_NAME_LABELS, name))
    if labelled:
        _labels(obj, labels)


def cron_job(obj: Fields) -> None:
    """CronJob; the server fills in its pod template, but not the rest of its Job."""
    spec = child(obj, "spec")
    put_text(spec, concurrencyPolicy="Allow")
    put(spec, suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    _template(child(child(spec, "jobTemplate"), "spec"))


def template_only(obj: Fields) -> None:
    """DeploymentConfig of OpenShift and Rollout of Argo: their pod template alone."""
    _template(found(obj, "spec"))


def sandbox_template(obj: Fields) -> None:
    """SandboxTemplate: its pod template alone."""
    _template(found(obj, "spec"), "podTemplate")


def pod_spec(spec: Fields) -> None:
    """PodSpec, as a Pod has it."""
    put_text(spec, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    put(spec, securityContext={}, terminationGracePeriodSeconds=30, enableServiceLinks=True)
    # The two names of the same field: the old one counts where the new one is empty, and both are shown.
    if account := spec.get("serviceAccountName") or spec.get("serviceAccount"):
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in items(spec, "volumes"):
        _volume(volume)
    for key in ("containers", "initContainers"):
        for container in items(spec, key):
            _container(container)
            _requests(child(container, "resources"))
            for port in items(container, "ports"):
                if spec.get("hostNetwork") is True and port.get("hostPort") in (None, 0) and port.get("containerPort"):
                    port["hostPort"] = port["containerPort"]
    for container in items(spec, "ephemeralContainers"):
        _container(container)
        child(container, "resources")


def pull_policy(image: str) -> str:
    """The imagePullPolicy of a container without one: Always for tag ``latest``, also where no tag and no digest is."""
    name = _DIGEST.sub("", image)
    tag = name.rpartition("/")[2].partition(":")[2]
    latest = tag == "latest" or (not tag and name == image != "")
    return "Always" if latest else "IfNotPresent"


def _template(spec: Fields, key: str = "template") -> None:
    if has(spec, key):
        pod_spec(child(found(spec, key), "spec"))


def _labels(obj: Fields, labels: Fields) -> None:
    """Gives an object without labels those of its template."""
    metadata = child(obj, "metadata")
    if not metadata.get("labels"):
        metadata["labels"] = dict(labels)


def _container(container: Fields) -> None:
    image = container.get("image")
    put_text(
        container,
        imagePullPolicy=pull_policy(image if isinstance(image, str) else ""),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    for port in items(container, "ports"):
        put_text(port, protocol="TCP")


def _requests(resources: Fields) -> None:
    if limits := found(resources, "limits"):
        put(child(resources, "requests"), **limits)


def _volume(volume: Fields) -> None:
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    if has(volume, "hostPath"):
        put(found(volume, "hostPath"), type="")
    for source in _MODES:
        if has(volume, source):
            put(found(volume, source), defaultMode=_FILE_MODE)
    for part in items(found(volume, "projected"), "sources"):
        if has(part, "serviceAccountToken"):
            put(found(part, "serviceAccountToken"), expirationSeconds=3600)
