"""RBAC objects that a platform puts into its clusters: grouped in outputs, never hidden (RBAC-95)."""

from kubeaudit.model.objects.meta import Metadata

_LABELS = ("eks.amazonaws.com/component", "addonmanager.kubernetes.io/mode", "kubernetes.azure.com/managedby")
_PREFIXES = (
    *("eks:", "aws-node"),
    *("gce:", "system:gcp-", "system:gke-"),
    *("aks-", "system:azure-"),
    *("openshift-", "system:openshift:"),
)
"""How Amazon, Google, Microsoft and Red Hat call their own."""


def of_platform(metadata: Metadata) -> bool:
    """Whether an object has the mark of a platform. Anybody can set one: it groups an object, and acquits none."""
    return any(label in metadata.labels for label in _LABELS) or metadata.name.startswith(_PREFIXES)
