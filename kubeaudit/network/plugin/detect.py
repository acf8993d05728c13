"""Which network plugin the cluster runs, whether it enforces policies, and what shows it (NET-71..73, -76, -77)."""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.model.cluster import Cluster
from kubeaudit.model.objects.pods import Container
from kubeaudit.model.workloads import Workload
from kubeaudit.network.calico import felix as calico_felix
from kubeaudit.network.cilium.switches import CONFIG, switches
from kubeaudit.network.plugin.cni import CniProfile, as_profile, profile
from kubeaudit.network.plugin.profiles import PROFILES, Profile, by_name
from kubeaudit.network.plugin.versions import RELEASES, Release, aws_agents
from kubeaudit.proof import Evidence, Path, field
from kubeaudit.refs import ObjectRef
from kubeaudit.settings import Fact, Settings

_UNDECIDED = Profile(name="", enforces=Fact.UNKNOWN, end_port=Fact.YES)
_KINDNET_TAG = re.compile(r":v(\d{8})-")
_KINDNET_ENFORCES = "20240813"
"""Tag of the image that came with kind 0.24, the first one with NetworkPolicy support."""
_K3S_ARGS = "k3s.io/node-args"

_SWITCHES_OFF = (("enable-policy", "never"), ("policy-audit-mode", "true"))
"""With these Cilium enforces nothing: it does not look at policies, or logs what they deny and lets it pass."""
_READ_SWITCHES = ("policy-cidr-match-mode", "allow-localhost", "enable-policy", "policy-audit-mode")


class _Hit(Struct, frozen=True):
    """A DaemonSet that shows a plugin, and what its switches say."""

    profile: Profile
    enforces: Fact
    evidence: Evidence
    release: Release = Release()


def detect(cluster: Cluster, settings: Settings) -> CniProfile:
    """The plugin that DaemonSets show, overridden by what the user committed.

    Raises ``UsageError`` for an unknown profile name.
    """
    found = _named(cluster, settings.cni_profile) if settings.cni_profile else _switched(cluster, _detected(cluster))
    fact = settings.facts.cni_enforces
    if fact is Fact.UNKNOWN:
        return found
    who = f"network plugin {found.name}" if found.name else "network plugin that was not recognised"
    word = "enforces" if fact is Fact.YES else "does not enforce"
    given = "both given" if settings.cni_profile else "given"
    text = f"{who}, which {word} NetworkPolicy ({given} by the user)"
    return structs.replace(found, enforces=fact, unseen=(), text=text)


def _named(cluster: Cluster, name: str) -> CniProfile:
    """The plugin that a user names, with the version and the switches that the cluster shows of it (NET-77)."""
    given, detected = profile(name), _detected(cluster)
    if detected.name == name:
        shown = structs.replace(detected, enforces=given.enforces, text=given.text, unseen=())
        return _switched(cluster, shown)
    return _switched(cluster, given) if name == "cilium" and CONFIG in cluster.config_maps else given


def _detected(cluster: Cluster) -> CniProfile:
    hits = [
        hit for workload in cluster.workloads if workload.ref.kind == "DaemonSet" for hit in _hits(cluster, workload)
    ]
    gap = cluster.complete.gap("daemonsets.apps")
    missing = (Unseen(Reason(gap.reason), gap.resource, gap.scope, gap.detail),) if gap else ()
    enforcing = _canal({hit.profile.name: hit for hit in hits if hit.enforces is Fact.YES}, hits)
    if len(enforcing) == 1:
        return _of_hit(enforcing[0])
    if len(enforcing) > 1:
        names = ", ".join(sorted(hit.profile.name for hit in enforcing))
        return as_profile(
            _UNDECIDED,
            Fact.UNKNOWN,
            _evidence(enforcing),
            f"several enforcing network plugins: {names}",
            _unknown(names),
        )
    open_hits = [hit for hit in hits if hit.enforces is Fact.UNKNOWN]
    if open_hits:
        return _of_hit(
            open_hits[0], unseen=_unknown(f"{open_hits[0].profile.name} enforces policies only when switched on")
        )
    if hits and not missing:
        return _of_hit(hits[0])
    return _k3s(cluster) or as_profile(
        _UNDECIDED,
        Fact.UNKNOWN,
        (),
        "no known network plugin was recognised",
        missing or _unknown("no known network plugin"),
    )


def _canal(enforcing: dict[str, _Hit], hits: list[_Hit]) -> list[_Hit]:
    """flannel with the policy part of calico is canal, one plugin (NET-72)."""
    if set(enforcing) == {"calico"} and any(hit.profile.name == "flannel" for hit in hits):
        calico = enforcing["calico"]
        return [_Hit(by_name()["canal"], calico.enforces, calico.evidence, calico.release)]
    if set(enforcing) == {"calico", "canal"}:
        return [enforcing["canal"]]
    return list(enforcing.values())


def _hits(cluster: Cluster, workload: Workload) -> Iterator[_Hit]:
    containers = _containers(cluster, workload)
    for row in PROFILES:
        evidence = _shown_by(row, workload, containers)
        if evidence is not None:
            switch, version = _SWITCHES.get(row.name), RELEASES.get(row.name)
            release = version(containers) if version else Release()
            yield _Hit(row, switch(containers) if switch else row.enforces, evidence, release)


