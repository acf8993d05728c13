"""Kinds of rbac.authorization.k8s.io/v1 and certificates.k8s.io/v1, only the fields that are read."""

from msgspec import Struct

from kubeaudit.model.objects.meta import LabelSelector, Metadata


class PolicyRule(
    Struct,
    frozen=True,
    rename={"api_groups": "apiGroups", "resource_names": "resourceNames", "non_resource_urls": "nonResourceURLs"},
):
    """rbac/v1 PolicyRule."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


class AggregationRule(Struct, frozen=True, rename="camel"):
    """rbac/v1 AggregationRule."""

    cluster_role_selectors: tuple[LabelSelector, ...] = ()


class Role(Struct, frozen=True, rename="camel"):
    """rbac/v1 Role or ClusterRole; a ClusterRole has no namespace."""

    metadata: Metadata
    rules: tuple[PolicyRule, ...] = ()
    aggregation_rule: AggregationRule | None = None


class RoleRef(Struct, frozen=True):
    """rbac/v1 RoleRef."""

    kind: str = ""
    name: str = ""


class RbacSubject(Struct, frozen=True):
    """rbac/v1 Subject."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class Binding(Struct, frozen=True, rename="camel"):
    """rbac/v1 RoleBinding or ClusterRoleBinding; a ClusterRoleBinding has no namespace."""

    metadata: Metadata
    role_ref: RoleRef = RoleRef()
    subjects: tuple[RbacSubject, ...] = ()


class CSRSpec(Struct, frozen=True, rename="camel"):
    """certificates/v1 CertificateSigningRequestSpec."""

    signer_name: str = ""
    username: str = ""
    groups: tuple[str, ...] = ()


class CertificateSigningRequest(Struct, frozen=True):
    """certificates/v1 CertificateSigningRequest."""

    metadata: Metadata
    spec: CSRSpec = CSRSpec()
