"""How long the network engine takes and how much memory: PERF-1 to PERF-5 of network.md, and how it grows.

    python benchmarks/network.py

Computing is everything from the policies of a decoded cluster to the masks of every workload's sources on every port.
Decoding is measured elsewhere. Seconds are processor time, the best of three runs; MB is what computing allocates at
its peak, in a run of its own. The baseline asks every rule for every pair of pods, as tools without masks do: it is
the test oracle of the engine, so on the small cluster both give the same answers, which is checked.
"""

import gc
import io
import math
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from kubeaudit.collect.manifests import collect_files
from kubeaudit.kinds import KINDS, by_api_kind
from kubeaudit.model.cluster import Cluster, build
from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Reach, assemble
from kubeaudit.snapshot import Header, Outcome, Read, Snapshot, pack_all

Object = dict[str, Any]
PLUGIN = profile("calico")
PER_NAMESPACE = 20
ROOT = Path(__file__).resolve().parents[1]


def objects(workloads: int, pods: int, policies: int, seed: int = 1) -> list[Object]:
    """Namespaces with a team and an environment; policies between tiers and teams, half of them with an ipBlock."""
    chance = random.Random(seed)
    spaces = max(1, workloads // PER_NAMESPACE)
    made = [_object("Namespace", f"ns{n}", "", {"team": f"t{n % 17}", "env": f"e{n % 3}"}) for n in range(spaces)]
    made.extend(_pod(number, number % workloads, spaces) for number in range(pods))
    made.extend(_policy(number, spaces, chance) for number in range(policies))
    return made


def _object(kind: str, name: str, namespace: str, labels: dict[str, str], version: str = "v1", **more: Any) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _pod(number: int, workload: int, spaces: int) -> Object:
    labels = {"app": f"a{workload // spaces}", "tier": f"x{workload % 4}", "pod": f"p{number}"}
    port = {"name": "http", "containerPort": 8000 + workload % 10}
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    pod = _object("Pod", f"p{number}", f"ns{workload % spaces}", labels)
    owner = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "name": f"w{workload}",
        "uid": f"w{workload}",
        "controller": True,
    }
    pod["metadata"]["ownerReferences"] = [owner]
    pod["spec"] = {"nodeName": f"n{number % 50}", "containers": [{"name": "c", "image": "i", "ports": [port]}]}
    pod["status"] = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    return pod


def _policy(number: int, spaces: int, chance: random.Random) -> Object:
    app = {"matchLabels": {"app": f"a{number // spaces % PER_NAMESPACE}"}}
    team = {"matchLabels": {"team": f"t{chance.randrange(17)}"}}
    peers = [
        {"podSelector": {"matchLabels": {"tier": f"x{chance.randrange(4)}"}}},
        {"namespaceSelector": team, "podSelector": {"matchLabels": {"app": f"a{chance.randrange(PER_NAMESPACE)}"}}},
    ]
    ports = [{"port": "http" if number % 3 == 0 else 8000 + number % 10}]
    environment = {"namespaceSelector": {"matchLabels": {"env": f"e{chance.randrange(3)}"}}}
    egress: list[Object] = [
        {"to": [environment], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 8000, "endPort": 8004}]},
        {"to": [{"podSelector": {}}]},
    ]
    if number % 2:
        block = f"{chance.randrange(11, 200)}.{chance.randrange(256)}"
        egress.append(
            {"to": [{"ipBlock": {"cidr": f"{block}.0.0/16", "except": [f"{block}.7.0/24"]}}], "ports": [{"port": 443}]}
        )
    spec = {
        "podSelector": app,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": peers, "ports": ports}],
        "egress": egress,
    }
    return _object("NetworkPolicy", f"np{number}", f"ns{number % spaces}", {}, "networking.k8s.io/v1", spec=spec)


def mixed(found: Iterable[Object]) -> list[Object]:
    """The same objects, with every twentieth policy in Calico's form."""
    made, number = [], 0
    for item in found:
        number += item["kind"] == "NetworkPolicy"
        made.append(_as_calico(item) if item["kind"] == "NetworkPolicy" and number % 20 == 0 else item)
    return made


