"""What a version of a plugin does beside the table of profiles (network.md, 3.7; NET-24, NET-78, NET-149)."""

import re
from collections.abc import Callable

from msgspec import Struct, structs

from kubeaudit.model.objects.pods import Container
from kubeaudit.network.cilium.switches import PORT_RANGES
from kubeaudit.network.cilium.switches import VERSION as _CILIUM_IMAGE
from kubeaudit.network.plugin.cni import CniProfile
from kubeaudit.network.plugin.profiles import ADMIN, CLUSTER
from kubeaudit.settings import Fact

_CALICO_IMAGE = re.compile(r"(?:^|[/-])node:v?(\d+)\.(\d+)")
_CALICO_ADMIN, _CALICO_CLUSTER = (3, 29), (3, 32)
"""First versions of Calico with AdminNetworkPolicy, and with ClusterNetworkPolicy in its place."""
_CALICO_END_PORT, _CALICO_NO_END_PORT = (3, 20), (3, 18)
"""Calico reads ``endPort`` from 3.20 on, and up to 3.18 it does not; patches of 3.19 differ (libcalico-go#1357)."""
_ANTREA_IMAGE = re.compile(r"antrea/antrea-(?:agent-)?ubuntu:v?(\d+)\.(\d+)")
_ANTREA_END_PORT = (1, 1)
"""First version of Antrea that reads ``endPort`` (antrea#2190)."""
_AWS_AGENT_IMAGE = re.compile(r"network-policy-agent:v?(\d+)\.(\d+)\.(\d+)")
_AWS_AGENTS = ("aws-network-policy-agent", "aws-eks-nodeagent")
_AWS_EXCEPTIONS = (1, 0, 4)
"""First version of the agent of the AWS VPC CNI that keeps to the exceptions of ipBlocks (NET-149)."""
_EVERY = (*ADMIN, *CLUSTER)
_KNP_BUILDS = {"npa-v1alpha1": ADMIN, "npa-v1alpha2": CLUSTER}
"""What builds of kube-network-policies implement, by their image tags."""


class Tiers(Struct, frozen=True):
    """The kinds of the two tiers that a version implements, and those it may; all others of them it does not."""

    implements: tuple[str, ...] = ()
    may_implement: tuple[str, ...] = ()


class Release(Struct, frozen=True):
    """What the version tells; None where it tells no more than the table."""

    tiers: Tiers | None = None
    end_port: Fact | None = None
    exceptions_hold: Fact | None = None

    def told(self, found: CniProfile) -> CniProfile:
        """A profile with what its version tells."""
        if self.end_port is not None:
            found = structs.replace(found, end_port=self.end_port)
        if self.exceptions_hold is not None:
            found = structs.replace(found, exceptions_hold=self.exceptions_hold)
        if self.tiers is None:
            return found
        implements, may_implement = (
            tuple(kind for kind in kinds if kind not in _EVERY) for kinds in (found.implements, found.may_implement)
        )
        return structs.replace(
            found,
            implements=(*implements, *self.tiers.implements),
            may_implement=(*may_implement, *self.tiers.may_implement),
        )


def _calico(containers: tuple[Container, ...]) -> Release:
    version = _version(containers, _CALICO_IMAGE)
    if version is None:
        return Release()
    tiers = Tiers(CLUSTER if version >= _CALICO_CLUSTER else ADMIN if version >= _CALICO_ADMIN else ())
    if _CALICO_NO_END_PORT < version < _CALICO_END_PORT:
        return Release(tiers, Fact.UNKNOWN)
    return Release(tiers, Fact.YES if version >= _CALICO_END_PORT else Fact.NO)


def _cilium(containers: tuple[Container, ...]) -> Release:
    version = _version(containers, _CILIUM_IMAGE)
    return Release() if version is None else Release(end_port=Fact.YES if version >= PORT_RANGES else Fact.NO)


def _antrea(containers: tuple[Container, ...]) -> Release:
    version = _version(containers, _ANTREA_IMAGE)
    return Release() if version is None else Release(end_port=Fact.YES if version >= _ANTREA_END_PORT else Fact.NO)


def _kube_network_policies(containers: tuple[Container, ...]) -> Release:
    for container in containers:
        for build, kinds in _KNP_BUILDS.items():
            if build in container.image:
                return Release(Tiers(kinds))
    return Release(Tiers(may_implement=_EVERY))


def aws_agents(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    """The containers that enforce policies beside the AWS VPC CNI."""
    return tuple(container for container in containers if container.name in _AWS_AGENTS)


def _aws(containers: tuple[Container, ...]) -> Release:
    """Not known of an agent whose image tells no version."""
    for agent in aws_agents(containers):
        found = _AWS_AGENT_IMAGE.search(agent.image)
        if found is None or tuple(map(int, found.groups())) < _AWS_EXCEPTIONS:
            return Release(exceptions_hold=Fact.UNKNOWN)
    return Release()


def _version(containers: tuple[Container, ...], image: re.Pattern[str]) -> tuple[int, int] | None:
    for container in containers:
        found = image.search(container.image)
        if found:
            return int(found[1]), int(found[2])
    return None


RELEASES: dict[str, Callable[[tuple[Container, ...]], Release]] = {
    "antrea": _antrea,
    "aws-vpc-cni": _aws,
    "calico": _calico,
    "canal": _calico,
    "cilium": _cilium,
    "kube-network-policies": _kube_network_policies,
}
"""By profile name."""
