"""Which policies of the Admin and Baseline tiers a version of a plugin implements (NET-78; network.md, 3.7)."""

import re
from collections.abc import Callable

from msgspec import Struct, structs

from kubeaudit.model.objects.pods import Container
from kubeaudit.network.cni import CniProfile
from kubeaudit.network.profiles import ADMIN, CLUSTER

_CALICO_IMAGE = re.compile(r"(?:^|[/-])node:v?(\d+)\.(\d+)")
_CALICO_ADMIN, _CALICO_CLUSTER = (3, 29), (3, 32)
"""First versions of Calico with AdminNetworkPolicy, and with ClusterNetworkPolicy in its place."""
_EVERY = (*ADMIN, *CLUSTER)
_KNP_BUILDS = {"npa-v1alpha1": ADMIN, "npa-v1alpha2": CLUSTER}
"""What builds of kube-network-policies implement, by their image tags."""


class Tiers(Struct, frozen=True):
    """The kinds of the two tiers that a version implements, and those it may; all others of them it does not."""

    implements: tuple[str, ...] = ()
    may_implement: tuple[str, ...] = ()

    def told(self, found: CniProfile) -> CniProfile:
        """A profile with what its version tells."""
        implements, may_implement = (
            tuple(kind for kind in kinds if kind not in _EVERY) for kinds in (found.implements, found.may_implement)
        )
        return structs.replace(
            found,
            implements=(*implements, *self.implements),
            may_implement=(*may_implement, *self.may_implement),
        )


def _calico(containers: tuple[Container, ...]) -> Tiers | None:
    for container in containers:
        found = _CALICO_IMAGE.search(container.image)
        if found:
            version = (int(found[1]), int(found[2]))
            return Tiers(CLUSTER if version >= _CALICO_CLUSTER else ADMIN if version >= _CALICO_ADMIN else ())
    return None


def _kube_network_policies(containers: tuple[Container, ...]) -> Tiers | None:
    for container in containers:
        for build, kinds in _KNP_BUILDS.items():
            if build in container.image:
                return Tiers(kinds)
    return Tiers(may_implement=_EVERY)


TIERS: dict[str, Callable[[tuple[Container, ...]], Tiers | None]] = {
    "calico": _calico,
    "canal": _calico,
    "kube-network-policies": _kube_network_policies,
}
"""By profile name; None where the image tells no more than the table of profiles."""
