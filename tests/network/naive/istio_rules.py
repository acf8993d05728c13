"""Whether a rule of an AuthorizationPolicy matches a packet (NET-139, NET-140; istio.io, "Authorization Policy")."""

from collections.abc import Iterator
from dataclasses import dataclass

from . import ends
from .world import Object, Packet, World, all_of, any_of, opposite

_HTTP_OPERATIONS = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
_HTTP_SOURCES = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")
Answer = tuple[bool | None, bool]


@dataclass(frozen=True)
class Caller:
    """Who opens a connection, as the proxy of the target sees it. ``is_known``: by a certificate (NET-140)."""

    world: World
    packet: Packet
    is_known: bool

    @property
    def space(self) -> str:
        return ends.space_of(self.packet.source)

    @property
    def account(self) -> str:
        return ends.account_of(self.packet.source)


def alternatives(caller: Caller, policy: Object, rule: Object) -> Iterator[Answer]:
    """Every pair of a source and an operation of a rule: whether they match as far as TCP goes, and whether they or the
    conditions look at HTTP. Lists that are missing match everything (NET-137).
    """
    conditions = [_when(caller, item) for item in rule.get("when", [])]
    for source in rule.get("from", [{"source": {}}]):
        for operation in rule.get("to", [{"operation": {}}]):
            parts = [_source(caller, policy, source["source"]), _operation(caller, operation["operation"]), *conditions]
            yield all_of(answer for answer, _ in parts), any(http for _, http in parts)


def _source(caller: Caller, policy: Object, source: Object) -> Answer:
    """All fields must hold; a field holds if one of its values does, one with ``not`` if none does."""
    tests = {
        "principals": lambda value: _principal(caller, value),
        "namespaces": lambda value: caller.is_known and _fits(value, caller.space),
        "serviceAccounts": lambda value: _account(caller, policy, value),
        "ipBlocks": lambda value: _address(caller, value),
    }
    asked = [any_of(map(test, source[name])) for name, test in tests.items() if name in source]
    for name, test in tests.items():
        excluded = source.get(f"not{name[0].upper()}{name[1:]}")
        if excluded:
            asked.append(opposite(any_of(map(test, excluded))))
    return all_of(asked), any(name in source for name in _HTTP_SOURCES)


def _operation(caller: Caller, operation: Object) -> Answer:
    port = str(caller.packet.port)
    among = port in operation["ports"] if "ports" in operation else True
    return among and port not in operation.get("notPorts", ()), any(name in operation for name in _HTTP_OPERATIONS)


def _when(caller: Caller, condition: Object) -> Answer:
    tests = {
        "source.ip": lambda value: _address(caller, value),
        "source.namespace": lambda value: caller.is_known and _fits(value, caller.space),
        "source.principal": lambda value: _principal(caller, value),
        "destination.port": lambda value: value == str(caller.packet.port),
    }
    test = tests.get(condition["key"])
    if test is None:
        return True, True
    asked = [any_of(map(test, condition["values"]))] if "values" in condition else []
    if "notValues" in condition:
        asked.append(opposite(any_of(map(test, condition["notValues"]))))
    return all_of(asked), False


def _principal(caller: Caller, value: str) -> bool:
    return caller.is_known and _fits(value, f"cluster.local/ns/{caller.space}/sa/{caller.account}")


def _account(caller: Caller, policy: Object, value: str) -> bool:
    """A name without a namespace is one of the policy's."""
    space, _, account = value.rpartition("/")
    wanted = space or policy["metadata"]["namespace"], account
    return caller.is_known and (caller.space, caller.account) == wanted


def _address(caller: Caller, value: str) -> bool | None:
    return ends.within(caller.world, caller.packet.source, caller.packet.family, value)


def _fits(wanted: str, value: str) -> bool:
    """Exact, by prefix, by suffix, or present."""
    if wanted.startswith("*"):
        return value.endswith(wanted[1:])
    if wanted.endswith("*"):
        return value.startswith(wanted[:-1])
    return value == wanted
