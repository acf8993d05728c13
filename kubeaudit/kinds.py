"""The one table of what is read: every resource of the default ClusterRole (report.md section 8), and why.

A row names the API group, plural, versions we understand (best first) and kind of a resource, whether it is namespaced,
and where it comes from: *authored* kinds are what people write, so files that lack them show their absence; *observed*
kinds are what a running cluster adds, so files that lack them show nothing (decisions.md, EXP-33). Marks serve the
``@policy``, ``@expose`` and ``@route`` tokens of a policy's ``requires``."""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from msgspec import Struct


class Origin(StrEnum):
    """Who writes objects of a kind."""

    AUTHORED = "authored"
    OBSERVED = "observed"


class Kind(Struct, frozen=True):
    """One resource that is read."""

    group: str
    resource: str
    versions: tuple[str, ...]
    kind: str
    namespaced: bool
    origin: Origin
    why: str
    marks: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """``plural.group``, the core group bare: how reads, gaps and ``requires`` name a resource."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Place(NamedTuple):
    """Whether a kind is namespaced, and who writes its objects."""

    namespaced: bool
    origin: Origin


NS, ALL = Place(True, Origin.AUTHORED), Place(False, Origin.AUTHORED)
NS_SEEN, ALL_SEEN = Place(True, Origin.OBSERVED), Place(False, Origin.OBSERVED)
"""In a namespace or cluster-wide; ``SEEN``: observed in a running cluster only."""


def _group(group: str, *rows: tuple[str | Place, ...]) -> Iterator[Kind]:
    """The rows of one API group: plural, versions, kind, place, why it is read, marks."""
    for row in rows:
        resource, versions, kind, why, *marks = (cell for cell in row if isinstance(cell, str))
        place = next(cell for cell in row if isinstance(cell, Place))
        yield Kind(group, resource, tuple(versions.split()), kind, place.namespaced, place.origin, why, tuple(marks))


KINDS: tuple[Kind, ...] = (
    *_group(
        "",
        ("namespaces", "v1", "Namespace", ALL, "labels that policies select; the cluster's id"),
        ("nodes", "v1", "Node", ALL_SEEN, "addresses, provider and pool of every node"),
        ("pods", "v1", "Pod", NS, "what runs, where, and with which security settings"),
        ("services", "v1", "Service", NS, "entry points and what is behind them", "expose"),
        ("serviceaccounts", "v1", "ServiceAccount", NS, "identities of workloads and whether their token is mounted"),
        ("endpoints", "v1", "Endpoints", NS_SEEN, "endpoints where EndpointSlice is not served or refused"),
        ("replicationcontrollers", "v1", "ReplicationController", NS, "owners of pods"),
        ("limitranges", "v1", "LimitRange", NS, "default limits of a namespace"),
        ("resourcequotas", "v1", "ResourceQuota", NS, "limits of a namespace"),
        ("persistentvolumes", "v1", "PersistentVolume", ALL, "volumes that are paths of a node"),
        ("persistentvolumeclaims", "v1", "PersistentVolumeClaim", NS, "which workload mounts which volume"),
    ),
    *_group(
        "apps",
        ("deployments", "v1", "Deployment", NS, "owners of pods; templates"),
        ("statefulsets", "v1", "StatefulSet", NS, "owners of pods; templates"),
        ("daemonsets", "v1", "DaemonSet", NS, "owners of pods; templates; the network plugin in use"),
        ("replicasets", "v1", "ReplicaSet", NS, "owner chain from pod to Deployment"),
    ),
    *_group(
        "batch",
        ("jobs", "v1", "Job", NS, "owner chain from pod to CronJob"),
        ("cronjobs", "v1", "CronJob", NS, "owners of pods; templates"),
    ),
    *_group(
        "networking.k8s.io",
        ("networkpolicies", "v1", "NetworkPolicy", NS, "who may connect to whom", "policy"),
        ("ingresses", "v1", "Ingress", NS, "HTTP entry points", "expose"),
        ("ingressclasses", "v1", "IngressClass", ALL_SEEN, "which controller serves an Ingress"),
        ("servicecidrs", "v1 v1beta1", "ServiceCIDR", ALL_SEEN, "range of ClusterIPs"),
    ),
    *_group(
        "policy.networking.k8s.io",
        ("adminnetworkpolicies", "v1alpha1", "AdminNetworkPolicy", ALL, "policies of the administrator", "policy"),
        ("baselineadminnetworkpolicies", "v1alpha1", "BaselineAdminNetworkPolicy", ALL, "baseline policies", "policy"),
        ("clusternetworkpolicies", "v1alpha2", "ClusterNetworkPolicy", ALL, "policies of the administrator", "policy"),
    ),
    *_group(
        "networking.k8s.aws",
        ("clusternetworkpolicies", "v1alpha1", "ClusterNetworkPolicy", ALL, "policies of the AWS plugin", "policy"),
        ("applicationnetworkpolicies", "v1alpha1", "ApplicationNetworkPolicy", NS, "who may connect to whom", "policy"),
    ),
    *_group(
        "discovery.k8s.io",
        ("endpointslices", "v1 v1beta1", "EndpointSlice", NS_SEEN, "which pods a Service leads to"),
    ),
    *_group(
        "rbac.authorization.k8s.io",
        ("roles", "v1", "Role", NS, "what may be done in a namespace"),
        ("rolebindings", "v1", "RoleBinding", NS, "who may do it"),
        ("clusterroles", "v1", "ClusterRole", ALL, "what may be done"),
        ("clusterrolebindings", "v1", "ClusterRoleBinding", ALL, "who may do it everywhere"),
    ),
    *_group(
        "admissionregistration.k8s.io",
        ("validatingwebhookconfigurations", "v1", "ValidatingWebhookConfiguration", ALL, "what admission can refuse"),
        ("mutatingwebhookconfigurations", "v1", "MutatingWebhookConfiguration", ALL, "what admission can change"),
        ("validatingadmissionpolicies", "v1 v1beta1", "ValidatingAdmissionPolicy", ALL, "what admission can refuse"),
        (
            "validatingadmissionpolicybindings",
            "v1 v1beta1",
            "ValidatingAdmissionPolicyBinding",
            ALL,
            "where those policies apply",
        ),
        (
            "mutatingadmissionpolicies",
            "v1 v1beta1 v1alpha1",
            "MutatingAdmissionPolicy",
            ALL,
            "what admission can change",
        ),
        (
            "mutatingadmissionpolicybindings",
            "v1 v1beta1 v1alpha1",
            "MutatingAdmissionPolicyBinding",
            ALL,
            "where those policies apply",
        ),
    ),
    *_group(
        "apiregistration.k8s.io",
        ("apiservices", "v1", "APIService", ALL_SEEN, "which groups another server answers"),
    ),
    *_group(
        "apiextensions.k8s.io",
        ("customresourcedefinitions", "v1", "CustomResourceDefinition", ALL, "conversion webhooks; kinds of operators"),
    ),
    *_group(
        "certificates.k8s.io",
        (
            "certificatesigningrequests",
            "v1",
            "CertificateSigningRequest",
            ALL,
            "client certificates that were asked for",
        ),
    ),
    *_group(
        "storage.k8s.io",
        ("storageclasses", "v1", "StorageClass", ALL, "encryption of volumes"),
        ("csidrivers", "v1", "CSIDriver", ALL, "tokens that drivers ask for"),
    ),
    *_group(
        "node.k8s.io",
        ("runtimeclasses", "v1", "RuntimeClass", ALL, "sandboxed runtimes"),
    ),
    *_group(
        "policy",
        ("poddisruptionbudgets", "v1", "PodDisruptionBudget", NS, "evictions that are blocked"),
    ),
    *_group(
        "autoscaling",
        ("horizontalpodautoscalers", "v2 v1", "HorizontalPodAutoscaler", NS, "targets of scaling"),
    ),
    *_group(
        "gateway.networking.k8s.io",
        ("gatewayclasses", "v1 v1beta1", "GatewayClass", ALL_SEEN, "which controller serves a Gateway", "expose"),
        ("gateways", "v1 v1beta1", "Gateway", NS, "entry points", "expose"),
        ("httproutes", "v1 v1beta1", "HTTPRoute", NS, "what a Gateway leads to", "expose", "route"),
        ("grpcroutes", "v1 v1alpha2", "GRPCRoute", NS, "what a Gateway leads to", "expose", "route"),
        ("tlsroutes", "v1 v1alpha3 v1alpha2", "TLSRoute", NS, "what a Gateway leads to", "expose", "route"),
        ("tcproutes", "v1 v1alpha2", "TCPRoute", NS, "what a Gateway leads to", "expose", "route"),
        ("udproutes", "v1 v1alpha2", "UDPRoute", NS, "what a Gateway leads to", "expose", "route"),
        ("referencegrants", "v1 v1beta1", "ReferenceGrant", NS, "references across namespaces", "expose"),
        ("listenersets", "v1", "ListenerSet", NS, "further listeners of a Gateway", "expose"),
        ("backendtlspolicies", "v1 v1alpha3", "BackendTLSPolicy", NS, "TLS behind a Gateway"),
    ),
    *_group(
        "multicluster.x-k8s.io",
        ("serviceexports", "v1alpha1", "ServiceExport", NS, "Services other clusters may use", "expose"),
    ),
    *_group(
        "cilium.io",
        ("ciliumnetworkpolicies", "v2", "CiliumNetworkPolicy", NS, "who may connect to whom", "policy"),
        (
            "ciliumclusterwidenetworkpolicies",
            "v2",
            "CiliumClusterwideNetworkPolicy",
            ALL,
            "who may connect to whom",
            "policy",
        ),
        ("ciliumcidrgroups", "v2 v2alpha1", "CiliumCIDRGroup", ALL, "address sets of Cilium policies", "policy"),
    ),
    *_group(
        "crd.projectcalico.org",
        ("networkpolicies", "v1", "NetworkPolicy", NS, "who may connect to whom", "policy"),
        ("globalnetworkpolicies", "v1", "GlobalNetworkPolicy", ALL, "who may connect to whom", "policy"),
        ("networksets", "v1", "NetworkSet", NS, "address sets of Calico policies", "policy"),
        ("globalnetworksets", "v1", "GlobalNetworkSet", ALL, "address sets of Calico policies", "policy"),
        ("tiers", "v1", "Tier", ALL, "order of Calico policies", "policy"),
        ("hostendpoints", "v1", "HostEndpoint", ALL, "policies on nodes", "policy"),
        ("profiles", "v1", "Profile", ALL, "defaults of Calico", "policy"),
        ("felixconfigurations", "v1", "FelixConfiguration", ALL, "switches of Calico", "policy"),
    ),
    *_group(
        "projectcalico.org",
        ("networkpolicies", "v3", "NetworkPolicy", NS, "who may connect to whom", "policy"),
        ("globalnetworkpolicies", "v3", "GlobalNetworkPolicy", ALL, "who may connect to whom", "policy"),
        ("networksets", "v3", "NetworkSet", NS, "address sets of Calico policies", "policy"),
        ("globalnetworksets", "v3", "GlobalNetworkSet", ALL, "address sets of Calico policies", "policy"),
        ("tiers", "v3", "Tier", ALL, "order of Calico policies", "policy"),
        ("hostendpoints", "v3", "HostEndpoint", ALL, "policies on nodes", "policy"),
        ("profiles", "v3", "Profile", ALL, "defaults of Calico", "policy"),
        ("felixconfigurations", "v3", "FelixConfiguration", ALL, "switches of Calico", "policy"),
    ),
    *_group(
        "k8s.ovn.org",
        ("userdefinednetworks", "v1", "UserDefinedNetwork", NS, "namespaces with a network of their own", "policy"),
        (
            "clusteruserdefinednetworks",
            "v1",
            "ClusterUserDefinedNetwork",
            ALL,
            "namespaces with a network of their own",
            "policy",
        ),
    ),
    *_group(
        "k8s.cni.cncf.io",
        ("network-attachment-definitions", "v1", "NetworkAttachmentDefinition", NS, "further networks of pods"),
        ("multi-networkpolicies", "v1beta1 v1beta2", "MultiNetworkPolicy", NS, "policies on further networks of pods"),
    ),
    *_group(
        "networking.istio.io",
        ("gateways", "v1 v1beta1 v1alpha3", "Gateway", NS, "entry points of the mesh", "expose"),
        ("virtualservices", "v1 v1beta1 v1alpha3", "VirtualService", NS, "what a mesh gateway leads to", "expose"),
        ("destinationrules", "v1 v1beta1 v1alpha3", "DestinationRule", NS, "TLS inside the mesh"),
    ),
    *_group(
        "security.istio.io",
        ("authorizationpolicies", "v1 v1beta1", "AuthorizationPolicy", NS, "who may call whom in the mesh", "policy"),
        ("peerauthentications", "v1 v1beta1", "PeerAuthentication", NS, "mutual TLS in the mesh", "policy"),
        ("requestauthentications", "v1 v1beta1", "RequestAuthentication", NS, "tokens at the mesh's edge"),
    ),
    *_group(
        "route.openshift.io",
        ("routes", "v1", "Route", NS, "HTTP entry points", "expose", "route"),
    ),
    *_group(
        "operator.openshift.io",
        ("ingresscontrollers", "v1", "IngressController", NS, "scope of the router", "expose"),
    ),
    *_group(
        "config.openshift.io",
        ("networks", "v1", "Network", ALL_SEEN, "the network plugin in use"),
    ),
    *_group(
        "karpenter.k8s.aws",
        ("ec2nodeclasses", "v1 v1beta1", "EC2NodeClass", ALL, "metadata options of nodes"),
    ),
    *_group(
        "elbv2.k8s.aws",
        ("ingressclassparams", "v1beta1", "IngressClassParams", ALL, "scheme of load balancers", "expose"),
    ),
    *_group(
        "security.openshift.io",
        ("securitycontextconstraints", "v1", "SecurityContextConstraints", ALL, "what pods may ask for"),
    ),
    *_group(
        "cert-manager.io",
        ("certificates", "v1", "Certificate", NS, "expiry of certificates"),
    ),
    *_group(
        "monitoring.coreos.com",
        ("servicemonitors", "v1", "ServiceMonitor", NS, "which Services are scraped"),
    ),
    *_group(
        "extensions.agents.x-k8s.io",
        ("sandboxtemplates", "v1beta1 v1alpha1", "SandboxTemplate", NS, "sandboxes of agents"),
    ),
)

FILE_KINDS: tuple[Kind, ...] = (
    *_group("apps.openshift.io", ("deploymentconfigs", "v1", "DeploymentConfig", NS, "owners of pods; templates")),
    *_group("argoproj.io", ("rollouts", "v1alpha1", "Rollout", NS, "owners of pods; templates")),
)
"""Kinds with a pod template that are kept where files have them, though no cluster is asked for them (EXP-38)."""

NAMED_CONFIGMAPS: tuple[tuple[str, str], ...] = (
    ("kube-system", "coredns"),
    ("kube-system", "kube-proxy"),
    ("kube-system", "kubelet-config"),
    ("kube-system", "aws-auth"),
    ("kube-system", "cilium-config"),
    ("kube-system", "antrea-config"),
    ("kube-public", "cluster-info"),
)
"""The only ConfigMaps that are read, one ``get`` each (LP-04)."""

CONFIGMAPS = "configmaps"
"""Key under which the named ConfigMaps are kept; no other ConfigMap is ever asked for."""
NAMED_KIND = Kind("", CONFIGMAPS, ("v1",), "ConfigMap", True, Origin.OBSERVED, "settings of add-ons, IAM mappings")
"""The kind of the named ConfigMaps: no row of the table, because it is never listed."""

RBAC = tuple(
    f"{plural}.rbac.authorization.k8s.io" for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
)
WORKLOADS = (
    "pods",
    "replicationcontrollers",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
    "jobs.batch",
    "cronjobs.batch",
)
"""Kinds that carry a pod template, and pods."""


@cache
def by_key() -> dict[str, Kind]:
    """The table by ``plural.group``."""
    return {kind.key: kind for kind in KINDS}


@cache
def by_api_kind() -> dict[tuple[str, str], Kind]:
    """The table by (API group, kind), for documents that name their kind."""
    return {(kind.group, kind.kind): kind for kind in KINDS}


def expand(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Resources a policy's ``requires`` stands for: ``@rbac`` and the marks are spelled out, order kept, no repeats."""
    keys: dict[str, None] = {}
    for word in requires:
        if word == "@rbac":
            keys.update(dict.fromkeys(RBAC))
        elif word.startswith("@"):
            keys.update((kind.key, None) for kind in KINDS if word[1:] in kind.marks)
        else:
            keys[word] = None
    return tuple(keys)
