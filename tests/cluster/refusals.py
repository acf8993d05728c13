"""What the API server says of policies, against what an audit of a file with the same policy reports.

Policies are created in dry runs: the server validates them, writes its defaults into them and keeps none.
"""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kubeaudit.collect.manifests import collect_files
from kubeaudit.kinds import by_api_kind
from kubeaudit.model.cluster import Cluster, build
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.proof import dotted
from tests.network import clusters

from .rest import Json, Session, group_path

Object = dict[str, Any]
REFUSED = (400, 422)
"""The server could not decode the object, or its validation failed."""
PLUGIN = profile("kube-network-policies")


class Said(NamedTuple):
    """The server's answer: why it refuses an object ("" = it does not) and by which fields, or the object as kept."""

    refusal: str
    fields: tuple[str, ...]
    shown: Json


def asked(session: Session, cases: Mapping[str, Object]) -> dict[str, Said]:
    """The server's answer to every case."""
    return {name: _asked(session, item) for name, item in cases.items()}


def _asked(session: Session, item: Object) -> Said:
    row = by_api_kind()[item["apiVersion"].rpartition("/")[0], item["kind"]]
    space = f"/namespaces/{item['metadata']['namespace']}" if row.namespaced else ""
    answer = session.request("POST", f"{group_path(item['apiVersion'])}{space}/{row.resource}?dryRun=All", item)
    assert answer.status in (201, *REFUSED), (item, answer)
    if answer.status == 201:
        return Said("", (), answer.body)
    body: Any = answer.body
    causes = body.get("details", {}).get("causes", [])
    fields = tuple(cause.get("field", "").replace("<nil>", "") for cause in causes)
    return Said(answer.text("message"), fields, None)


def of_file(*objects: Object) -> Cluster:
    """The cluster that a file with these objects shows."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    return build(collect_files(["-"], stdin=io.BytesIO(text), tool_version="0", now="2026-01-01T00:00:00Z"))


def of_server(*objects: Any) -> Cluster:
    """The cluster of objects as the server has them, read without any defaulting."""
    return clusters.cluster(*objects)


def engine(cluster: Cluster) -> Reach:
    """The engine under a plugin that enforces every kind."""
    return assemble(cluster, PLUGIN)


def reported(item: Object, world: Iterable[Object]) -> dict[str, str]:
    """What is reported of a policy, by field; "" is the whole object."""
    cluster = of_file(*world, item)
    found = {dotted(problem.path): problem.reason for problem in engine(cluster).problems}
    return found | ({"": cluster.bad[0].reason} if cluster.bad else {})


def disagreements(
    cases: Mapping[str, Object], said: Mapping[str, Said], world: Iterable[Object]
) -> dict[str, tuple[str, Any]]:
    """Cases that one side refuses and the other takes, and those whose field is none that the server names: what the
    server says, and what is reported.
    """
    found = {}
    for name, item in cases.items():
        answer, ours = said[name], reported(item, world)
        elsewhere = ours and answer.fields and not any(_meet(one, other) for one in ours for other in answer.fields)
        if bool(answer.refusal) != bool(ours) or elsewhere:
            found[name] = (answer.refusal or "taken", ours or "taken")
    return found


def _meet(one: str, other: str) -> bool:
    """Whether two fields are the same, or one is part of the other."""
    return one.startswith(other) or other.startswith(one)


def changed(
    cases: Mapping[str, Object], said: Mapping[str, Said], world: Iterable[Object]
) -> dict[str, tuple[list[Any], list[Any]]]:
    """Cases that the server takes and whose relation as a file and as the server keeps it differ: both relations."""
    world, found = list(world), {}
    for name, item in cases.items():
        if not said[name].refusal:
            file, server = (
                sorted(engine(cluster).relation())
                for cluster in (of_file(*world, item), of_server(*world, said[name].shown))
            )
            if file != server:
                found[name] = (file, server)
    return found
