"""A made cluster of any size, as an API server would return it: the input of every benchmark.

    python benchmarks/generate.py PODS OUT.kubeaudit [--seed N]

The same size and seed give the same objects on every machine. See README.md for what is in it.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from synthetic import access, applications, infrastructure, policies, state
from synthetic.template import Json, encode

from kubeaudit import snapshot as snapshots
from kubeaudit.collect import pages, plan
from kubeaudit.collect.discovery import Served
from kubeaudit.collect.redact import redact
from kubeaudit.kinds import CONFIGMAPS, KINDS, NAMED_CONFIGMAPS, Kind
from kubeaudit.snapshot import Frame, Header, Outcome, Read, Snapshot

Item = tuple[str, bytes]

SERVER_VERSION = "v1.34.1"
_PLAIN = (
    "apps batch networking.k8s.io discovery.k8s.io rbac.authorization.k8s.io admissionregistration.k8s.io "
    "apiregistration.k8s.io apiextensions.k8s.io certificates.k8s.io storage.k8s.io node.k8s.io policy autoscaling"
)
SERVED_GROUPS = frozenset(["", *_PLAIN.split()])
"""API groups of a plain server; everything else in the kinds table is somebody's CRD and is not served here."""
NOT_SERVED = frozenset(
    [
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    ]
)
"""Of those groups, what version 1.34 serves only where somebody switched it on."""
SMALLEST = 50
_PODS_PER_NAMESPACE = 100
_ARCHETYPES = 192


def served(kind: Kind) -> bool:
    """Whether the made server serves a kind. Endpoints show what EndpointSlices show and are left out."""
    return kind.group in SERVED_GROUPS and kind.key not in NOT_SERVED and kind.key != plan.ENDPOINTS


