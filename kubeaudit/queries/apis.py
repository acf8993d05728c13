"""The resources that kubectl's words may mean: those every API server serves, the kinds that are read, and CRDs."""

from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from kubeaudit.kinds import FILE_KINDS, KINDS
from kubeaudit.model.decode import objects
from kubeaudit.model.objects.meta import Metadata
from kubeaudit.snapshot import Snapshot

ANY_SUBRESOURCES = frozenset(["status", "scale", "finalizers"])
"""Subresources that many kinds have, custom ones included; ``finalizers`` exists for authorization alone."""
_CRDS = "customresourcedefinitions.apiextensions.k8s.io"


class Api(Struct, frozen=True):
    """One resource: API group, plural, kind, whether it is namespaced, short names and subresources of its own."""

    group: str
    plural: str
    kind: str
    namespaced: bool
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """Every word that means it: plural, singular and short names, in lower case."""
        return (self.plural, self.kind.lower(), *self.short)


_BUILTIN = """
core               bindings=Binding ns
core               componentstatuses=ComponentStatus cluster cs
core               configmaps=ConfigMap ns cm
core               endpoints=Endpoints ns ep
core               events=Event ns ev
core               limitranges=LimitRange ns limits
core               namespaces=Namespace cluster ns /finalize
core               nodes=Node cluster no /proxy /log /stats /metrics /checkpoint /configz /healthz /pods /spec /statusz
core               persistentvolumeclaims=PersistentVolumeClaim ns pvc
core               persistentvolumes=PersistentVolume cluster pv
core               pods=Pod ns po /attach /binding /ephemeralcontainers /eviction /exec /log /portforward /proxy /resize
core               podtemplates=PodTemplate ns
core               replicationcontrollers=ReplicationController ns rc
core               resourcequotas=ResourceQuota ns quota
core               secrets=Secret ns
core               serviceaccounts=ServiceAccount ns sa /token
core               services=Service ns svc /proxy
apps               controllerrevisions=ControllerRevision ns
apps               daemonsets=DaemonSet ns ds
apps               deployments=Deployment ns deploy /rollback
apps               replicasets=ReplicaSet ns rs
apps               statefulsets=StatefulSet ns sts
batch              cronjobs=CronJob ns cj
batch              jobs=Job ns
autoscaling        horizontalpodautoscalers=HorizontalPodAutoscaler ns hpa
policy             poddisruptionbudgets=PodDisruptionBudget ns pdb
policy             podsecuritypolicies=PodSecurityPolicy cluster psp
networking.k8s.io  ingressclasses=IngressClass cluster
networking.k8s.io  ingresses=Ingress ns ing
networking.k8s.io  ipaddresses=IPAddress cluster ip
networking.k8s.io  networkpolicies=NetworkPolicy ns netpol
networking.k8s.io  servicecidrs=ServiceCIDR cluster
discovery.k8s.io   endpointslices=EndpointSlice ns
rbac.authorization.k8s.io clusterrolebindings=ClusterRoleBinding cluster
rbac.authorization.k8s.io clusterroles=ClusterRole cluster
rbac.authorization.k8s.io rolebindings=RoleBinding ns
rbac.authorization.k8s.io roles=Role ns
admissionregistration.k8s.io mutatingadmissionpolicies=MutatingAdmissionPolicy cluster
admissionregistration.k8s.io mutatingadmissionpolicybindings=MutatingAdmissionPolicyBinding cluster
admissionregistration.k8s.io mutatingwebhookconfigurations=MutatingWebhookConfiguration cluster
admissionregistration.k8s.io validatingadmissionpolicies=ValidatingAdmissionPolicy cluster
admissionregistration.k8s.io validatingadmissionpolicybindings=ValidatingAdmissionPolicyBinding cluster
admissionregistration.k8s.io validatingwebhookconfigurations=ValidatingWebhookConfiguration cluster
apiextensions.k8s.io customresourcedefinitions=CustomResourceDefinition cluster crd crds
apiregistration.k8s.io apiservices=APIService cluster
authentication.k8s.io selfsubjectreviews=SelfSubjectReview cluster
authentication.k8s.io tokenreviews=TokenReview cluster
authorization.k8s.io localsubjectaccessreviews=LocalSubjectAccessReview ns
authorization.k8s.io selfsubjectaccessreviews=SelfSubjectAccessReview cluster
authorization.k8s.io selfsubjectrulesreviews=SelfSubjectRulesReview cluster
authorization.k8s.io subjectaccessreviews=SubjectAccessReview cluster
certificates.k8s.io certificatesigningrequests=CertificateSigningRequest cluster csr /approval
certificates.k8s.io clustertrustbundles=ClusterTrustBundle cluster
certificates.k8s.io podcertificaterequests=PodCertificateRequest ns
coordination.k8s.io leasecandidates=LeaseCandidate ns
coordination.k8s.io leases=Lease ns
events.k8s.io      events=Event ns ev
flowcontrol.apiserver.k8s.io flowschemas=FlowSchema cluster
flowcontrol.apiserver.k8s.io prioritylevelconfigurations=PriorityLevelConfiguration cluster
node.k8s.io        runtimeclasses=RuntimeClass cluster
resource.k8s.io    deviceclasses=DeviceClass cluster
resource.k8s.io    devicetaintrules=DeviceTaintRule cluster
resource.k8s.io    resourceclaims=ResourceClaim ns /binding /driver
resource.k8s.io    resourceclaimtemplates=ResourceClaimTemplate ns
resource.k8s.io    resourceslices=ResourceSlice cluster
scheduling.k8s.io  priorityclasses=PriorityClass cluster pc
storage.k8s.io     csidrivers=CSIDriver cluster
storage.k8s.io     csinodes=CSINode cluster
storage.k8s.io     csistoragecapacities=CSIStorageCapacity ns
storage.k8s.io     storageclasses=StorageClass cluster sc
storage.k8s.io     volumeattachments=VolumeAttachment cluster
storage.k8s.io     volumeattributesclasses=VolumeAttributesClass cluster vac
storagemigration.k8s.io storageversionmigrations=StorageVersionMigration cluster
core               users=User cluster
core               groups=Group cluster
authentication.k8s.io uids=UID cluster
authentication.k8s.io userextras=UserExtra cluster
certificates.k8s.io signers=Signer cluster
metrics.k8s.io     nodes=NodeMetrics cluster
metrics.k8s.io     pods=PodMetrics ns
"""
"""Group, plural and kind, scope, short names and ``/subresources``, in the order in which kubectl prefers them.

The last rows are no objects: the authorizer alone knows users, groups, uids, userextras and signers.
"""


