"""Snapshots made of objects, as if a cluster had been read whole or files been given."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from kubeaudit import data
from kubeaudit.cli.bundle import compile_all
from kubeaudit.documents import Document, parse
from kubeaudit.kinds import CONFIGMAPS, FILE_KINDS, KINDS, Origin
from kubeaudit.model.cluster import build
from kubeaudit.policy.cel_judge import judge
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.load import read_folder
from kubeaudit.policy.problems import PolicyFile
from kubeaudit.policy.schema import Policy
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot, pack_all

Object = Mapping[str, Any]
_KINDS = {(kind.group, kind.kind): kind for kind in (*KINDS, *FILE_KINDS)}


@cache
def shipped() -> dict[str, Policy]:
    """The shipped policies by id."""
    return {policy.id: policy for policy in compile_all(read_folder(data.policy_folder()))}


def of_objects(objects: Iterable[Object], version: str = "") -> Snapshot:
    """What files show: authored kinds are whole, observed kinds are there only where an object shows them."""
    by_key: dict[str, list[bytes]] = {}
    for item in objects:
        kind = _KINDS.get((item["apiVersion"].rpartition("/")[0], item["kind"]))
        by_key.setdefault(kind.key if kind else CONFIGMAPS, []).append(msgspec.json.encode(item))
    frames = tuple(frame for key, items in by_key.items() for frame in pack_all(key, items))
    authored = {kind.key for kind in KINDS if kind.origin is Origin.AUTHORED}
    keys = [*(kind.key for kind in KINDS), CONFIGMAPS]
    reads = (Read(key, "", Outcome.COMPLETE if key in authored or key in by_key else Outcome.ABSENT) for key in keys)
    return Snapshot(Header("0", "files", "", "", server_version=version), tuple(reads), frames)


def of_yaml(text: str, version: str = "") -> Snapshot:
    """The documents of a YAML text."""
    found = list(parse(text.encode(), "objects.yaml"))
    documents = [document for document in found if isinstance(document, Document)]
    assert documents == found, found
    return of_objects([msgspec.convert(document.value, dict[str, Any]) for document in documents], version)


def judged(policy: str | Policy, objects: Iterable[Object], version: str = "") -> tuple[Judgement, ...]:
    """What one policy, shipped or not, says about some objects."""
    chosen = shipped()[policy] if isinstance(policy, str) else policy
    snapshot = of_objects(objects, version)
    return judge([chosen], snapshot, build(snapshot))[chosen.id]


def compiled(text: str, theme: str = "workload", name: str = "x") -> Policy:
    """A policy from its YAML text."""
    return compile_all((PolicyFile(theme, name, f"{theme}/{name}.yaml", text),))[0]


def pod(name: str, spec: Object, owner: Object | None = None, phase: str = "Running") -> Object:
    """A pod of namespace ``shop``."""
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    if owner is not None:
        api = owner["apiVersion"]
        reference = {"apiVersion": api, "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": "u"}
        metadata["ownerReferences"] = [{**reference, "controller": True}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}


def deployment(spec: Object, name: str = "web", replicas: int = 1, kind: str = "Deployment") -> Object:
    """A Deployment, or another kind with the same template, of namespace ``shop``."""
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": replicas, "template": template},
    }


def container(name: str = "web", **fields: Any) -> dict[str, Any]:
    """A container."""
    return {"name": name, "image": "registry.example/web:1.2", **fields}


def spec(*containers: Object, **fields: Any) -> dict[str, Any]:
    """A pod spec."""
    return {"containers": list(containers) or [container()], **fields}