def generate(pods: int, seed: int = 1) -> Iterator[Item]:
    """The objects of a cluster of exactly ``pods`` pods: (key of the kinds table, JSON of one list item).

    List items carry no ``apiVersion`` and ``kind``, as in the answer of a server.
    Raises ValueError below ``SMALLEST`` pods.
    """
    if pods < SMALLEST:
        raise ValueError(f"a cluster has at least {SMALLEST} pods: its add-ons alone are {SMALLEST // 2}")
    source = state.new(pods, seed)
    names = _namespaces(source, max(1, pods // _PODS_PER_NAMESPACE))
    yield from infrastructure.nodes(source)
    yield from infrastructure.cluster_wide(source)
    yield from infrastructure.add_ons(source)
    yield from access.bootstrap(source)
    for namespace, accounts in infrastructure.NAMESPACES.items():
        yield "namespaces", encode(_namespace(source, namespace, "platform"))
        yield from access.namespaced(source, namespace, "platform", accounts)
    left = pods - infrastructure.AGENTS_PER_NODE * len(source.nodes) - infrastructure.SINGLE_PODS
    ways = applications.archetypes(source.rng, min(_ARCHETYPES, 8 + pods // 50))
    holders: list[str] = []
    for number, namespace in enumerate(names):
        share = left // (len(names) - number)
        share = left if number == len(names) - 1 else min(left, max(1, round(share * source.rng.uniform(0.3, 1.7))))
        left -= share
        made: dict[str, applications.Application] = {}
        yield from _team(source, ways, namespace, names, share, made)
        holders += [f"{namespace}/{item.account}" for item in list(made.values())[:1]]
    yield from access.operators(source, holders)


def snapshot(pods: int, seed: int = 1, strip: bool = True) -> Snapshot:
    """The same cluster as a snapshot in which every served kind was read to its end.

    ``strip`` leaves out what collecting leaves out (managedFields, last-applied configurations, secret values).
    """
    heads = {kind.key: _head(kind) for kind in KINDS} | {CONFIGMAPS: b'{"apiVersion":"v1","kind":"ConfigMap"'}
    objects: Iterable[Item] = ((key, pages.typed(raw, heads[key])) for key, raw in generate(pods, seed))
    if strip:
        objects = ((key, redact(raw, key)) for key, raw in objects)
    frames, counts, sizes = _pack(objects)
    return Snapshot(_header(frames), tuple(_reads(counts, sizes)), tuple(frames))


def _head(kind: Kind) -> bytes:
    return encode(
        {"apiVersion": f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0], "kind": kind.kind}
    )[:-1]


def _pack(objects: Iterable[Item]) -> tuple[list[Frame], dict[str, int], dict[str, int]]:
    """Frames by kind in the order of the kinds table, and how many objects and bytes each kind has."""
    waiting: dict[str, list[bytes]] = {}
    frames: dict[str, list[Frame]] = {}
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for key, raw in objects:
        batch = waiting.setdefault(key, [])
        batch.append(raw)
        counts[key] = counts.get(key, 0) + 1
        sizes[key] = sizes.get(key, 0) + len(raw)
        if len(batch) == snapshots.FRAME_OBJECTS:
            frames.setdefault(key, []).append(snapshots.pack(key, batch))
            waiting[key] = []
    for key, batch in waiting.items():
        if batch:
            frames.setdefault(key, []).append(snapshots.pack(key, batch))
    order = [kind.key for kind in KINDS] + [CONFIGMAPS]
    return [frame for key in order for frame in frames.get(key, [])], counts, sizes


def _reads(counts: dict[str, int], sizes: dict[str, int]) -> Iterator[Read]:
    """How every kind was read, decided as the collector decides it from what is served."""
    wants, known = plan.plan(Served({kind.key: kind.versions[:1] for kind in KINDS if served(kind)}, {}))
    reads = list(known)
    for want in wants:
        key = want.kind.key
        count = counts.get(key, 0)
        requests = max(1, -(-count // pages.LIMIT))
        reads.append(
            Read(key, "", Outcome.COMPLETE, want.versions[0], count, 200, requests=requests, bytes=sizes.get(key, 0))
        )
    yield from plan.in_order([*reads, *plan.instead_of_endpoints(reads)])
    for namespace, name in NAMED_CONFIGMAPS:
        found = (namespace, name) == ("kube-system", "coredns")
        status, count = (200, 1) if found else (404, 0)
        yield Read(CONFIGMAPS, f"{namespace}/{name}", Outcome.COMPLETE, "v1", count, status, requests=1)


def _header(frames: Iterable[Frame]) -> Header:
    namespaces = (
        json.loads(raw) for frame in frames if frame.resource == "namespaces" for raw in snapshots.unpack(frame)
    )
    system = next(item["metadata"]["uid"] for item in namespaces if item["metadata"]["name"] == "kube-system")
    return Header(
        tool_version="0",
        source="live",
        start="2025-11-24T06:00:00Z",
        end="2025-11-24T06:00:30Z",
        cluster_id=system,
        context="synthetic",
        server_url="https://10.0.0.4",
        server_version=SERVER_VERSION,
        user="system:serviceaccount:kubeaudit:kubeaudit",
        groups=("system:serviceaccounts", "system:serviceaccounts:kubeaudit", "system:authenticated"),
    )


def _namespaces(source: state.State, count: int) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        word = source.word()
        names[word if word not in names and source.rng.random() < 0.5 else f"{word}-{source.suffix(3)}"] = None
    return list(names)


def _namespace(source: state.State, name: str, team: str) -> Json:
    level = source.rng.choices(("", "baseline", "restricted", "privileged"), (55, 20, 20, 5))[0]
    labels = {"kubernetes.io/metadata.name": name, "team": team}
    if level:
        labels["pod-security.kubernetes.io/enforce"] = level
    return {
        "metadata": source.metadata(name, labels=labels),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _team(
    source: state.State,
    ways: applications.Archetypes,
    namespace: str,
    neighbours: list[str],
    pods: int,
    made: dict[str, applications.Application],
) -> Iterator[Item]:
    """One team's namespace with so many pods, and the objects that belong to it; ``made`` is filled on the way."""
    team = f"team-{namespace.partition('-')[0]}"
    yield "namespaces", encode(_namespace(source, namespace, team))
    while pods > 0:
        name = source.application()
        if name in made:
            name = f"{name}-{source.suffix(3)}"
        made[name], size, objects = applications.application(source, ways, namespace, team, name, pods)
        pods -= size
        yield from objects
        yield from _companions(source, namespace, made[name])
    yield from access.namespaced(source, namespace, team, [item.account for item in made.values()])
    if source.rng.random() < 0.6:
        found = [(item.selector, item.port) for item in made.values()]
        yield from (
            ("networkpolicies.networking.k8s.io", encode(item))
            for item in policies.policies(source, namespace, found, neighbours)
        )
    if source.rng.random() < 0.4:
        spec: Json = {"hard": {"pods": "200", "requests.cpu": "100", "requests.memory": "200Gi"}}
        yield "resourcequotas", encode({"metadata": source.metadata("quota", namespace), "spec": spec})
        limit = {
            "type": "Container",
            "default": {"memory": "512Mi"},
            "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
        }
        yield "limitranges", encode({"metadata": source.metadata("defaults", namespace), "spec": {"limits": [limit]}})


def _companions(source: state.State, namespace: str, made: applications.Application) -> Iterator[Item]:
    if made.kind != "Deployment":
        return
    if source.rng.random() < 0.2:
        target = {"kind": "Deployment", "name": made.name, "apiVersion": "apps/v1"}
        spec: Json = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 20}
        yield (
            "horizontalpodautoscalers.autoscaling",
            encode({"metadata": source.metadata(made.name, namespace), "spec": spec}),
        )
    if source.rng.random() < 0.25:
        budget: Json = {"maxUnavailable": 1, "selector": {"matchLabels": made.selector}}
        yield "poddisruptionbudgets.policy", encode({"metadata": source.metadata(made.name, namespace), "spec": budget})


def main(arguments: list[str] | None = None) -> None:
    """Write a snapshot of a made cluster and say what is in it."""
    parser = argparse.ArgumentParser(description="Make the snapshot of a cluster of PODS pods.")
    parser.add_argument("pods", type=int, metavar="PODS")
    parser.add_argument("out", type=Path, metavar="OUT.kubeaudit")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    made = snapshot(given.pods, given.seed)
    snapshots.write(made, given.out)
    objects = sum(frame.count for frame in made.frames)
    cost = f"{given.out.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - began:.1f} s"
    print(f"{given.out}: {objects:,} objects, {made.count('pods'):,} of them pods, {cost}")


if __name__ == "__main__":
    sys.exit(main())