@cache
def builtin() -> tuple[Api, ...]:
    """Resources of a Kubernetes 1.36 API server, and kinds of add-ons that are read anyway."""
    rows = tuple(_row(line.split()) for line in _BUILTIN.strip().splitlines())
    known = {(row.group, row.plural) for row in rows}
    others = (kind for kind in (*KINDS, *FILE_KINDS) if (kind.group, kind.resource) not in known)
    return (*rows, *(Api(kind.group, kind.resource, kind.kind, kind.namespaced) for kind in others))


def _row(cells: list[str]) -> Api:
    group, name, scope, *rest = cells
    plural, _, kind = name.partition("=")
    short = tuple(word for word in rest if not word.startswith("/"))
    subresources = tuple(word[1:] for word in rest if word.startswith("/"))
    return Api("" if group == "core" else group, plural, kind, scope == "ns", short, subresources)


class _Names(Struct, frozen=True, rename="camel"):
    plural: str = ""
    kind: str = ""
    singular: str = ""
    short_names: tuple[str, ...] = ()


class _Spec(Struct, frozen=True):
    group: str = ""
    scope: str = ""
    names: _Names = _Names()


class _Definition(Struct, frozen=True):
    """apiextensions/v1 CustomResourceDefinition, only the words of its kind."""

    metadata: Metadata
    spec: _Spec = _Spec()


def served(snapshot: Snapshot) -> tuple[Api, ...]:
    """The resources of a cluster: the built-in ones, then those of its CustomResourceDefinitions by group."""
    known = {(api.group, api.plural) for api in builtin()}
    found = sorted(_custom(snapshot), key=lambda api: (api.group, api.plural))
    return (*builtin(), *(api for api in found if (api.group, api.plural) not in known))


def _custom(snapshot: Snapshot) -> Iterator[Api]:
    # A definition that does not fit its type is reported where the cluster is decoded; here it only gives no words.
    for definition in objects(snapshot, _CRDS, _Definition, []):
        names = definition.spec.names
        short = tuple(word for word in (names.singular, *names.short_names) if word)
        if names.plural:
            yield Api(definition.spec.group, names.plural, names.kind, definition.spec.scope != "Cluster", short)
