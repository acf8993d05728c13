"""Random policies of Istio, the proxies they need, and Services that say what is spoken on a port."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from .clusters import Object, daemonset
from .naive.istio import ROOT
from .naive.world import World
from .worlds import SPACES

_GROUP = "security.istio.io/v1"
_FIELDS: dict[str, tuple[str, ...]] = {
    "principals": ("cluster.local/ns/red/sa/web", "*/sa/default", "cluster.local/ns/b*", "*"),
    "namespaces": ("red", "b*", "*"),
    "serviceAccounts": ("web", "red/web", "blue/default"),
    "ipBlocks": ("10.1.0.0/16", "10.1.0.1", "203.0.113.0/25", "172.18.0.2", "fd00:1::/64", "::/0"),
}
_PORTS, _MODES = ("80", "8080"), ("STRICT", "STRICT", "PERMISSIVE", "DISABLE", "UNSET")
_rarely = st.integers(0, 4).map(lambda found: found == 0)


def _some(values: Iterable[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(tuple(values)), min_size=1, max_size=2, unique=True)


@st.composite
def _sources(draw: st.DrawFn) -> Object:
    found: Object = {}
    for name in draw(_some(_FIELDS)):
        key = name if draw(st.integers(0, 2)) else f"not{name[0].upper()}{name[1:]}"
        found[key] = draw(_some(_FIELDS[name]))
    if "serviceAccounts" in found and ("principals" in found or "namespaces" in found):
        del found["serviceAccounts"]  # the API server refuses it beside them
    if draw(_rarely):
        found["requestPrincipals"] = ["*"]
    return {"source": found}


@st.composite
def _operations(draw: st.DrawFn) -> Object:
    key = draw(st.sampled_from(("ports", "ports", "notPorts", "methods")))
    found: Object = {key: ["GET"] if key == "methods" else draw(_some(_PORTS))}
    if draw(_rarely):
        found["paths"] = ["/public/*"]
    return {"operation": found}


_conditions = st.one_of(
    st.builds(lambda values: {"key": "destination.port", "values": values}, _some(_PORTS)),
    st.builds(lambda values: {"key": "source.namespace", "notValues": values}, _some(_FIELDS["namespaces"])),
    st.builds(lambda values: {"key": "source.principal", "values": values}, _some(_FIELDS["principals"])),
    st.builds(lambda values: {"key": "source.ip", "values": values}, _some(_FIELDS["ipBlocks"])),
    st.just({"key": "request.headers[x]", "values": ["a"]}),
)


@st.composite
def _rules(draw: st.DrawFn) -> Object:
    parts = {"from": _sources(), "to": _operations(), "when": _conditions}
    most = {"from": 2, "to": 2, "when": 1}
    return {key: draw(st.lists(of, min_size=1, max_size=most[key])) for key, of in parts.items() if draw(st.booleans())}


@st.composite
def _authorizations(draw: st.DrawFn, number: int, pods: list[Object], ambient: bool) -> Object:
    actions = ("ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", *(() if ambient else ("CUSTOM",)))
    action = draw(st.sampled_from(actions))
    spec: Object = {"rules": draw(st.lists(_rules(), max_size=2))}
    if action != "ALLOW" or draw(st.booleans()):
        spec["action"] = action
    if action == "CUSTOM":
        spec["provider"] = {"name": "ext"}
    return _object("AuthorizationPolicy", f"a{number}", draw, spec, pods)


@st.composite
def _authentications(draw: st.DrawFn, number: int, pods: list[Object], ambient: bool) -> Object:
    modes = st.sampled_from(_MODES[:3] if ambient else _MODES).map(lambda mode: {"mode": mode})
    spec: Object = {"mtls": draw(modes)} if draw(st.booleans()) else {}
    made = _object("PeerAuthentication", f"m{number}", draw, spec, pods)
    if "selector" in made["spec"] and draw(st.booleans()):
        made["spec"]["portLevelMtls"] = {port: draw(modes) for port in draw(_some(_PORTS))}
    return made


def _object(kind: str, name: str, draw: st.DrawFn, spec: Object, pods: list[Object]) -> Object:
    """A policy for one of some pods, for its namespace, or, of the root namespace, for all; and perhaps for nobody."""
    meta, age = draw(st.sampled_from(pods))["metadata"], draw(st.integers(1, 2))
    space = draw(st.sampled_from((meta["namespace"], meta["namespace"], ROOT)))
    metadata = {"name": name, "namespace": space, "creationTimestamp": f"2024-01-0{age}T00:00:00Z"}
    selected = draw(st.sampled_from((meta["labels"], meta["labels"], {}, {"app": "a"})))
    chosen: Object = {"selector": {"matchLabels": selected}} if selected else {}
    return {"apiVersion": _GROUP, "kind": kind, "metadata": metadata, "spec": spec | chosen}


@st.composite
def meshed(draw: st.DrawFn, world: World, most: int) -> tuple[list[Object], list[Object]]:
    """Policies and other objects of a mesh, whose proxies are added to the pods and namespaces of the world."""
    ambient = draw(_rarely)
    if ambient:
        for item in (*world.namespaces, *world.pods):
            mode = draw(st.sampled_from(("", "ambient", "none")))
            item["metadata"]["labels"] |= {"istio.io/dataplane-mode": mode} if mode else {}
    else:
        for pod in world.pods:
            _with_sidecar(draw, pod)
    kinds = (_authorizations, _authorizations, _authentications)
    numbers = range(draw(st.integers(1, most)))
    policies = [draw(draw(st.sampled_from(kinds))(number, world.pods, ambient)) for number in numbers]
    services = [_service(space, draw) for space in SPACES if draw(st.booleans())]
    return policies, [*services, *([daemonset("ztunnel")] if ambient else [])]


def _with_sidecar(draw: st.DrawFn, pod: Object) -> None:
    """A sidecar of either form, and perhaps ports that go past it."""
    proxy = {"name": "istio-proxy", "image": "proxy"}
    init = pod["spec"].setdefault("initContainers", [])
    match draw(st.sampled_from(("", "container", "container", "native"))):
        case "container":
            pod["spec"]["containers"].append(proxy)
        case "native":
            init.append(proxy | {"restartPolicy": "Always"})
    if draw(_rarely):
        init.append({"name": "istio-init", "image": "i", "args": ["istio-iptables", "-p", "15001", "-d", "15090,8080"]})


def _service(space: str, draw: st.DrawFn) -> Object:
    item: dict[str, Any] = {"port": 9000, "targetPort": draw(st.sampled_from((80, 8080)))}
    item |= draw(
        st.sampled_from(({"name": "tcp-sql"}, {"name": "https"}, {"name": "http"}, {"appProtocol": "redis"}, {}))
    )
    spec = {"selector": draw(st.sampled_from(({"app": "a"}, {"tier": "b"}))), "ports": [item]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": space}, "spec": spec}