def _as_calico(policy: Object) -> Object:
    """Whom the policy selects, open to one tier of pods and closed to the rest."""
    meta, app = policy["metadata"], policy["spec"]["podSelector"]["matchLabels"]["app"]
    rules = [
        {"action": "Allow", "source": {"selector": "tier in {'x0', 'x1'}"}},
        {"action": "Deny", "source": {"nets": ["203.0.113.0/24"]}},
    ]
    spec = {"order": 10, "selector": f"app == '{app}'", "types": ["Ingress"], "ingress": rules}
    return _object("NetworkPolicy", meta["name"], meta["namespace"], {}, "crd.projectcalico.org/v1", spec=spec)


def load(found: Iterable[Object]) -> Cluster:
    """The objects as a decoded cluster."""
    packed: dict[str, list[bytes]] = {}
    for item in found:
        key = by_api_kind()[(item["apiVersion"].rpartition("/")[0], item["kind"])].key
        packed.setdefault(key, []).append(msgspec.json.encode(item))
    frames = tuple(frame for key, items in packed.items() for frame in pack_all(key, items))
    reads = tuple(Read(kind.key, "", Outcome.COMPLETE) for kind in KINDS)
    return build(Snapshot(Header("0.0.0", "files", "", ""), reads, frames))


def compute(cluster: Cluster) -> Reach:
    """What is measured."""
    reach = assemble(cluster, PLUGIN)
    for target in range(len(cluster.classes)):
        reach.matrix.columns(target)
    return reach


def seconds(cluster: Cluster, runs: int = 3) -> float:
    best = math.inf
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        compute(cluster)
        best = min(best, time.process_time() - start)
    return best


def megabytes(cluster: Cluster) -> float:
    gc.collect()
    tracemalloc.start()
    compute(cluster)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def question(reach: Reach, asked: int = 2000) -> float:
    """Milliseconds for one connection between workloads with its proof (PERF-3)."""
    chance = random.Random(2)
    size = len(reach.cluster.classes)
    start = time.process_time()
    for _ in range(asked):
        reach.proof(reach.connect(chance.randrange(size), chance.randrange(size), "TCP", 8000 + chance.randrange(10)))
    return (time.process_time() - start) / asked * 1e3


def baseline(workloads: int) -> tuple[float, float]:
    """Seconds of the engine and of the pair loop over all TCP ports that some policy tells apart."""
    found = objects(workloads, workloads, workloads)
    cluster = load(found)
    engine = seconds(cluster)
    reach = compute(cluster)
    sys.path.insert(0, str(ROOT))
    from tests.network.naive.combine import judge
    from tests.network.naive.world import Packet, Plugin, World

    by_kind = {kind: [item for item in found if item["kind"] == kind] for kind in ("Namespace", "Pod", "NetworkPolicy")}
    world = World(Plugin(), by_kind["Namespace"], pods=by_kind["Pod"], policies=by_kind["NetworkPolicy"])
    start = time.process_time()
    answers = {
        (source, target, port): judge(world, Packet(one, other, "TCP", port, "IPv4"))[0]
        for source, one in enumerate(world.pods)
        for target, other in enumerate(world.pods)
        for port in reach.judge.ports.starts["TCP"]
    }
    pairs = time.process_time() - start
    for (source, target, port), answer in answers.items():
        if reach.packet(source, target, "TCP", port).state != answer:
            sys.exit(f"the engine and the baseline differ: pod {source} to {target} on TCP {port}")
    return engine, pairs


def main() -> None:
    print("workloads    pods  policies  seconds    MB  ms/question")
    for size in ((1000, 5000, 1000), (5000, 15000, 5000)):
        cluster = load(objects(*size))
        line = f"{size[0]:9} {size[1]:7} {size[2]:9} {seconds(cluster):8.3f} {megabytes(cluster):5.0f}"
        print(f"{line} {question(compute(cluster)):12.3f}", flush=True)
    engine, pairs = baseline(60)
    print(
        f"60 workloads, all pairs: engine {engine:.4f} s, pair loop {pairs:.1f} s, {pairs / engine:.0f} times",
        flush=True,
    )
    small = "  ".join(f"{n}: {seconds(load(objects(n, n, n))):.3f} s" for n in (100, 200, 500))
    print(f"all pairs on all ports of as many workloads, pods and policies: {small}", flush=True)
    plain, other = (seconds(load(form(objects(2000, 2000, 2000)))) for form in (list, mixed))
    print(f"2000 workloads, 5 % of the policies in Calico's form: {other:.3f} s, {other / plain:.2f} times", flush=True)
    lists()
    blocks()
    growth("with as many policies", list)
    growth("with 5 % of as many policies in Calico's form", mixed)


