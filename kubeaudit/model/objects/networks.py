"""Kinds of k8s.ovn.org/v1 and k8s.cni.cncf.io/v1 that give pods further networks, or one in place of the cluster's own;
only the fields that are read.
"""

import msgspec
from msgspec import Struct

from kubeaudit.model.looks import Looks
from kubeaudit.model.objects.meta import LabelSelector, Metadata

USER_DEFINED = "userdefinednetworks.k8s.ovn.org"
CLUSTER_USER_DEFINED = "clusteruserdefinednetworks.k8s.ovn.org"
ATTACHMENTS = "network-attachment-definitions.k8s.cni.cncf.io"
MULTI_POLICIES = "multi-networkpolicies.k8s.cni.cncf.io"
_PRIMARY = "Primary"


class Layer(Struct, frozen=True):
    """k8s.ovn.org/v1 Layer2Config and Layer3Config."""

    role: str = ""


class NetworkSpec(Struct, frozen=True):
    """k8s.ovn.org/v1 UserDefinedNetworkSpec and NetworkSpec."""

    layer2: Layer = Layer()
    layer3: Layer = Layer()

    @property
    def is_primary(self) -> bool:
        """Whether it takes the place of the cluster's own network."""
        return _PRIMARY in (self.layer2.role, self.layer3.role)


class UserDefinedNetwork(Struct, frozen=True):
    """k8s.ovn.org/v1 UserDefinedNetwork, a network of its namespace."""

    metadata: Metadata
    spec: NetworkSpec = NetworkSpec()


class ClusterNetworkSpec(Struct, frozen=True, rename="camel"):
    """k8s.ovn.org/v1 ClusterUserDefinedNetworkSpec."""

    namespace_selector: LabelSelector = LabelSelector()
    network: NetworkSpec = NetworkSpec()


class ClusterUserDefinedNetwork(Struct, frozen=True):
    """k8s.ovn.org/v1 ClusterUserDefinedNetwork, a network of the namespaces that it selects."""

    metadata: Metadata
    spec: ClusterNetworkSpec = ClusterNetworkSpec()


class AttachmentSpec(Struct, frozen=True):
    """k8s.cni.cncf.io/v1 NetworkAttachmentDefinitionSpec; ``config`` is JSON of the plugin."""

    config: str = ""


class NetworkAttachmentDefinition(Struct, frozen=True):
    """k8s.cni.cncf.io/v1 NetworkAttachmentDefinition."""

    metadata: Metadata
    spec: AttachmentSpec = AttachmentSpec()

    @property
    def is_primary(self) -> bool:
        """Whether OVN-Kubernetes puts it in the place of the cluster's own network."""
        try:
            return msgspec.json.decode(self.spec.config or "{}", type=_Config).role.capitalize() == _PRIMARY
        except msgspec.MsgspecError:
            return False


class _Config(Struct, frozen=True):
    role: str = ""


def nothing(_: object) -> Looks:
    """They compare no pods."""
    return Looks()
