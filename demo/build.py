"""Make the demo's snapshot from its manifests: ``python demo/build.py [--out FILE]``.

The same manifests give the same file, byte for byte: no clock, no random source, no network. README.md tells the story.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cluster import (
    AUDITOR,
    CLUSTER,
    CRDS,
    ENDED,
    GROUPS,
    SERVER,
    SERVER_VERSION,
    STARTED,
    Json,
    built_in,
    digest,
    moment,
    uid,
)
from running import name_of, namespace_of, run

from kubeaudit import documents, snapshot
from kubeaudit.collect import plan
from kubeaudit.collect.defaults import apply_defaults
from kubeaudit.collect.discovery import Served
from kubeaudit.collect.redact import redact
from kubeaudit.errors import KubeauditError
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, by_api_kind
from kubeaudit.snapshot import Frame, Header, Outcome, Read, Snapshot

FOLDER = Path(__file__).parent
SHIPPED = FOLDER.parent / "kubeaudit" / "data" / "demo.kubeaudit"
REFUSED = "certificatesigningrequests.certificates.k8s.io"
"""The kind the auditor may not list: its role was made before somebody asked about client certificates."""
_DENIED = (
    f'{REFUSED} is forbidden: User "{AUDITOR}" cannot list resource "certificatesigningrequests" '
    'in API group "certificates.k8s.io" at the cluster scope'
)
_SWITCHED_OFF = ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
"""Of the groups served, what version 1.34 serves only behind a feature gate."""


def authored() -> list[Json]:
    """The documents of the manifests, files in order of their names. Raises KubeauditError where one cannot be read."""
    found: list[Json] = []
    for path in sorted((FOLDER / "manifests").glob("*.yaml")):
        for document in documents.parse(path.read_bytes(), path.name):
            if isinstance(document, documents.Problem):
                raise KubeauditError(f"{path.name}:{document.line}: {document.reason}", "mend the manifest")
            found.append(document.value)
    return found


def build() -> Snapshot:
    """The demo cluster as the auditor read it."""
    frames, sizes = [], {}
    given = [apply_defaults(_resource(item), item) for item in (*built_in(), *authored())]
    for key, objects in _by_resource(run(given)).items():
        lines = [redact(msgspec.json.encode(item), key) for item in objects]
        sizes[key] = (len(lines), sum(len(line) for line in lines))
        frames.extend(snapshot.pack_all(key, lines))
    return Snapshot(_header(), tuple(_reads(sizes)), _in_order(frames))


def _by_resource(objects: list[Json]) -> dict[str, list[Json]]:
    """The objects as a server lists them: by kind, then namespace and name."""
    listed: dict[str, list[Json]] = {}
    for item in sorted(objects, key=lambda item: (namespace_of(item), name_of(item))):
        key = _resource(item)
        listed.setdefault(key, []).append(_stored(apply_defaults(key, item)))
    return listed


def _resource(item: Json) -> str:
    """The key of the kinds table."""
    group = item["apiVersion"].rpartition("/")[0]
    return CONFIGMAPS if item["kind"] == "ConfigMap" else by_api_kind()[group, item["kind"]].key


def _stored(item: Json) -> Json:
    """An object with the metadata and the order of fields that a server gives it."""
    kind, namespace, name = item["kind"], namespace_of(item), name_of(item)
    given = item["metadata"]
    first = ("name", "generateName", "namespace")
    metadata = {
        **{key: given[key] for key in first if key in given},
        "uid": uid(kind, namespace, name),
        "resourceVersion": str(180_000_000 + digest("version", kind, namespace, name) % 9_000_000),
        "creationTimestamp": moment("2025-11-18", kind, namespace, name),
        **{key: value for key, value in given.items() if key not in first},
    }
    return {"apiVersion": item["apiVersion"], "kind": kind, "metadata": metadata} | {
        key: value for key, value in item.items() if key not in ("apiVersion", "kind", "metadata")
    }


def _reads(sizes: dict[str, tuple[int, int]]) -> Iterator[Read]:
    """How every kind was read, decided as the collector decides it from what is served."""
    wants, known = plan.plan(Served(_served(), {}))
    reads = [*known]
    for want in wants:
        key, version = want.kind.key, want.versions[0]
        if key == REFUSED:
            reads.append(Read(key, "", Outcome.REFUSED, version, status=403, detail=_DENIED, requests=1, seconds=0.011))
            continue
        count, size = sizes.get(key, (0, 0))
        reads.append(
            Read(key, "", Outcome.COMPLETE, version, count, 200, requests=1, bytes=size, seconds=_seconds(size))
        )
    yield from plan.in_order([*reads, *plan.instead_of_endpoints(reads)])
    there = {(namespace_of(item), name_of(item)) for item in authored() if item["kind"] == "ConfigMap"}
    for namespace, name in NAMED_CONFIGMAPS:
        found = (namespace, name) in there
        yield Read(
            CONFIGMAPS,
            f"{namespace}/{name}",
            Outcome.COMPLETE,
            "v1",
            int(found),
            200 if found else 404,
            requests=1,
            seconds=0.009,
        )


def _served() -> dict[str, tuple[str, ...]]:
    plain = GROUPS | {"apiregistration.k8s.io"}
    custom = {(row[0], row[3]): row[1] for row in CRDS}
    served = {}
    for kind in KINDS:
        if kind.group in plain and kind.resource not in _SWITCHED_OFF:
            served[kind.key] = kind.versions[:1]
        elif (kind.group, kind.resource) in custom:
            served[kind.key] = (custom[kind.group, kind.resource],)
    return served


def _seconds(size: int) -> float:
    """About what a list of so many bytes takes from a nearby server."""
    return round(0.012 + size / 20_000_000, 3)


def _in_order(frames: list[Frame]) -> tuple[Frame, ...]:
    order = {key: number for number, key in enumerate([*(kind.key for kind in KINDS), CONFIGMAPS])}
    return tuple(sorted(frames, key=lambda frame: order[frame.resource]))


def _header() -> Header:
    return Header(
        tool_version="demo",
        source="live",
        start=STARTED,
        end=ENDED,
        cluster_id=uid("Namespace", "", "kube-system"),
        context=CLUSTER,
        server_url=SERVER,
        server_version=SERVER_VERSION,
        user=AUDITOR,
        groups=("system:serviceaccounts", "system:serviceaccounts:kubeaudit", "system:authenticated"),
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the snapshot and say what is in it."""
    parser = argparse.ArgumentParser(description="Make the demo's snapshot from its manifests.")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    out = parser.parse_args(arguments).out
    made = build()
    snapshot.write(made, out)
    objects = sum(frame.count for frame in made.frames)
    print(f"{out}: {objects} objects, {made.count('pods')} of them pods, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