def _shown_by(row: Profile, workload: Workload, containers: tuple[Container, ...]) -> Evidence | None:
    if workload.ref.name in row.daemonsets and (
        row.name != "openshift-sdn" or workload.ref.namespace == "openshift-sdn"
    ):
        return field(workload.ref, ("metadata", "name"), workload.ref.name)
    for number, container in enumerate(containers):
        if any(_repository(container.image).endswith("/" + image) for image in row.images):
            path: Path = (*workload.template_path, "containers", number, "image")
            return field(workload.ref, path, container.image)
    return None


def _repository(image: str) -> str:
    head, _, last = image.partition("@")[0].rpartition("/")
    return f"/{head}/{last.partition(':')[0]}"


def _containers(cluster: Cluster, workload: Workload) -> tuple[Container, ...]:
    for cls in cluster.classes:
        if cluster.workloads[cls.workload] is workload:
            return cls.shape.containers
    return ()


def _kube_router(containers: tuple[Container, ...]) -> Fact:
    return Fact.NO if _has_argument(containers, "--run-firewall=false") else Fact.YES


def _aws(containers: tuple[Container, ...]) -> Fact:
    agents = aws_agents(containers)
    if not agents or _has_argument(agents, "--enable-network-policy=false"):
        return Fact.NO if containers else Fact.UNKNOWN
    return Fact.YES if _has_argument(agents, "--enable-network-policy=true") else Fact.UNKNOWN


def _kindnet(containers: tuple[Container, ...]) -> Fact:
    for container in containers:
        tag = _KINDNET_TAG.search(container.image)
        if tag and "kindnetd" in container.image:
            return Fact.YES if tag.group(1) >= _KINDNET_ENFORCES else Fact.NO
    return Fact.UNKNOWN


def _weave(containers: tuple[Container, ...]) -> Fact:
    if any(container.name == "weave-npc" for container in containers):
        return Fact.YES
    return Fact.NO if containers else Fact.UNKNOWN


def _has_argument(containers: tuple[Container, ...], argument: str) -> bool:
    return any(argument in (*container.command, *container.args) for container in containers)


_SWITCHES: dict[str, Callable[[tuple[Container, ...]], Fact]] = {
    "kube-router": _kube_router,
    "aws-vpc-cni": _aws,
    "kindnet": _kindnet,
    "weave": _weave,
}


def _k3s(cluster: Cluster) -> CniProfile | None:
    """k3s has kube-router inside its binary; the arguments it notes on its server nodes tell whether it is on."""
    for node in cluster.nodes:
        if "+k3s" not in node.node.status.node_info.kubelet_version:
            continue
        arguments = node.node.metadata.annotations.get(_K3S_ARGS)
        if arguments and '"server"' in arguments:
            enforces = Fact.NO if "--disable-network-policy" in arguments else Fact.YES
            evidence = field(node.ref, ("metadata", "annotations", _K3S_ARGS), arguments)
            return as_profile(by_name()["kube-router"], enforces, (evidence,), "kube-router inside k3s")
    return None


def _switched(cluster: Cluster, found: CniProfile) -> CniProfile:
    """The switches of Cilium's ConfigMap (NET-39, -46, -76)."""
    config = cluster.config_maps.get(CONFIG)
    if found.name in ("calico", "canal"):
        return calico_felix.switched(cluster, found)
    if found.name != "cilium":
        return found
    nodes_by_cidr = switches(cluster).nodes_by_cidr
    if config is None:
        return structs.replace(found, ipblock_matches_nodes=nodes_by_cidr, node_reaches_own_pod=Fact.UNKNOWN)
    data = config.data
    off = next((f"{name}: {data[name]}" for name, value in _SWITCHES_OFF if data.get(name, "").lower() == value), "")
    return structs.replace(
        found,
        evidence=(*found.evidence, *_given_switches(data, _READ_SWITCHES)),
        enforces=Fact.NO if off else found.enforces,
        text=f"network plugin cilium does not enforce NetworkPolicy ({off})" if off else found.text,
        isolates_all=data.get("enable-policy") == "always",
        ipblock_matches_nodes=nodes_by_cidr,
        node_reaches_own_pod=Fact.NO if data.get("allow-localhost") == "policy" else Fact.YES,
    )


def _given_switches(data: dict[str, str], names: tuple[str, ...]) -> tuple[Evidence, ...]:
    ref = ObjectRef("ConfigMap", *CONFIG)
    return tuple(field(ref, ("data", name), data[name]) for name in names if name in data)


def _unknown(detail: str) -> tuple[Unseen, ...]:
    return (Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail=detail),)


def _evidence(hits: list[_Hit]) -> tuple[Evidence, ...]:
    return tuple(hit.evidence for hit in hits)


def _of_hit(hit: _Hit, unseen: tuple[Unseen, ...] = ()) -> CniProfile:
    word = {Fact.YES: "enforces", Fact.NO: "does not enforce", Fact.UNKNOWN: "may enforce"}[hit.enforces]
    found = as_profile(
        hit.profile, hit.enforces, (hit.evidence,), f"network plugin {hit.profile.name} {word} NetworkPolicy", unseen
    )
    return hit.release.told(found)
