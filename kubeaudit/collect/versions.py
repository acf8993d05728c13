"""Older API versions of kinds in the table, written as the version that is read.

Most need no more than the new name; a few changed their shape, and some their defaults, which are filled in here: an
object of an old version means the old ones. A server of today refuses these versions, but files still have them.
"""

from collections.abc import Callable, Mapping

from kubeaudit.collect.defaults.fields import Fields, child, copied, found, has, items, put, put_text

ALL_AUTHENTICATED = "system:authenticated"

_RBAC = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_OLDER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("extensions/v1beta1", "apps/v1", ("Deployment", "DaemonSet", "ReplicaSet")),
    ("extensions/v1beta1", "networking.k8s.io/v1", ("Ingress", "NetworkPolicy")),
    ("apps/v1beta1", "apps/v1", ("Deployment", "StatefulSet")),
    ("apps/v1beta2", "apps/v1", ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")),
    ("batch/v2alpha1", "batch/v1", ("CronJob",)),
    ("batch/v1beta1", "batch/v1", ("CronJob",)),
    ("networking.k8s.io/v1beta1", "networking.k8s.io/v1", ("Ingress", "IngressClass")),
    ("discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", ("EndpointSlice",)),
    ("rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1", _RBAC),
    ("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", _RBAC),
    ("admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1", _WEBHOOKS),
    ("apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", ("CustomResourceDefinition",)),
    ("apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", ("APIService",)),
    ("certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", ("CertificateSigningRequest",)),
    ("policy/v1beta1", "policy/v1", ("PodDisruptionBudget",)),
    ("autoscaling/v2beta1", "autoscaling/v2", ("HorizontalPodAutoscaler",)),
    ("autoscaling/v2beta2", "autoscaling/v2", ("HorizontalPodAutoscaler",)),
    ("storage.k8s.io/v1beta1", "storage.k8s.io/v1", ("StorageClass", "CSIDriver")),
    ("node.k8s.io/v1alpha1", "node.k8s.io/v1", ("RuntimeClass",)),
    ("node.k8s.io/v1beta1", "node.k8s.io/v1", ("RuntimeClass",)),
    ("gateway.networking.k8s.io/v1alpha2", "gateway.networking.k8s.io/v1", ("Gateway", "GatewayClass", "HTTPRoute")),
    ("gateway.networking.k8s.io/v1alpha2", "gateway.networking.k8s.io/v1beta1", ("ReferenceGrant",)),
    ("cert-manager.io/v1alpha2", "cert-manager.io/v1", ("Certificate",)),
    ("cert-manager.io/v1alpha3", "cert-manager.io/v1", ("Certificate",)),
    ("cert-manager.io/v1beta1", "cert-manager.io/v1", ("Certificate",)),
    ("v1", "route.openshift.io/v1", ("Route",)),
    ("v1", "apps.openshift.io/v1", ("DeploymentConfig",)),
)


def convert(obj: Fields) -> Fields:
    """The object in the version that is read; the very same one where it is not of an older version."""
    for older, newer, kinds in _OLDER:
        if obj.get("apiVersion") == older and obj.get("kind") in kinds:
            fresh = copied(obj)
            fresh["apiVersion"] = newer
            change = _CHANGES.get((older, str(obj["kind"])))
            if change is not None:
                change(fresh)
            return fresh
    return obj


def _selected_by_template(obj: Fields) -> None:
    """Before apps/v1beta2 a workload without a selector selected the labels of its template."""
    spec = child(obj, "spec")
    labels = found(found(found(spec, "template"), "metadata"), "labels")
    if labels and not spec.get("selector"):
        spec["selector"] = {"matchLabels": dict(labels)}


def _updated_on_delete(obj: Fields) -> None:
    """The first DaemonSets and StatefulSets left running pods alone."""
    _selected_by_template(obj)
    put_text(child(child(obj, "spec"), "updateStrategy"), type="OnDelete")


