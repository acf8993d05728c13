"""Namespaces, RBAC, admission, storage and the rest."""

from kubeaudit.collect.defaults.fields import Fields, child, found, has, items, put, put_text

RBAC_GROUP = "rbac.authorization.k8s.io"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def namespace(obj: Fields) -> None:
    """Namespace: the label that names it (NET-10); the server overwrites what stands there."""
    metadata = child(obj, "metadata")
    if metadata.get("name"):
        child(metadata, "labels")[NAMESPACE_LABEL] = metadata["name"]


def role_binding(obj: Fields) -> None:
    """RoleBinding and ClusterRoleBinding. The namespace of a ServiceAccount is never filled in."""
    put_text(child(obj, "roleRef"), apiGroup=RBAC_GROUP)
    for subject in items(obj, "subjects"):
        if subject.get("kind") in ("User", "Group"):
            put_text(subject, apiGroup=RBAC_GROUP)


def validating_webhooks(obj: Fields) -> None:
    """ValidatingWebhookConfiguration."""
    for webhook in items(obj, "webhooks"):
        put(webhook, failurePolicy="Fail", timeoutSeconds=10)
        _matching(webhook)
        put(found(found(webhook, "clientConfig"), "service"), port=443)
        for rule in items(webhook, "rules"):
            put(rule, scope="*")


def mutating_webhooks(obj: Fields) -> None:
    """MutatingWebhookConfiguration."""
    validating_webhooks(obj)
    for webhook in items(obj, "webhooks"):
        put(webhook, reinvocationPolicy="Never")


def admission_policy(obj: Fields) -> None:
    """ValidatingAdmissionPolicy and MutatingAdmissionPolicy."""
    spec = child(obj, "spec")
    put(spec, failurePolicy="Fail")
    if has(spec, "matchConstraints"):
        _match_resources(found(spec, "matchConstraints"))


def admission_policy_binding(obj: Fields) -> None:
    """Bindings of both kinds of admission policy."""
    spec = child(obj, "spec")
    if has(spec, "matchResources"):
        _match_resources(found(spec, "matchResources"))


def api_service(obj: Fields) -> None:
    """APIService."""
    put(found(found(obj, "spec"), "service"), port=443)


def custom_resource_definition(obj: Fields) -> None:
    """CustomResourceDefinition: its conversion and names."""
    spec = child(obj, "spec")
    put(spec, conversion={"strategy": "None"})
    webhook = found(found(spec, "conversion"), "webhook")
    put(found(found(webhook, "clientConfig"), "service"), port=443)
    names = child(spec, "names")
    if isinstance(kind := names.get("kind"), str):
        put_text(names, singular=kind.lower(), listKind=f"{kind}List")


def storage_class(obj: Fields) -> None:
    """StorageClass."""
    put(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def csi_driver(obj: Fields) -> None:
    """CSIDriver."""
    spec = child(obj, "spec")
    put(spec, attachRequired=True, podInfoOnMount=False, requiresRepublish=False, storageCapacity=False)
    put(spec, fsGroupPolicy="ReadWriteOnceWithFSType")
    if not spec.get("volumeLifecycleModes"):
        spec["volumeLifecycleModes"] = ["Persistent"]


def persistent_volume(obj: Fields) -> None:
    """PersistentVolume."""
    spec = child(obj, "spec")
    put_text(spec, persistentVolumeReclaimPolicy="Retain")
    put(spec, volumeMode="Filesystem")
    if has(spec, "hostPath"):
        put(found(spec, "hostPath"), type="")


def persistent_volume_claim(obj: Fields) -> None:
    """PersistentVolumeClaim."""
    put(child(obj, "spec"), volumeMode="Filesystem")


def limit_range(obj: Fields) -> None:
    """LimitRange: limits of containers that follow from its other limits."""
    for limit in items(found(obj, "spec"), "limits"):
        if limit.get("type") == "Container":
            put(child(limit, "default"), **found(limit, "max"))
            put(child(limit, "defaultRequest"), **found(limit, "default"))
            put(found(limit, "defaultRequest"), **found(limit, "min"))


def autoscaler(obj: Fields) -> None:
    """HorizontalPodAutoscaler."""
    put(child(obj, "spec"), minReplicas=1)


def _match_resources(match: Fields) -> None:
    _matching(match)
    for rule in (*items(match, "resourceRules"), *items(match, "excludeResourceRules")):
        put(rule, scope="*")


def _matching(fields: Fields) -> None:
    put(fields, matchPolicy="Equivalent")
    child(fields, "namespaceSelector")
    child(fields, "objectSelector")
