"""One namespace's applications: each yields its controller, its pods, its Service and whatever goes with them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from synthetic.entry import endpoint_slice, ingress, service
from synthetic.state import Machine, State
from synthetic.template import Json, Template, encode
from synthetic.workloads import Archetype

Item = tuple[str, bytes]

_REPLICAS = ((1, 1), (2, 2), (3, 3), (4, 10), (11, 40))
_REPLICA_WEIGHTS = (25, 20, 15, 22, 18)
"""Six replicas on average, three in the middle."""
_REGISTRIES = (
    "111122223333.dkr.ecr.eu-central-1.amazonaws.com",
    "ghcr.io/example",
    "registry.example.com",
    "docker.io/example",
)
_KINDS = ("Deployment", "StatefulSet", "CronJob")
_KIND_WEIGHTS = (86, 7, 7)


@dataclass(frozen=True, slots=True)
class Archetypes:
    """The ways workloads of this cluster are written."""

    services: tuple[Archetype, ...]
    jobs: tuple[Archetype, ...]


def archetypes(rng: random.Random, count: int) -> Archetypes:
    """Draw them; more than a few hundred add nothing a reader could tell apart."""
    return Archetypes(
        tuple(Archetype(rng) for _ in range(count)),
        tuple(Archetype(rng, job=True) for _ in range(max(1, count // 8))),
    )


@dataclass(frozen=True, slots=True)
class Application:
    """Name, size and labels of what was made, for the objects that refer to it."""

    name: str
    kind: str
    account: str
    selector: Json
    port: int


def application(
    state: State, ways: Archetypes, namespace: str, team: str, name: str, budget: int
) -> tuple[Application, int, Iterator[Item]]:
    """One application of at most ``budget`` pods: what it is, how many pods it has, and its objects."""
    rng = state.rng
    kind = rng.choices(_KINDS, _KIND_WEIGHTS)[0]
    way = rng.choice(ways.jobs if kind == "CronJob" else ways.services)
    account = name if rng.random() < 0.6 else "default"
    values = _values(state, namespace, team, name, account)
    found = Application(
        name,
        kind,
        account,
        {key: str(value).replace("<<app>>", name) for key, value in way.selector.items()},
        _port(way),
    )
    if kind == "CronJob":
        size = min(budget, rng.choice((0, 1, 3, 3)))
        return found, size, _cron_job(state, way, values, size)
    low, high = rng.choices(_REPLICAS, _REPLICA_WEIGHTS)[0]
    size = min(budget, rng.randint(low, high))
    values["replicas"] = size
    if kind == "StatefulSet":
        size = min(size, 5)
        values["replicas"] = size
        return found, size, _stateful_set(state, way, values, found, size)
    return found, size, _deployment(state, way, values, found, size)


def pod_values(
    state: State, values: dict[str, object], machine: Machine, *, host_network: bool = False
) -> dict[str, object]:
    """What differs from pod to pod of one controller."""
    created = state.time()
    return {
        **values,
        "uid": state.uid(),
        "rv": state.version(),
        "created": created,
        "started": created,
        "node": machine.name,
        "host_ip": machine.address,
        "ip": machine.address if host_network else state.pod_ip(),
        "access": state.suffix(),
        "sandbox": state.hexadecimal(64),
        "restarts": state.rng.choices((0, 1, 4), (92, 6, 2))[0],
        **{f"cid{number}": state.hexadecimal(64) for number in range(3)},
    }


def _values(state: State, namespace: str, team: str, name: str, account: str) -> dict[str, object]:
    tag = f"{state.rng.randrange(1, 9)}.{state.rng.randrange(0, 40)}.{state.rng.randrange(0, 20)}"
    pinned = f"{state.rng.choice(_REGISTRIES)}/{team}/{name}"
    image = state.rng.choices(
        (f"{pinned}:{tag}", f"{pinned}:latest", f"{pinned}@sha256:{state.hexadecimal(64)}"), (80, 8, 12)
    )[0]
    return {
        "app": name,
        "ns": namespace,
        "team": team,
        "sa": account,
        "image": image,
        "tag": tag,
        "digest": state.hexadecimal(64),
        "hash": state.suffix(10),
        "uid": state.uid(),
        "rv": state.version(),
        "created": state.time(),
        "owner": name,
        "index": "0",
        "revision": "1",
        "pool": state.pool(),
        "size": 0,
    }


def _deployment(
    state: State, way: Archetype, values: dict[str, object], made: Application, size: int
) -> Iterator[Item]:
    owner_uid = values["uid"]
    old = min(10, int(state.rng.expovariate(0.25)))
    values["revision"] = str(old + 1)
    yield "deployments.apps", way.deployment.fill(values)
    for number in range(old):
        former = {
            **values,
            "hash": state.suffix(10),
            "uid": state.uid(),
            "rv": state.version(),
            "created": state.time(),
        }
        former |= {"set": f"{made.name}-{former['hash']}", "owner_uid": owner_uid, "revision": str(number + 1)}
        yield "replicasets.apps", way.replica_set.fill(former)
    current = {
        **values,
        "uid": state.uid(),
        "set": f"{made.name}-{values['hash']}",
        "owner_uid": owner_uid,
        "size": size,
    }
    yield "replicasets.apps", way.replica_set.fill(current)
    names = [f"{current['set']}-{state.suffix()}" for _ in range(size)]
    shared = {**values, "owner": current["set"], "owner_uid": current["uid"]}
    yield from _pods(state, way.deployment_pod, shared, made, names, hosted=bool(way.spec.get("hostNetwork")))


def _stateful_set(
    state: State, way: Archetype, values: dict[str, object], made: Application, size: int
) -> Iterator[Item]:
    yield "statefulsets.apps", way.stateful_set.fill(values)
    names = [f"{made.name}-{number}" for number in range(size)]
    namespace = str(values["ns"])
    for name in names:
        claim = f"data-{name}"
        volume = f"pvc-{state.uid()}"
        spec: Json = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "20Gi"}},
            "volumeName": volume,
            "storageClassName": "gp3",
            "volumeMode": "Filesystem",
        }
        yield (
            "persistentvolumeclaims",
            encode({"metadata": state.metadata(claim, namespace), "spec": spec, "status": {"phase": "Bound"}}),
        )
        disk: Json = {
            "capacity": {"storage": "20Gi"},
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-0{state.hexadecimal(16)}", "fsType": "ext4"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "gp3",
        }
        yield (
            "persistentvolumes",
            encode({"metadata": state.metadata(volume), "spec": disk, "status": {"phase": "Bound"}}),
        )
    yield from _pods(
        state,
        way.stateful_pod,
        {**values, "owner_uid": values["uid"]},
        made,
        names,
        hosted=bool(way.spec.get("hostNetwork")),
    )


def _cron_job(state: State, way: Archetype, values: dict[str, object], size: int) -> Iterator[Item]:
    owner_uid = values["uid"]
    yield "cronjobs.batch", way.cron_job.fill(values)
    for number in range(size):
        name = f"{values['app']}-{29_400_000 + 30 * number}"
        job = {**values, "uid": state.uid(), "rv": state.version(), "owner_uid": owner_uid, "set": name}
        yield "jobs.batch", way.job.fill(job)
        shared = {**values, "owner": name, "owner_uid": job["uid"], "pod": f"{name}-{state.suffix()}"}
        yield "pods", way.job_pod.fill(pod_values(state, shared, state.place(str(shared["pool"]))))


def _pods(
    state: State, template: Template, shared: dict[str, object], made: Application, names: list[str], *, hosted: bool
) -> Iterator[Item]:
    addresses = []
    for number, name in enumerate(names):
        machine = state.place(str(shared["pool"]))
        values = pod_values(state, {**shared, "pod": name, "index": str(number)}, machine, host_network=hosted)
        addresses.append((name, str(values["uid"]), str(values["ip"]), machine))
        yield "pods", template.fill(values)
    namespace = str(shared["ns"])
    if state.rng.random() < 0.85:
        kind = state.rng.choices(("ClusterIP", "NodePort", "LoadBalancer"), (94, 3, 3))[0]
        front = service(state, namespace, made.name, made.selector, made.port, kind)
        yield "services", encode(front)
        yield from (
            ("endpointslices.discovery.k8s.io", encode(part))
            for part in endpoint_slice(state, front, addresses, made.port)
        )
        if state.rng.random() < 0.12:
            yield "ingresses.networking.k8s.io", encode(ingress(state, namespace, made.name))


def _port(way: Archetype) -> int:
    containers = way.spec["containers"]
    ports = containers[0].get("ports") or [{"containerPort": 8080}]
    return int(ports[0]["containerPort"])
