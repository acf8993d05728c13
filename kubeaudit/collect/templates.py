"""Where each kind keeps its pod template, and the kinds with one that only files bring (EXP-38)."""

from collections.abc import Mapping

from kubeaudit.kinds import Kind, Origin

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "pods": (),
    "replicationcontrollers": ("spec", "template"),
    "deployments.apps": ("spec", "template"),
    "statefulsets.apps": ("spec", "template"),
    "daemonsets.apps": ("spec", "template"),
    "replicasets.apps": ("spec", "template"),
    "jobs.batch": ("spec", "template"),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
    "deploymentconfigs.apps.openshift.io": ("spec", "template"),
    "rollouts.argoproj.io": ("spec", "template"),
    "sandboxtemplates.extensions.agents.x-k8s.io": ("spec", "podTemplate"),
}
"""Path of the pod template, by resource; a pod is its own."""

FILE_KINDS: tuple[Kind, ...] = (
    Kind("apps.openshift.io", "deploymentconfigs", ("v1",), "DeploymentConfig", True, Origin.AUTHORED, "templates"),
    Kind("argoproj.io", "rollouts", ("v1alpha1",), "Rollout", True, Origin.AUTHORED, "templates"),
)
"""Kinds that are kept where files have them, though no cluster is asked for them."""
