"""How RBAC objects are named, and the keys of the four kinds (see ``kinds``)."""

from kubeaudit.model.objects.meta import Metadata
from kubeaudit.refs import ObjectRef

GROUP = "rbac.authorization.k8s.io"
ROLES = f"roles.{GROUP}"
CLUSTER_ROLES = f"clusterroles.{GROUP}"
ROLE_BINDINGS = f"rolebindings.{GROUP}"
CLUSTER_ROLE_BINDINGS = f"clusterrolebindings.{GROUP}"


def ref(kind: str, metadata: Metadata) -> ObjectRef:
    """An RBAC object as it names itself; a cluster-scoped manifest may carry a namespace, which means nothing."""
    return ObjectRef(kind, metadata.namespace, metadata.name, GROUP)
