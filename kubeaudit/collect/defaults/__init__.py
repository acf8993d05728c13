"""What the API server fills in where a manifest leaves a field out (CHK-13), for the fields that anything here reads.

Written after the ``SetDefaults_*`` functions of Kubernetes 1.36, and compared with a real API server by a test. A pod
template gets what a Pod made from it would get: the server itself writes requests, host ports and enableServiceLinks
only into Pods, but template and Pod must be judged alike. Defaults of LimitRanges are not applied.
"""

from collections.abc import Callable, Mapping

from kubeaudit.collect.defaults import cluster, network, workloads
from kubeaudit.collect.defaults.fields import Fields, copied

_BY_RESOURCE: Mapping[str, Callable[[Fields], None]] = {
    "namespaces": cluster.namespace,
    "pods": workloads.pod,
    "replicationcontrollers": workloads.replication_controller,
    "deployments.apps": workloads.deployment,
    "statefulsets.apps": workloads.stateful_set,
    "daemonsets.apps": workloads.daemon_set,
    "replicasets.apps": workloads.replica_set,
    "jobs.batch": workloads.job,
    "cronjobs.batch": workloads.cron_job,
    "deploymentconfigs.apps.openshift.io": workloads.template_only,
    "rollouts.argoproj.io": workloads.template_only,
    "sandboxtemplates.extensions.agents.x-k8s.io": workloads.sandbox_template,
    "services": network.service,
    "endpoints": network.endpoints,
    "endpointslices.discovery.k8s.io": network.endpoint_slice,
    "networkpolicies.networking.k8s.io": network.network_policy,
    "ingressclasses.networking.k8s.io": network.ingress_class,
    "rolebindings.rbac.authorization.k8s.io": cluster.role_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": cluster.role_binding,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": cluster.validating_webhooks,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": cluster.mutating_webhooks,
    "validatingadmissionpolicies.admissionregistration.k8s.io": cluster.admission_policy,
    "mutatingadmissionpolicies.admissionregistration.k8s.io": cluster.admission_policy,
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": cluster.admission_policy_binding,
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": cluster.admission_policy_binding,
    "apiservices.apiregistration.k8s.io": cluster.api_service,
    "customresourcedefinitions.apiextensions.k8s.io": cluster.custom_resource_definition,
    "storageclasses.storage.k8s.io": cluster.storage_class,
    "csidrivers.storage.k8s.io": cluster.csi_driver,
    "persistentvolumes": cluster.persistent_volume,
    "persistentvolumeclaims": cluster.persistent_volume_claim,
    "limitranges": cluster.limit_range,
    "horizontalpodautoscalers.autoscaling": cluster.autoscaler,
}


def apply_defaults(resource: str, obj: Fields) -> Fields:
    """The object as the API server would show it; a new value, also where nothing is added.

    ``resource`` is the key of a kind (``deployments.apps``). Fields of the wrong type are left for the model to report.
    """
    fresh = copied(obj)
    fill = _BY_RESOURCE.get(resource)
    if fill is not None:
        fill(fresh)
    return fresh