def _ingress(obj: Fields) -> None:
    spec = child(obj, "spec")
    if has(spec, "backend"):
        spec["defaultBackend"] = _backend(found(spec, "backend"))
        del spec["backend"]
    for rule in items(spec, "rules"):
        for path in items(found(rule, "http"), "paths"):
            put(path, pathType="ImplementationSpecific")
            if has(path, "backend"):
                path["backend"] = _backend(found(path, "backend"))


def _backend(old: Fields) -> Fields:
    backend = {key: value for key, value in old.items() if key not in ("serviceName", "servicePort")}
    if "serviceName" in old or "servicePort" in old:
        port = old.get("servicePort")
        # The API takes the text "80" for a name, and no port has such a name; people mean the number.
        number = isinstance(port, int) or (isinstance(port, str) and port.isdecimal())
        backend["service"] = {
            "name": old.get("serviceName", ""),
            "port": {"number": int(str(port))} if number else {"name": port or ""},
        }
    return backend


def _endpoint_slice(obj: Fields) -> None:
    for endpoint in items(obj, "endpoints"):
        topology = found(endpoint, "topology")
        for label, key in (("kubernetes.io/hostname", "nodeName"), ("topology.kubernetes.io/zone", "zone")):
            if label in topology:
                put(endpoint, **{key: topology[label]})
        endpoint.pop("topology", None)


def _first_binding(obj: Fields) -> None:
    """rbac v1alpha1: subjects had a version in place of a group, and the user ``*`` was everybody with an identity."""
    for subject in items(obj, "subjects"):
        version = subject.pop("apiVersion", "")
        if subject.get("kind") not in ("User", "Group", "ServiceAccount") and isinstance(version, str):
            put_text(subject, apiGroup=version.rpartition("/")[0])
        if subject.get("kind") == "User" and subject.get("name") == "*":
            subject |= {"kind": "Group", "name": ALL_AUTHENTICATED}


def _webhooks(obj: Fields) -> None:
    for webhook in items(obj, "webhooks"):
        put(webhook, failurePolicy="Ignore", matchPolicy="Exact", sideEffects="Unknown", timeoutSeconds=30)
        put(webhook, admissionReviewVersions=["v1beta1"])


def _custom_resource_definition(obj: Fields) -> None:
    spec = child(obj, "spec")
    if not spec.get("versions") and spec.get("version"):
        spec["versions"] = [{"name": spec["version"], "served": True, "storage": True}]
    put_text(spec, scope="Namespaced")
    conversion = found(spec, "conversion")
    if has(conversion, "webhookClientConfig"):
        reviews = conversion.pop("conversionReviewVersions", ["v1beta1"])
        client = conversion.pop("webhookClientConfig")
        conversion["webhook"] = {"clientConfig": client, "conversionReviewVersions": reviews}


def _signing_request(obj: Fields) -> None:
    put_text(child(obj, "spec"), signerName="kubernetes.io/legacy-unknown")


def _runtime_class(obj: Fields) -> None:
    spec = obj.pop("spec", None)
    if isinstance(spec, dict):
        put_text(obj, handler=str(spec.get("runtimeHandler", "")))


_CHANGES: Mapping[tuple[str, str], Callable[[Fields], None]] = {
    ("extensions/v1beta1", "Deployment"): _selected_by_template,
    ("extensions/v1beta1", "ReplicaSet"): _selected_by_template,
    ("extensions/v1beta1", "DaemonSet"): _updated_on_delete,
    ("apps/v1beta1", "Deployment"): _selected_by_template,
    ("apps/v1beta1", "StatefulSet"): _updated_on_delete,
    ("extensions/v1beta1", "Ingress"): _ingress,
    ("networking.k8s.io/v1beta1", "Ingress"): _ingress,
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): _endpoint_slice,
    ("rbac.authorization.k8s.io/v1alpha1", "RoleBinding"): _first_binding,
    ("rbac.authorization.k8s.io/v1alpha1", "ClusterRoleBinding"): _first_binding,
    **{("admissionregistration.k8s.io/v1beta1", kind): _webhooks for kind in _WEBHOOKS},
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): _custom_resource_definition,
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest"): _signing_request,
    ("node.k8s.io/v1alpha1", "RuntimeClass"): _runtime_class,
}
