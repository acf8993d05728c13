"""What the tests of questions about the network share: contexts of small clusters, and changes applied to objects."""

import copy
from collections.abc import Iterable
from typing import Any

from kubeaudit.edges.context import Context
from kubeaudit.model.cluster import Cluster
from kubeaudit.network.plugin.cni import CniProfile, profile
from kubeaudit.network.reach import assemble
from kubeaudit.proof import State
from kubeaudit.queries.ends import end
from kubeaudit.queries.network_policies import Change
from kubeaudit.queries.reach import ReachAnswer, answer
from kubeaudit.rbac import access
from kubeaudit.settings import Settings
from tests import factory

Object = dict[str, Any]
R, U, B = State.YES, State.UNKNOWN, State.BLOCKED
ENFORCING = profile("kube-network-policies")


def context(*objects: Object, plugin: CniProfile = ENFORCING, files: bool = False, **outcomes: Any) -> Context:
    """The context of some objects under a plugin that enforces policies; ``files``: they are manifests."""
    if files:
        from kubeaudit.model.cluster import build

        return of(build(factory.files(objects)), plugin)
    return of(factory.cluster(objects, **outcomes), plugin)


def of(cluster: Cluster, plugin: CniProfile) -> Context:
    """The context of a cluster."""
    return Context(cluster, assemble(cluster, plugin), access.build(cluster), Settings())


def ask(found: Context, source: str, target: str, *ports: tuple[str, int, int], family: str = "") -> ReachAnswer:
    """An answer by the words of the command line."""
    return answer(found, end(found, source), end(found, target), ports, family)


def pod(name: str, space: str = "shop", ip: str = "", **fields: Any) -> Object:
    """A running pod with the label ``app`` of its name."""
    fields.setdefault("labels", {"app": name})
    return factory.pod(name, ip=ip or f"10.1.{len(name)}.{sum(map(ord, name)) % 250 + 1}", space=space, **fields)


def applied(objects: Iterable[Object], changes: Iterable[Change]) -> list[Object]:
    """The objects after some changes."""
    found = copy.deepcopy(list(objects))
    for change in changes:
        if change.op == "create":
            found.append(change.value)
            continue
        (item,) = (o for o in found if _name(o) == (change.object.kind, change.object.namespace, change.object.name))
        *way, last = change.path
        place: Any = item
        for key in way:
            place = place[key]
        if change.op == "append":
            place.setdefault(last, []).append(change.value)
        elif change.op == "set":
            place[last] = change.value
        else:
            assert change.op == "remove"
            del place[last]
    return found


def _name(item: Object) -> tuple[str, str, str]:
    meta = item["metadata"]
    return item["kind"], meta.get("namespace", ""), meta["name"]
