"""The one table of what is read: every resource of the default ClusterRole (report.md section 8), and why.

A row names the API group, plural, versions we understand (best first) and kind of a resource, whether it is namespaced,
and where it comes from: *authored* kinds are what people write, so files that lack them show their absence; *observed*
kinds are what a running cluster adds, so files that lack them show nothing (decisions.md, EXP-33). Marks serve the
``@policy``, ``@expose`` and ``@route`` tokens of a policy's ``requires``."""

from enum import StrEnum
from functools import cache

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


NAMESPACED, CLUSTER = True, False
AUTHORED, OBSERVED = Origin.AUTHORED, Origin.OBSERVED

KINDS: tuple[Kind, ...] = (
    Kind("", "namespaces", ("v1",), "Namespace", CLUSTER, AUTHORED, "labels that policies select; the cluster's id"),
    Kind("", "nodes", ("v1",), "Node", CLUSTER, OBSERVED, "addresses, provider and pool of every node"),
    Kind("", "pods", ("v1",), "Pod", NAMESPACED, AUTHORED, "what runs, where, and with which security settings"),
    Kind("", "services", ("v1",), "Service", NAMESPACED, AUTHORED, "entry points and what is behind them", ("expose",)),
    Kind(
        "",
        "serviceaccounts",
        ("v1",),
        "ServiceAccount",
        NAMESPACED,
        AUTHORED,
        "identities of workloads and whether their token is mounted",
    ),
    Kind(
        "",
        "endpoints",
        ("v1",),
        "Endpoints",
        NAMESPACED,
        OBSERVED,
        "endpoints where EndpointSlice is not served or refused",
    ),
    Kind("", "replicationcontrollers", ("v1",), "ReplicationController", NAMESPACED, AUTHORED, "owners of pods"),
    Kind("", "limitranges", ("v1",), "LimitRange", NAMESPACED, AUTHORED, "default limits of a namespace"),
    Kind("", "resourcequotas", ("v1",), "ResourceQuota", NAMESPACED, AUTHORED, "limits of a namespace"),
    Kind("", "persistentvolumes", ("v1",), "PersistentVolume", CLUSTER, AUTHORED, "volumes that are paths of a node"),
    Kind(
        "",
        "persistentvolumeclaims",
        ("v1",),
        "PersistentVolumeClaim",
        NAMESPACED,
        AUTHORED,
        "which workload mounts which volume",
    ),
    Kind("apps", "deployments", ("v1",), "Deployment", NAMESPACED, AUTHORED, "owners of pods; templates"),
    Kind("apps", "statefulsets", ("v1",), "StatefulSet", NAMESPACED, AUTHORED, "owners of pods; templates"),
    Kind(
        "apps",
        "daemonsets",
        ("v1",),
        "DaemonSet",
        NAMESPACED,
        AUTHORED,
        "owners of pods; templates; the network plugin in use",
    ),
    Kind("apps", "replicasets", ("v1",), "ReplicaSet", NAMESPACED, AUTHORED, "owner chain from pod to Deployment"),
    Kind("batch", "jobs", ("v1",), "Job", NAMESPACED, AUTHORED, "owner chain from pod to CronJob"),
    Kind("batch", "cronjobs", ("v1",), "CronJob", NAMESPACED, AUTHORED, "owners of pods; templates"),
    Kind(
        "networking.k8s.io",
        "networkpolicies",
        ("v1",),
        "NetworkPolicy",
        NAMESPACED,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind("networking.k8s.io", "ingresses", ("v1",), "Ingress", NAMESPACED, AUTHORED, "HTTP entry points", ("expose",)),
    Kind(
        "networking.k8s.io",
        "ingressclasses",
        ("v1",),
        "IngressClass",
        CLUSTER,
        OBSERVED,
        "which controller serves an Ingress",
    ),
    Kind(
        "networking.k8s.io", "servicecidrs", ("v1", "v1beta1"), "ServiceCIDR", CLUSTER, OBSERVED, "range of ClusterIPs"
    ),
    Kind(
        "policy.networking.k8s.io",
        "adminnetworkpolicies",
        ("v1alpha1",),
        "AdminNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "policies of the administrator",
        ("policy",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "baselineadminnetworkpolicies",
        ("v1alpha1",),
        "BaselineAdminNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "baseline policies",
        ("policy",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "clusternetworkpolicies",
        ("v1alpha2",),
        "ClusterNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "policies of the administrator",
        ("policy",),
    ),
    Kind(
        "discovery.k8s.io",
        "endpointslices",
        ("v1", "v1beta1"),
        "EndpointSlice",
        NAMESPACED,
        OBSERVED,
        "which pods a Service leads to",
    ),
    Kind(
        "rbac.authorization.k8s.io", "roles", ("v1",), "Role", NAMESPACED, AUTHORED, "what may be done in a namespace"
    ),
    Kind("rbac.authorization.k8s.io", "rolebindings", ("v1",), "RoleBinding", NAMESPACED, AUTHORED, "who may do it"),
    Kind("rbac.authorization.k8s.io", "clusterroles", ("v1",), "ClusterRole", CLUSTER, AUTHORED, "what may be done"),
    Kind(
        "rbac.authorization.k8s.io",
        "clusterrolebindings",
        ("v1",),
        "ClusterRoleBinding",
        CLUSTER,
        AUTHORED,
        "who may do it everywhere",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        ("v1",),
        "ValidatingWebhookConfiguration",
        CLUSTER,
        AUTHORED,
        "what admission can refuse",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        ("v1",),
        "MutatingWebhookConfiguration",
        CLUSTER,
        AUTHORED,
        "what admission can change",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        ("v1", "v1beta1"),
        "ValidatingAdmissionPolicy",
        CLUSTER,
        AUTHORED,
        "what admission can refuse",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        ("v1", "v1beta1"),
        "ValidatingAdmissionPolicyBinding",
        CLUSTER,
        AUTHORED,
        "where those policies apply",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicies",
        ("v1", "v1beta1", "v1alpha1"),
        "MutatingAdmissionPolicy",
        CLUSTER,
        AUTHORED,
        "what admission can change",
    ),
    Kind(
        "admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings",
        ("v1", "v1beta1", "v1alpha1"),
        "MutatingAdmissionPolicyBinding",
        CLUSTER,
        AUTHORED,
        "where those policies apply",
    ),
    Kind(
        "apiregistration.k8s.io",
        "apiservices",
        ("v1",),
        "APIService",
        CLUSTER,
        OBSERVED,
        "which groups another server answers",
    ),
    Kind(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        ("v1",),
        "CustomResourceDefinition",
        CLUSTER,
        AUTHORED,
        "conversion webhooks; kinds of operators",
    ),
    Kind(
        "certificates.k8s.io",
        "certificatesigningrequests",
        ("v1",),
        "CertificateSigningRequest",
        CLUSTER,
        AUTHORED,
        "client certificates that were asked for",
    ),
    Kind("storage.k8s.io", "storageclasses", ("v1",), "StorageClass", CLUSTER, AUTHORED, "encryption of volumes"),
    Kind("storage.k8s.io", "csidrivers", ("v1",), "CSIDriver", CLUSTER, AUTHORED, "tokens that drivers ask for"),
    Kind("node.k8s.io", "runtimeclasses", ("v1",), "RuntimeClass", CLUSTER, AUTHORED, "sandboxed runtimes"),
    Kind(
        "policy",
        "poddisruptionbudgets",
        ("v1",),
        "PodDisruptionBudget",
        NAMESPACED,
        AUTHORED,
        "evictions that are blocked",
    ),
    Kind(
        "autoscaling",
        "horizontalpodautoscalers",
        ("v2", "v1"),
        "HorizontalPodAutoscaler",
        NAMESPACED,
        AUTHORED,
        "targets of scaling",
    ),
    Kind(
        "gateway.networking.k8s.io",
        "gatewayclasses",
        ("v1", "v1beta1"),
        "GatewayClass",
        CLUSTER,
        OBSERVED,
        "which controller serves a Gateway",
        ("expose",),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "gateways",
        ("v1", "v1beta1"),
        "Gateway",
        NAMESPACED,
        AUTHORED,
        "entry points",
        ("expose",),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "httproutes",
        ("v1", "v1beta1"),
        "HTTPRoute",
        NAMESPACED,
        AUTHORED,
        "what a Gateway leads to",
        ("expose", "route"),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "grpcroutes",
        ("v1", "v1alpha2"),
        "GRPCRoute",
        NAMESPACED,
        AUTHORED,
        "what a Gateway leads to",
        ("expose", "route"),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "tlsroutes",
        ("v1", "v1alpha3", "v1alpha2"),
        "TLSRoute",
        NAMESPACED,
        AUTHORED,
        "what a Gateway leads to",
        ("expose", "route"),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "tcproutes",
        ("v1", "v1alpha2"),
        "TCPRoute",
        NAMESPACED,
        AUTHORED,
        "what a Gateway leads to",
        ("expose", "route"),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "udproutes",
        ("v1", "v1alpha2"),
        "UDPRoute",
        NAMESPACED,
        AUTHORED,
        "what a Gateway leads to",
        ("expose", "route"),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "referencegrants",
        ("v1", "v1beta1"),
        "ReferenceGrant",
        NAMESPACED,
        AUTHORED,
        "references across namespaces",
        ("expose",),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "listenersets",
        ("v1",),
        "ListenerSet",
        NAMESPACED,
        AUTHORED,
        "further listeners of a Gateway",
        ("expose",),
    ),
    Kind(
        "gateway.networking.k8s.io",
        "backendtlspolicies",
        ("v1", "v1alpha3"),
        "BackendTLSPolicy",
        NAMESPACED,
        AUTHORED,
        "TLS behind a Gateway",
    ),
    Kind(
        "multicluster.x-k8s.io",
        "serviceexports",
        ("v1alpha1",),
        "ServiceExport",
        NAMESPACED,
        AUTHORED,
        "Services other clusters may use",
        ("expose",),
    ),
    Kind(
        "cilium.io",
        "ciliumnetworkpolicies",
        ("v2",),
        "CiliumNetworkPolicy",
        NAMESPACED,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "cilium.io",
        "ciliumclusterwidenetworkpolicies",
        ("v2",),
        "CiliumClusterwideNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "cilium.io",
        "ciliumcidrgroups",
        ("v2", "v2alpha1"),
        "CiliumCIDRGroup",
        CLUSTER,
        AUTHORED,
        "address sets of Cilium policies",
        ("policy",),
    ),
    Kind(
        "crd.projectcalico.org",
        "networkpolicies",
        ("v1",),
        "NetworkPolicy",
        NAMESPACED,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "crd.projectcalico.org",
        "globalnetworkpolicies",
        ("v1",),
        "GlobalNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "crd.projectcalico.org",
        "networksets",
        ("v1",),
        "NetworkSet",
        NAMESPACED,
        AUTHORED,
        "address sets of Calico policies",
        ("policy",),
    ),
    Kind(
        "crd.projectcalico.org",
        "globalnetworksets",
        ("v1",),
        "GlobalNetworkSet",
        CLUSTER,
        AUTHORED,
        "address sets of Calico policies",
        ("policy",),
    ),
    Kind("crd.projectcalico.org", "tiers", ("v1",), "Tier", CLUSTER, AUTHORED, "order of Calico policies", ("policy",)),
    Kind(
        "crd.projectcalico.org",
        "hostendpoints",
        ("v1",),
        "HostEndpoint",
        CLUSTER,
        AUTHORED,
        "policies on nodes",
        ("policy",),
    ),
    Kind("crd.projectcalico.org", "profiles", ("v1",), "Profile", CLUSTER, AUTHORED, "defaults of Calico", ("policy",)),
    Kind(
        "crd.projectcalico.org",
        "felixconfigurations",
        ("v1",),
        "FelixConfiguration",
        CLUSTER,
        AUTHORED,
        "switches of Calico",
        ("policy",),
    ),
    Kind(
        "projectcalico.org",
        "networkpolicies",
        ("v3",),
        "NetworkPolicy",
        NAMESPACED,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "projectcalico.org",
        "globalnetworkpolicies",
        ("v3",),
        "GlobalNetworkPolicy",
        CLUSTER,
        AUTHORED,
        "who may connect to whom",
        ("policy",),
    ),
    Kind(
        "projectcalico.org",
        "networksets",
        ("v3",),
        "NetworkSet",
        NAMESPACED,
        AUTHORED,
        "address sets of Calico policies",
        ("policy",),
    ),
    Kind(
        "projectcalico.org",
        "globalnetworksets",
        ("v3",),
        "GlobalNetworkSet",
        CLUSTER,
        AUTHORED,
        "address sets of Calico policies",
        ("policy",),
    ),
    Kind("projectcalico.org", "tiers", ("v3",), "Tier", CLUSTER, AUTHORED, "order of Calico policies", ("policy",)),
    Kind(
        "projectcalico.org",
        "hostendpoints",
        ("v3",),
        "HostEndpoint",
        CLUSTER,
        AUTHORED,
        "policies on nodes",
        ("policy",),
    ),
    Kind("projectcalico.org", "profiles", ("v3",), "Profile", CLUSTER, AUTHORED, "defaults of Calico", ("policy",)),
    Kind(
        "projectcalico.org",
        "felixconfigurations",
        ("v3",),
        "FelixConfiguration",
        CLUSTER,
        AUTHORED,
        "switches of Calico",
        ("policy",),
    ),
    Kind(
        "networking.istio.io",
        "gateways",
        ("v1", "v1beta1", "v1alpha3"),
        "Gateway",
        NAMESPACED,
        AUTHORED,
        "entry points of the mesh",
        ("expose",),
    ),
    Kind(
        "networking.istio.io",
        "virtualservices",
        ("v1", "v1beta1", "v1alpha3"),
        "VirtualService",
        NAMESPACED,
        AUTHORED,
        "what a mesh gateway leads to",
        ("expose",),
    ),
    Kind(
        "networking.istio.io",
        "destinationrules",
        ("v1", "v1beta1", "v1alpha3"),
        "DestinationRule",
        NAMESPACED,
        AUTHORED,
        "TLS inside the mesh",
    ),
    Kind(
        "security.istio.io",
        "authorizationpolicies",
        ("v1", "v1beta1"),
        "AuthorizationPolicy",
        NAMESPACED,
        AUTHORED,
        "who may call whom in the mesh",
        ("policy",),
    ),
    Kind(
        "security.istio.io",
        "peerauthentications",
        ("v1", "v1beta1"),
        "PeerAuthentication",
        NAMESPACED,
        AUTHORED,
        "mutual TLS in the mesh",
        ("policy",),
    ),
    Kind(
        "security.istio.io",
        "requestauthentications",
        ("v1", "v1beta1"),
        "RequestAuthentication",
        NAMESPACED,
        AUTHORED,
        "tokens at the mesh's edge",
    ),
    Kind(
        "route.openshift.io", "routes", ("v1",), "Route", NAMESPACED, AUTHORED, "HTTP entry points", ("expose", "route")
    ),
    Kind(
        "operator.openshift.io",
        "ingresscontrollers",
        ("v1",),
        "IngressController",
        NAMESPACED,
        AUTHORED,
        "scope of the router",
        ("expose",),
    ),
    Kind("config.openshift.io", "networks", ("v1",), "Network", CLUSTER, OBSERVED, "the network plugin in use"),
    Kind(
        "karpenter.k8s.aws",
        "ec2nodeclasses",
        ("v1", "v1beta1"),
        "EC2NodeClass",
        CLUSTER,
        AUTHORED,
        "metadata options of nodes",
    ),
    Kind(
        "elbv2.k8s.aws",
        "ingressclassparams",
        ("v1beta1",),
        "IngressClassParams",
        CLUSTER,
        AUTHORED,
        "scheme of load balancers",
        ("expose",),
    ),
    Kind(
        "security.openshift.io",
        "securitycontextconstraints",
        ("v1",),
        "SecurityContextConstraints",
        CLUSTER,
        AUTHORED,
        "what pods may ask for",
    ),
    Kind("cert-manager.io", "certificates", ("v1",), "Certificate", NAMESPACED, AUTHORED, "expiry of certificates"),
    Kind(
        "monitoring.coreos.com",
        "servicemonitors",
        ("v1",),
        "ServiceMonitor",
        NAMESPACED,
        AUTHORED,
        "which Services are scraped",
    ),
    Kind(
        "extensions.agents.x-k8s.io",
        "sandboxtemplates",
        ("v1beta1", "v1alpha1"),
        "SandboxTemplate",
        NAMESPACED,
        AUTHORED,
        "sandboxes of agents",
    ),
)

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
