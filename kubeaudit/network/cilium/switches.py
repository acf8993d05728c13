"""What the agent's ConfigMap and image say of Cilium (network.md, table of 3.7)."""

import re

from msgspec import Struct

from kubeaudit.model.cluster import Cluster
from kubeaudit.settings import Fact

CONFIG = ("kube-system", "cilium-config")
FIREWALL = "enable-host-firewall"
"""The switch of policies of nodes (NET-114)."""
VERSION = re.compile(r"cilium/cilium(?:-ci)?:v?(\d+)\.(\d+)")
"""Release in the image of the agent."""
_DEFAULT_CLUSTER = "default"

DEFAULT_DENY = (1, 16)
"""The release that reads ``enableDefaultDeny`` (cilium#35558)."""
PORT_RANGES = (1, 16)
"""The release that reads ``endPort`` (cilium#32807); those before drop the field."""
SERVICE_SELECTORS = (1, 17)
"""The release that resolves Services with a selector, and takes ``toPorts`` beside them (cilium#34208)."""
NO_EMPTY_RULE = (1, 17)
"""The release that refuses a rule without any section (cilium#35558)."""
NO_REQUIRES = (1, 19)
"""The release without ``fromRequires`` and ``toRequires`` (NET-113)."""
NODES_BY_CIDR = (1, 15)
"""The release that reads ``policy-cidr-match-mode`` (NET-39)."""


class CiliumSwitches(Struct, frozen=True):
    """``version`` is that of the agent's image, None where it cannot be told; ``config`` is None where it was not
    read.
    """

    version: tuple[int, int] | None = None
    config: dict[str, str] | None = None

    def since(self, release: tuple[int, int]) -> Fact:
        """Whether the agent is of a release or a later one."""
        if self.version is None:
            return Fact.UNKNOWN
        return Fact.YES if self.version >= release else Fact.NO

    def on(self, name: str) -> Fact:
        """A switch that is off where the ConfigMap does not have it."""
        if self.config is None:
            return Fact.UNKNOWN
        return Fact.YES if self.config.get(name, "").lower() == "true" else Fact.NO

    @property
    def cluster_name(self) -> str | None:
        """The value of the label ``io.cilium.k8s.policy.cluster``; None where it is not known."""
        return None if self.config is None else self.config.get("cluster-name", _DEFAULT_CLUSTER)

    @property
    def custom_labels(self) -> bool:
        """Whether the cluster chooses itself which labels count for policies."""
        return bool((self.config or {}).get("labels") or (self.config or {}).get("label-prefix-file"))

    @property
    def reads_default_deny(self) -> bool:
        """Whether ``enableDefaultDeny`` of a policy counts; of a release that is not known it does."""
        switched_off = (self.config or {}).get("enable-non-default-deny-policies", "").lower() == "false"
        return not switched_off and self.since(DEFAULT_DENY) is not Fact.NO

    @property
    def nodes_by_cidr(self) -> Fact:
        """Whether CIDR rules match addresses of nodes (NET-39)."""
        if self.config is None:
            return Fact.UNKNOWN
        chosen = "nodes" in self.config.get("policy-cidr-match-mode", "").split(",")
        return Fact.YES if chosen and self.since(NODES_BY_CIDR) is not Fact.NO else Fact.NO


def switches(cluster: Cluster) -> CiliumSwitches:
    """What this cluster shows of Cilium."""
    config = cluster.config_maps.get(CONFIG)
    return CiliumSwitches(_version(cluster), None if config is None else config.data)


def _version(cluster: Cluster) -> tuple[int, int] | None:
    for cls in cluster.classes:
        if cluster.workloads[cls.workload].ref.kind == "DaemonSet":
            for container in cls.shape.containers:
                found = VERSION.search(container.image)
                if found:
                    return int(found.group(1)), int(found.group(2))
    return None
