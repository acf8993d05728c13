"""Upstream's model of Istio's routing, as policies of ours (network.md, 8.2).

There a Sidecar limits whom its workloads open connections to, a gateway reaches nothing but what is routed to, and a
host that is routed through an egress gateway is reached by that alone. Istio promises none of this, so that the product
does not either; here it is stated as tiers of Calico policies, all of which a connection must pass. All of it is about
TCP. A host of a ServiceEntry stands for an address outside the cluster that nothing else has.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .nca_ingress import GATEWAYS, global_policy, having, pods_of, tier

Object = dict[str, Any]
ROOT = "istio-config"
"""The namespace whose policies hold everywhere, as upstream has it."""
SIDECARS, ROUTES, HOSTS = "sidecars", "routes", "hosts"
"""Tiers. The last one keeps pods from hosts behind an egress gateway, which is no statement about these pods."""
_EGRESS_SERVICE = ("istio-system", "istio-egressgateway")
_DOMAIN = ".svc.cluster.local"
_BY_IDENTITY = ("notPrincipals", "notNamespaces", "source.namespace", "source.principal")
_OTHERS: Object = {"action": "Pass", "notProtocol": "TCP"}
_REST: Object = {"action": "Pass"}


@dataclass(frozen=True)
class Registry:
    """Namespaces, and what hosts may stand for: Services by namespace and name, addresses of ServiceEntries by host."""

    spaces: frozenset[str]
    services: dict[tuple[str, str], Object]
    addresses: dict[str, str]

    def service(self, host: str, space: str) -> tuple[str, str] | None:
        """The Service that a host of a route names, in full or for short in its own namespace."""
        full = host if "." in host else f"{host}.{space}{_DOMAIN}"
        name, _, rest = full.removesuffix(_DOMAIN).partition(".")
        return (rest, name) if full.endswith(_DOMAIN) and (rest, name) in self.services else None


def registry(topology: list[Object]) -> Registry:
    """The registry of a cluster."""
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in topology if s["kind"] == "Service"}
    hosts = {host for entry in topology if entry["kind"] == "ServiceEntry" for host in entry["spec"]["hosts"]}
    spaces = frozenset(found["metadata"].get("namespace", "") for found in topology)
    addresses = {host: f"2001:db8::{number:x}" for number, host in enumerate(sorted(hosts), 1)}
    return Registry(spaces, services, addresses)


def mesh_policies(policies: Iterable[Object], known: Registry) -> Iterator[Object]:
    """The tiers of Istio's routing and what stands in them."""
    yield from (tier(SIDECARS, 2), tier(ROUTES, 3), tier(HOSTS, 4))
    for policy in policies:
        if policy["kind"] == "Sidecar":
            yield from _sidecar(policy, known)
    yield from _routing([p for p in policies if p["kind"] in ("Gateway", "VirtualService")], known)


def narrowed(policy: Object) -> Object:
    """An AuthorizationPolicy whose sources match what they match upstream: those with addresses no pods, those that ask
    for an identity, or for another one, no addresses. The product has ``not`` match callers without any (NET-140).
    """
    spec = policy.get("spec") or {}
    rules = [rule | {"from": list(_origins(rule))} for rule in spec.get("rules", ())]
    return policy | {"spec": spec | ({"rules": rules} if rules else {})}


def _origins(rule: Object) -> Iterator[Object]:
    keys = {condition["key"] for condition in rule.get("when", ())}
    for origin in rule.get("from") or [{"source": {}}]:
        source = dict(origin["source"])
        if keys.intersection(_BY_IDENTITY) or any(name in source for name in _BY_IDENTITY):
            source.setdefault("principals", ["*"])
        if "source.ip" in keys or "ipBlocks" in source:
            source["notPrincipals"] = ["*"]
        yield {"source": source}


def _sidecar(sidecar: Object, known: Registry) -> Iterator[Object]:
    """The first that selects a pod decides for it: one with a selector, that of its namespace, that of all."""
    meta, spec = sidecar["metadata"], sidecar.get("spec") or {}
    labels = spec.get("workloadSelector", {}).get("labels") or {}
    order = 1 if labels else 2 if meta["namespace"] != ROOT else 3
    hosts = [host for listener in spec.get("egress", ()) for host in listener["hosts"]]
    anywhere = spec.get("outboundTrafficPolicy", {}).get("mode") != "REGISTRY_ONLY"
    for space in sorted(known.spaces) if order == 3 else (meta["namespace"],):
        rules = [_OTHERS, *_to_hosts(hosts, space, known), *(_outside(known) if anywhere else ()), {"action": "Deny"}]
        name = f"{meta['namespace']}-{meta['name']}-{space}"
        yield global_policy(SIDECARS, name, having(labels, space), order, egress=rules if hosts else [_REST])


def _to_hosts(hosts: Iterable[str], space: str, known: Registry) -> Iterator[Object]:
    """What ``namespace/name`` stands for; hosts of ServiceEntries are in every namespace but ``~``, which is none."""
    for host in hosts:
        place, _, pattern = host.rpartition("/")
        place = space if place == "." else place
        for (of, name), service in known.services.items():
            if place in ("*", of) and _fits(pattern, f"{name}.{of}{_DOMAIN}"):
                yield {"action": "Pass", "destination": {"selector": pods_of(service)}}
        if nets := [address for name, address in known.addresses.items() if place != "~" and _fits(pattern, name)]:
            yield {"action": "Pass", "destination": {"nets": nets}}


