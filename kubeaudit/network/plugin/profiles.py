"""What network plugins do, as far as a verdict depends on it (network.md, table of section 3.7; NET-38, -39, -44..49).

A row that the specification marks as to be verified is ``unknown`` here, so that no verdict rests on it.
"""

from msgspec import Struct

from kubeaudit.settings import Fact

YES, NO, UNKNOWN = Fact.YES, Fact.NO, Fact.UNKNOWN


class Profile(Struct, frozen=True, kw_only=True):
    """One network plugin and how it is recognised.

    ``daemonsets`` are names, ``images`` ends of image repositories. ``enforces`` is what holds unless the detection
    reads a switch. ``ipblock_matches_pods`` and ``_nodes``: whether a CIDR is compared with the addresses of pods and
    of nodes. ``node_reaches_own_pod`` and ``pod_reaches_own_node``: whether policies leave that traffic alone (NET-44,
    NET-46). ``host_network_label``: a label of namespaces that stands for host-network pods as peers (NET-49).
    ``drops_to_own_node``: whether what policies let pods open to their own node is dropped all the same (NET-130).
    ``end_port``: whether ranges of ports in NetworkPolicies are read, not only their first port (NET-24).
    ``implements``: API groups or kinds whose policies have effect, besides NetworkPolicy (NET-78); NetworkPolicy
    always has. ``may_implement``: those of which it depends on the version, or is not documented.
    """

    name: str
    daemonsets: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    enforces: Fact = YES
    ipblock_matches_pods: Fact = UNKNOWN
    ipblock_matches_nodes: Fact = YES
    node_reaches_own_pod: Fact = YES
    pod_reaches_own_node: Fact = YES
    drops_to_own_node: Fact = NO
    end_port: Fact = UNKNOWN
    host_network_label: str = ""
    implements: tuple[str, ...] = ()
    may_implement: tuple[str, ...] = ()


ADMIN = ("adminnetworkpolicies.policy.networking.k8s.io", "baselineadminnetworkpolicies.policy.networking.k8s.io")
CLUSTER = ("clusternetworkpolicies.policy.networking.k8s.io",)
CALICO = ("crd.projectcalico.org", "projectcalico.org")
_OPENSHIFT_HOST = "policy-group.network.openshift.io/host-network"

PROFILES: tuple[Profile, ...] = (
    Profile(
        name="cilium",
        daemonsets=("cilium", "anetd"),
        images=("cilium/cilium", "cilium/cilium-ci"),
        ipblock_matches_pods=NO,
        ipblock_matches_nodes=NO,
        pod_reaches_own_node=NO,
        implements=("cilium.io",),
    ),
    Profile(
        name="calico",
        daemonsets=("calico-node",),
        images=("calico/node",),
        ipblock_matches_pods=YES,
        pod_reaches_own_node=NO,
        drops_to_own_node=UNKNOWN,
        end_port=YES,
        implements=CALICO,
        may_implement=(*ADMIN, *CLUSTER),
    ),
    Profile(
        name="canal",
        daemonsets=("canal", "rke2-canal"),
        ipblock_matches_pods=YES,
        pod_reaches_own_node=NO,
        drops_to_own_node=UNKNOWN,
        end_port=YES,
        implements=CALICO,
        may_implement=(*ADMIN, *CLUSTER),
    ),
    Profile(
        name="antrea",
        daemonsets=("antrea-agent",),
        images=("antrea/antrea-agent-ubuntu", "antrea/antrea-ubuntu"),
        end_port=YES,
        implements=ADMIN,
        may_implement=CLUSTER,
    ),
    Profile(
        name="ovn-kubernetes",
        daemonsets=("ovnkube-node",),
        ipblock_matches_pods=YES,
        end_port=YES,
        host_network_label=_OPENSHIFT_HOST,
        implements=(*ADMIN, "k8s.ovn.org"),
        may_implement=CLUSTER,
    ),
    Profile(name="openshift-sdn", daemonsets=("sdn",), host_network_label=_OPENSHIFT_HOST),
    Profile(name="kube-router", daemonsets=("kube-router",), images=("cloudnativelabs/kube-router",)),
    Profile(name="kube-ovn", daemonsets=("kube-ovn-cni",), implements=ADMIN, may_implement=CLUSTER),
    Profile(
        name="aws-vpc-cni",
        daemonsets=("aws-node",),
        images=("amazon-k8s-cni",),
        enforces=UNKNOWN,
        implements=("networking.k8s.aws",),
    ),
    Profile(name="azure", daemonsets=("azure-npm",), images=("azure-npm",)),
    Profile(name="azure-cns", daemonsets=("azure-cns",), enforces=NO),
    Profile(
        name="kube-network-policies",
        daemonsets=("kube-network-policies",),
        images=("kube-network-policies", "kube-network-policies/kube-network-policies"),
        ipblock_matches_pods=YES,
        end_port=YES,
        implements=(*ADMIN, *CLUSTER),
    ),
    Profile(
        name="kindnet",
        daemonsets=("kindnet",),
        images=("kindest/kindnetd",),
        enforces=UNKNOWN,
        ipblock_matches_pods=YES,
        end_port=YES,
    ),
    Profile(name="weave", daemonsets=("weave-net",), enforces=UNKNOWN),
    Profile(name="terway", daemonsets=("terway", "terway-eni", "terway-eniip"), enforces=UNKNOWN),
    Profile(name="gke-plain", daemonsets=("netd",), enforces=NO),
    Profile(
        name="flannel",
        daemonsets=("kube-flannel-ds", "kube-flannel"),
        images=("flannel/flannel", "flannelcni/flannel"),
        enforces=NO,
    ),
    Profile(name="none", enforces=NO),
)
"""The rows of the table. The plugins of its row "none" have rows of their own, so that the evidence names them."""


def by_name() -> dict[str, Profile]:
    """The rows by profile name."""
    return {profile.name: profile for profile in PROFILES}
