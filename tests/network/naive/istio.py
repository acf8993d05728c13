"""What AuthorizationPolicies and PeerAuthentications take away from a packet (network.md 3.11; istio.io, reference of
both kinds, and "Protocol Selection").
"""

from collections.abc import Iterator

from . import ends
from .istio_rules import Caller, alternatives
from .world import ALLOW, DENY, ISTIO, Object, Outcomes, Packet, World, any_of

ROOT = "istio-system"
_OPAQUE = ("tcp", "tls", "https", "mongo", "mysql", "redis")
"""Protocols of Service ports that a proxy passes on without reading HTTP."""
_SIDECAR, _AMBIENT = "sidecar", "ambient"


def outcomes(world: World, packet: Packet) -> Outcomes:
    """What the proxy of the target does. It sees TCP alone, and not on ports that go past it (NET-135, NET-141)."""
    pod = packet.target
    if isinstance(pod, str) or packet.protocol != "TCP" or not world.of(ISTIO):
        return frozenset([ALLOW])
    proxy = _proxy(world, pod)
    if not proxy or packet.port in _past_the_proxy(pod):
        return frozenset([ALLOW])
    mode = _mode(world, pod, packet.port)
    caller = Caller(world, packet, bool(_proxy(world, packet.source)) and mode != "DISABLE")
    if mode == "STRICT" and not caller.is_known:
        return frozenset([DENY])
    return _authorized(world, caller, pod, proxy == _AMBIENT or _is_opaque(world, pod, packet.port))


def _authorized(world: World, caller: Caller, pod: Object, opaque: bool) -> Outcomes:
    """CUSTOM, then DENY, then ALLOW (NET-136); AUDIT never decides."""
    found = {action: list(_matching(world, caller, pod, action, opaque)) for action in ("CUSTOM", "DENY", "ALLOW")}
    denied = any_of(answer for answer, http in found["DENY"] if not http)
    if denied is True:
        return frozenset([DENY])
    conditions = {"l7"} if any(answer is True and http for answer, http in found["DENY"]) else set()
    if any(answer is True for answer, _ in found["CUSTOM"]):
        conditions.add("external_authz")
    allowed, by_http = True, False
    if any(_action(policy) == "ALLOW" for policy in _policies(world, pod)):
        allowed = any_of(answer for answer, http in found["ALLOW"] if not http)
        by_http = any_of(answer for answer, http in found["ALLOW"] if http)
    if allowed is not True and by_http is True:
        conditions.add("l7")
    passing = conditions or {ALLOW}
    blocked = denied is None or any_of([allowed, by_http]) is not True
    return frozenset([*(passing if any_of([allowed, by_http]) is not False else ()), *([DENY] if blocked else ())])


def _matching(
    world: World, caller: Caller, pod: Object, action: str, opaque: bool
) -> Iterator[tuple[bool | None, bool]]:
    """Of every way to match a rule of some action: whether the packet does, and whether HTTP is looked at beside.

    Where the proxy reads no HTTP, such a rule allows nothing, and denies whatever is in the HTTP (NET-139).
    """
    for policy in _policies(world, pod):
        if _action(policy) != action:
            continue
        for rule in policy["spec"].get("rules", []):
            every = list(alternatives(caller, policy, rule))
            if opaque and action == "ALLOW" and any(http for _, http in every):
                continue
            yield from ((answer, http and not opaque) for answer, http in every)


def _action(policy: Object) -> str:
    return str(policy["spec"].get("action", "ALLOW"))


def _policies(world: World, pod: Object) -> list[Object]:
    """Those that hold for a workload: of its namespace, and of the root namespace (NET-138)."""
    return [
        policy
        for policy in world.of(ISTIO, "AuthorizationPolicy")
        if policy["metadata"]["namespace"] in (ROOT, ends.space_of(pod)) and _selects(policy, pod)
    ]


def _selects(policy: Object, pod: Object) -> bool:
    return ends.matches(policy["spec"].get("selector", {}), pod["metadata"]["labels"])


def _proxy(world: World, end: Object | str) -> str:
    """What stands in front of a pod: a sidecar, the proxy of an ambient mesh on its node, or nothing."""
    if isinstance(end, str) or ends.on_host(end):
        return ""
    if any(c["name"] == "istio-proxy" for c in [*end["spec"]["containers"], *end["spec"].get("initContainers", [])]):
        return _SIDECAR
    around = ends.namespace_labels(world, ends.space_of(end))
    mode = {**around, **end["metadata"]["labels"]}.get("istio.io/dataplane-mode")
    return _AMBIENT if mode == "ambient" else ""


def _past_the_proxy(pod: Object) -> list[int]:
    """The ports that the rules of istio-init leave out (option -d of istio-iptables)."""
    for container in pod["spec"].get("initContainers", []):
        if container["name"] == "istio-init" and "-d" in container["args"]:
            return [int(port) for port in container["args"][container["args"].index("-d") + 1].split(",")]
    return []


def _is_opaque(world: World, pod: Object, port: int) -> bool:
    """Whether a Service says that a port of the pod speaks no HTTP: appProtocol, else the begin of the port's name."""
    for service in (found for found in world.others if found["kind"] == "Service"):
        spec = service["spec"]
        here = service["metadata"]["namespace"] == ends.space_of(pod)
        if here and ends.matches({"matchLabels": spec["selector"]}, pod["metadata"]["labels"]):
            for item in spec["ports"]:
                word = item.get("appProtocol", item.get("name", "")).partition("-")[0]
                if item["targetPort"] == port and word in _OPAQUE:
                    return True
    return False


def _mode(world: World, pod: Object, port: int) -> str:
    """Whether plaintext is taken: what the workload's policy says of the port, of all ports, the namespace's, the
    mesh's; of several the oldest. What is not set is inherited.
    """
    found = sorted(world.of(ISTIO, "PeerAuthentication"), key=_age)
    own = [p for p in found if p["metadata"]["namespace"] == ends.space_of(pod)]
    workload = [p for p in own if _labels(p) and _selects(p, pod)][:1]
    inherited = [[p for p in own if not _labels(p)][:1]]
    inherited.append([p for p in found if p["metadata"]["namespace"] == ROOT and not _labels(p)][:1])
    of_port = [p["spec"].get("portLevelMtls", {}).get(str(port), {}).get("mode") for p in workload]
    of_all = [p["spec"].get("mtls", {}).get("mode") for policies in (workload, *inherited) for p in policies]
    return next((mode for mode in (*of_port, *of_all) if mode not in (None, "UNSET")), "PERMISSIVE")


def _labels(policy: Object) -> dict[str, str]:
    return dict(policy["spec"].get("selector", {}).get("matchLabels", {}))


def _age(policy: Object) -> tuple[str, str]:
    return policy["metadata"]["creationTimestamp"], policy["metadata"]["name"]