def _outside(known: Registry) -> Iterator[Object]:
    yield {"action": "Pass", "destination": {"nets": ["0.0.0.0/0"]}}
    yield {"action": "Pass", "destination": {"nets": ["::/0"], "notNets": list(known.addresses.values())}}


def _fits(pattern: str, name: str) -> bool:
    """Whether a host is one that another, perhaps with ``*`` for its first labels, stands for."""
    wild = pattern.startswith("*") and not name.startswith("*") and name.endswith(pattern[1:])
    return pattern in ("*", name) or wild


@dataclass(frozen=True)
class _Route:
    """A route of a VirtualService: the gateways it is for (``mesh`` are all sidecars), and where it leads."""

    space: str
    hosts: tuple[str, ...]
    gateways: frozenset[str]
    destinations: tuple[Object, ...]


def _routing(policies: list[Object], known: Registry) -> Iterator[Object]:
    """Gateways that routes are attached to. Egress gateways count if something leads into them and something out."""
    routes = [route for p in policies if p["kind"] == "VirtualService" for route in _routes(p)]
    gateways = [policy for policy in policies if policy["kind"] == "Gateway"]
    attached = [(gateway, found) for gateway in gateways if (found := [r for r in routes if _is_attached(r, gateway)])]
    entries, exits = ([(gateway, found) for gateway, found in attached if _is(gateway, kind)] for kind in GATEWAYS)
    into = [
        (target, route.space)
        for route in routes
        if "mesh" in route.gateways
        for target in route.destinations
        if known.service(target["host"], route.space) == _EGRESS_SERVICE
    ]
    for gateway, found in entries + (exits if into else []):
        targets = [target for r in found for d in r.destinations for target in _targets(d, r.space, known)]
        rules = [{"action": "Pass", "protocol": "TCP", "destination": target} for target in targets]
        yield global_policy(ROUTES, f"gateway-{_name(gateway)}", _pods(gateway), egress=[_OTHERS, *rules])
    if into and exits:
        yield from _through(exits, [t for d, space in into for t in _targets(d, space, known)], known)


def _through(exits: list[tuple[Object, list[_Route]]], into: list[Object], known: Registry) -> Iterator[Object]:
    """Pods of the mesh reach egress gateways on the ports routed to, and what these lead to by no other way."""
    rules = [
        {"action": "Pass", "protocol": "TCP", "source": {"selector": "all()"}, "destination": {"ports": t["ports"]}}
        for t in into
    ]
    for gateway, _ in exits:
        yield global_policy(ROUTES, f"into-{_name(gateway)}", _pods(gateway), ingress=[_OTHERS, *rules])
    wanted = {d["host"] for _, routes in exits for route in routes for d in route.destinations}
    if nets := [known.addresses[host] for host in sorted(wanted) if host in known.addresses]:
        others = f"!({' || '.join(_pods(gateway) for gateway, _ in exits)})"
        rules = [{"action": "Deny", "protocol": "TCP", "destination": {"nets": nets}}, _REST]
        yield global_policy(HOSTS, "behind-egress-gateways", others, egress=rules)


def _targets(destination: Object, space: str, known: Registry) -> Iterator[Object]:
    """Pods and ports behind a destination. Its port may be left out where a Service has just one."""
    number = destination.get("port", {}).get("number")
    if found := known.service(destination["host"], space):
        service = known.services[found]
        ports = service["spec"]["ports"]
        chosen = [p for p in ports if p["port"] == number] if number else ports if len(ports) == 1 else []
        for port in chosen:
            yield {"selector": pods_of(service), "ports": [port.get("targetPort", port["port"])]}
    elif number and destination["host"] in known.addresses:
        yield {"nets": [known.addresses[destination["host"]]], "ports": [number]}


def _routes(virtual: Object) -> Iterator[_Route]:
    space, spec = virtual["metadata"]["namespace"], virtual["spec"]
    stated = frozenset(_full(name, space) for name in spec.get("gateways", ()))
    for protocol in ("http", "tls", "tcp") if stated else ():
        for route in spec.get(protocol, ()):
            named = {_full(name, space) for match in route.get("match", ()) for name in match.get("gateways", ())}
            destinations = tuple(target["destination"] for target in route.get("route", ()))
            yield _Route(space, tuple(spec["hosts"]), frozenset(named) or stated, destinations)


def _full(gateway: str, space: str) -> str:
    return gateway if gateway == "mesh" or "/" in gateway else f"{space}/{gateway}"


def _is_attached(route: _Route, gateway: Object) -> bool:
    hosts = {h.rpartition("/")[2] for server in gateway["spec"].get("servers", ()) for h in server["hosts"]}
    return _name(gateway, "/") in route.gateways and any(
        _fits(one, other) or _fits(other, one) for one in route.hosts for other in hosts
    )


def _is(gateway: Object, kind: str) -> bool:
    return bool(gateway["spec"].get("selector", {}).get("istio") == kind)


def _name(gateway: Object, between: str = "-") -> str:
    return between.join((gateway["metadata"]["namespace"], gateway["metadata"]["name"]))


def _pods(gateway: Object) -> str:
    """A gateway selects pods of all namespaces."""
    return having(gateway["spec"]["selector"])
