"""Controllers and what they leave behind: Deployments with ReplicaSets, StatefulSets, CronJobs with Jobs."""

import json
import random
from functools import cached_property

from synthetic.pods import owner_reference, pod
from synthetic.podspec import application
from synthetic.template import Json, Template, managed

_TIME = "<<created>>"
_MANAGERS = ("argocd-controller", "kubectl-client-side-apply", "helm", "kustomize-controller")
_LABELS: tuple[Json, ...] = (
    {
        "app.kubernetes.io/name": "<<app>>",
        "app.kubernetes.io/instance": "<<app>>",
        "app.kubernetes.io/part-of": "<<team>>",
    },
    {"app": "<<app>>", "team": "<<team>>"},
    {"app.kubernetes.io/name": "<<app>>", "tier": "backend", "team": "<<team>>"},
    {"app": "<<app>>", "version": "<<tag>>", "team": "<<team>>", "cost-centre": "c-4711"},
)
_CLAIM: Json = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}},
        "storageClassName": "gp3",
        "volumeMode": "Filesystem",
    },
    "status": {"phase": "Pending"},
}


class Archetype:
    """One way to write a workload. Workloads that share it differ in names, images, sizes and places."""

    def __init__(self, rng: random.Random, *, job: bool = False) -> None:
        self.spec, self.token = application(rng, job=job)
        self.labels = rng.choice(_LABELS)
        self.selector = {key: value for key, value in self.labels.items() if key in ("app", "app.kubernetes.io/name")}
        self.manager = rng.choice(_MANAGERS)

    @property
    def _template(self) -> Json:
        return {"metadata": {"labels": self.labels}, "spec": self.spec}

    @cached_property
    def deployment_pod(self) -> Template:
        """Pod of a ReplicaSet."""
        return pod(self.spec, self.labels, "ReplicaSet", token=self.token)

    @cached_property
    def stateful_pod(self) -> Template:
        """Pod of a StatefulSet, its claim mounted."""
        claim: Json = {"name": "data", "persistentVolumeClaim": {"claimName": "data-<<pod>>"}}
        volumes = self.spec.get("volumes", [])
        assert isinstance(volumes, list)
        return pod({**self.spec, "volumes": [claim, *volumes]}, self.labels, "StatefulSet", token=self.token)

    @cached_property
    def daemon_pod(self) -> Template:
        """Pod of a DaemonSet."""
        return pod(self.spec, self.labels, "DaemonSet", token=self.token)

    @cached_property
    def job_pod(self) -> Template:
        """Finished pod of a Job."""
        return pod(self.spec, self.labels, "Job", token=self.token, finished=True)

    @cached_property
    def deployment(self) -> Template:
        """The Deployment."""
        spec: Json = {
            "replicas": "<<int:replicas>>",
            "selector": {"matchLabels": self.selector},
            "template": self._template,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        }
        return self._controller(
            "apps/v1",
            spec,
            _replica_status("NewReplicaSetAvailable"),
            {"deployment.kubernetes.io/revision": "<<revision>>"},
        )

    @cached_property
    def replica_set(self) -> Template:
        """A ReplicaSet of the Deployment, current or old."""
        hashed = {"pod-template-hash": "<<hash>>"}
        template: Json = {"metadata": {"labels": {**self.labels, **hashed}}, "spec": self.spec}
        spec: Json = {
            "replicas": "<<int:size>>",
            "selector": {"matchLabels": {**self.selector, **hashed}},
            "template": template,
        }
        annotations: Json = {
            "deployment.kubernetes.io/desired-replicas": "<<replicas>>",
            "deployment.kubernetes.io/max-replicas": "<<replicas>>",
            "deployment.kubernetes.io/revision": "<<revision>>",
        }
        owned: Json = {
            "labels": {**self.labels, **hashed},
            "annotations": annotations,
            "ownerReferences": [owner_reference("apps/v1", "Deployment")],
        }
        status: Json = {"replicas": "<<int:size>>", "observedGeneration": 2}
        writers = [
            managed({"metadata": owned, "spec": spec}, "kube-controller-manager", _TIME, "apps/v1"),
            managed({"status": status}, "kube-controller-manager", _TIME, "apps/v1", "status"),
        ]
        return Template(
            {"metadata": {**_identity("<<set>>"), **owned, "managedFields": writers}, "spec": spec, "status": status}
        )

    @cached_property
    def stateful_set(self) -> Template:
        """The StatefulSet."""
        spec: Json = {
            "replicas": "<<int:replicas>>",
            "selector": {"matchLabels": self.selector},
            "template": self._template,
            "volumeClaimTemplates": [_CLAIM],
            "serviceName": "<<app>>",
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        }
        return self._controller("apps/v1", spec, {**_replica_status(""), "currentRevision": "<<app>>-<<hash>>"}, {})

    @cached_property
    def cron_job(self) -> Template:
        """The CronJob."""
        spec: Json = {
            "schedule": "*/30 * * * *",
            "concurrencyPolicy": "Forbid",
            "suspend": False,
            "jobTemplate": {"metadata": {}, "spec": {"backoffLimit": 2, "template": self._template}},
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        }
        return self._controller("batch/v1", spec, {"lastScheduleTime": _TIME, "lastSuccessfulTime": _TIME}, {})

    @cached_property
    def job(self) -> Template:
        """A finished Job of the CronJob."""
        labels = {
            **self.labels,
            "batch.kubernetes.io/controller-uid": "<<uid>>",
            "batch.kubernetes.io/job-name": "<<set>>",
        }
        spec: Json = {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 2,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "<<uid>>"}},
            "template": {"metadata": {"labels": labels}, "spec": self.spec},
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": "TerminatingOrFailed",
        }
        status: Json = {
            "conditions": [_condition("SuccessCriteriaMet", ""), _condition("Complete", "")],
            "startTime": _TIME,
            "completionTime": _TIME,
            "succeeded": 1,
            "terminating": 0,
            "uncountedTerminatedPods": {},
            "ready": 0,
        }
        owned: Json = {"labels": labels, "ownerReferences": [owner_reference("batch/v1", "CronJob")]}
        writers = [
            managed({"metadata": owned, "spec": spec}, "kube-controller-manager", _TIME, "batch/v1"),
            managed({"status": status}, "kube-controller-manager", _TIME, "batch/v1", "status"),
        ]
        return Template(
            {"metadata": {**_identity("<<set>>"), **owned, "managedFields": writers}, "spec": spec, "status": status}
        )

    def _controller(self, api_version: str, spec: Json, status: Json, annotations: Json) -> Template:
        owned: Json = {"labels": self.labels}
        applied: Json = {}
        if self.manager == "kubectl-client-side-apply":
            document = {
                "metadata": {"name": "<<app>>", "namespace": "<<ns>>"},
                "spec": {"selector": spec.get("selector"), "template": self._template},
            }
            applied = {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps(document, separators=(",", ":")) + "\n"
            }
        writers = [
            managed({"metadata": {**owned, "annotations": applied}, "spec": spec}, self.manager, _TIME, api_version),
            managed(
                {"metadata": {"annotations": annotations}, "status": status},
                "kube-controller-manager",
                _TIME,
                api_version,
                "status",
            ),
        ]
        notes = {**annotations, **applied}
        metadata: Json = {
            **_identity("<<app>>"),
            **owned,
            **({"annotations": notes} if notes else {}),
            "managedFields": writers,
        }
        return Template({"metadata": metadata, "spec": spec, "status": status})


def _identity(name: str) -> Json:
    return {
        "name": name,
        "namespace": "<<ns>>",
        "uid": "<<uid>>",
        "resourceVersion": "<<rv>>",
        "generation": 2,
        "creationTimestamp": _TIME,
    }


def _condition(kind: str, reason: str) -> Json:
    found: Json = {"type": kind, "status": "True", "lastUpdateTime": "<<created>>", "lastTransitionTime": "<<created>>"}
    return {**found, "reason": reason, "message": f"{reason}: <<app>>"} if reason else found


def _replica_status(reason: str) -> Json:
    sizes = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    conditions = (
        [_condition("Available", "MinimumReplicasAvailable"), _condition("Progressing", reason)] if reason else []
    )
    return {
        "observedGeneration": 2,
        **dict.fromkeys(sizes, "<<int:replicas>>"),
        **({"conditions": conditions} if conditions else {}),
    }
