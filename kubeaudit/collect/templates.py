"""Where each kind keeps its pod template (EXP-38)."""

from collections.abc import Mapping

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
