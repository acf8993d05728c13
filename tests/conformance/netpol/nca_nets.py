"""Calico rules whose networks match no pods (network.md, MAP-7).

Upstream, pods have no addresses: a network in a rule, or in what its selector selects, stands for addresses outside
alone. Calico compares those of pods too, and so does the product; such rules are split here, so that it need not.
"""

from collections.abc import Iterator
from typing import Any

from .nca_ingress import in_namespace

Object = dict[str, Any]
_IS_POD = "has(projectcalico.org/orchestrator)"
_SETS = ("NetworkSet", "GlobalNetworkSet", "HostEndpoint")
_PEERS = {"ingress": "source", "egress": "destination"}


def without_pods(policies: list[Object], topology: list[Object]) -> Iterator[Object]:
    """Policies with every rule of Calico that looks at addresses in two: for pods, and for everything else."""
    has_sets = any(found["kind"] in _SETS for found in (*policies, *topology))
    for policy in policies:
        spec = policy.get("spec") or {}
        ends = [rule.get(peer) or {} for direction, peer in _PEERS.items() for rule in spec.get(direction) or ()]
        is_calico = policy["apiVersion"].startswith("projectcalico.org/")
        if is_calico and any(_looks_at_addresses(end, has_sets) for end in ends):
            yield _split(_as_global(policy) if policy["kind"] == "NetworkPolicy" else policy, has_sets)
        else:
            yield policy


def _looks_at_addresses(end: Object, has_sets: bool) -> bool:
    return bool(end.get("nets") or end.get("notNets") or (has_sets and end.get("selector")))


def _as_global(policy: Object) -> Object:
    """A policy of a namespace as one of all, as ends with a ``notSelector`` are otherwise of its namespace alone."""
    meta, spec = policy["metadata"], policy["spec"]
    here = in_namespace(meta["namespace"])
    rules = {
        direction: [
            rule | {side: _scoped(rule[side], here) for side in ("source", "destination") if rule.get(side)}
            for rule in spec[direction]
        ]
        for direction in _PEERS
        if spec.get(direction)
    }
    selector = f"({spec.get('selector') or 'all()'}) && {here}"
    name = {"name": f"{meta['name']}/{meta['namespace']}"}
    return policy | {"kind": "GlobalNetworkPolicy", "metadata": name, "spec": spec | {"selector": selector} | rules}


def _scoped(end: Object, here: str) -> Object:
    selects = any(end.get(name) for name in ("selector", "notSelector", "serviceAccounts"))
    if end.get("namespaceSelector") or not selects:
        return end
    return end | {"selector": f"({end['selector']}) && {here}" if end.get("selector") else here}


def _split(policy: Object, has_sets: bool) -> Object:
    spec = policy["spec"]
    rules = {
        direction: [part for rule in spec[direction] for part in _parts(rule, peer, has_sets)]
        for direction, peer in _PEERS.items()
        if spec.get(direction)
    }
    return policy | {"spec": spec | rules}


def _parts(rule: Object, side: str, has_sets: bool) -> Iterator[Object]:
    end = rule.get(side) or {}
    if not _looks_at_addresses(end, has_sets):
        yield rule
        return
    if not end.get("nets"):
        pods = f"({end['selector']}) && {_IS_POD}" if end.get("selector") else _IS_POD
        yield rule | {side: {key: value for key, value in end.items() if key != "notNets"} | {"selector": pods}}
    excluded = [f"({end['notSelector']})"] if end.get("notSelector") else []
    yield rule | {side: end | {"notSelector": " || ".join([*excluded, _IS_POD])}}