def lists() -> None:
    """PERF-4: plain list cases of netpol-analyzer, from YAML to rows; nothing where the corpora are not at hand."""
    folder = Path(os.environ.get("KUBEAUDIT_CORPORA", ROOT.parent / "shared" / "data")) / "netpol" / "netpol-analyzer"
    if not folder.exists():
        print(f"no corpora at {folder}: its list cases are not measured (KUBEAUDIT_CORPORA)")
        return
    plain = [
        case
        for case in msgspec.json.decode((folder / "cases.json").read_bytes())
        if (case["command"], case["format"]) == ("list", "txt") and not case["options"]
    ]
    for what, tags in (("NetworkPolicies", {"core", "nopolicy"}), ("tiers", {"anp", "banp"})):
        folders = [str(folder / case["dir"]) for case in plain if tags & set(case["tags"])]
        start = time.process_time()
        rows = sum(_rows(path) for path in folders)
        spent = time.process_time() - start
        print(f"{len(folders)} list cases of {what}, YAML included: {spent:.2f} s, {rows:,} rows", flush=True)


def _rows(path: str) -> int:
    read = collect_files([path], stdin=io.BytesIO(), tool_version="0", now="2026-01-01T00:00:00Z")
    return sum(1 for _ in assemble(build(read), PLUGIN).relation(["IPv4"]))


def blocks() -> None:
    """PERF-5: one policy of many ipBlocks, neighbours and ones that stand alone, and one of as many rules, each for a
    port and a block of its own: rows and time by their number.
    """
    for gap, what in ((1, "neighbours"), (2, "apart")):
        told = (_of_rules([{"from": [_block(n * gap) for n in range(number)]}]) for number in (200, 400, 800))
        print(f"one policy with 200, 400 and 800 ipBlocks, {what}: {', '.join(told)}", flush=True)
    told = (
        _of_rules([{"from": [_block(n)], "ports": [{"port": n + 1}]} for n in range(number)])
        for number in (2_500, 5_000, 10_000)
    )
    print(f"one policy of 2,500, 5,000 and 10,000 rules: {', '.join(told)}", flush=True)


def _block(number: int) -> Object:
    return {"ipBlock": {"cidr": f"20.{number >> 8}.{number & 255}.0/24"}}


def _of_rules(rules: list[Object]) -> str:
    spec = {"podSelector": {}, "ingress": rules}
    policy = _object("NetworkPolicy", "blocks", "ns0", {}, "networking.k8s.io/v1", spec=spec)
    cluster = load([_object("Namespace", "ns0", "", {}), _pod(0, 0, 1), policy])
    start = time.process_time()
    into = [row for row in assemble(cluster, PLUGIN).relation(["IPv4"]) if row.source[0].isdigit()]
    return f"{len(into):,} rows in {time.process_time() - start:.3f} s"


def growth(what: str, form: Callable[[Iterable[Object]], list[Object]]) -> None:
    """Seconds by the number of workloads, and the exponent from the smallest number to the largest."""
    sizes = (500, 1000, 2000, 5000, 10000)
    times = [seconds(load(form(objects(n, n, n)))) for n in sizes]
    exponent = math.log(times[-1] / times[0]) / math.log(sizes[-1] / sizes[0])
    print("  ".join(f"{n}: {t:.3f} s" for n, t in zip(sizes, times, strict=True)))
    print(f"growth from {sizes[0]} to {sizes[-1]} workloads, {what}: exponent {exponent:.2f}", flush=True)


if __name__ == "__main__":
    main()
