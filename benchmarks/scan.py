"""Seconds per stage, peak memory and growth of a whole scan, from a snapshot file to JSON, HTML and SARIF on disk.

    python benchmarks/scan.py                     # 500, 5,000, 20,000 and 100,000 pods
    python benchmarks/scan.py 500 5000
    python benchmarks/scan.py --live 2000         # the whole command against a loopback API server

Each size runs in a process of its own, so that its peak is its own. The baseline of a row is the plainest thing that
could be done with the same bytes: unpack every frame and decode every object as untyped JSON."""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

SIZES = (500, 5_000, 20_000, 100_000)
STAGES = ("read", "model", "engines", "graph", "policies", "outputs")
sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--live", action="store_true", help="scan a loopback API server with the command line")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        from kubeaudit.garbage import collection_paused

        with collection_paused():  # as the command line does
            print(json.dumps(measure(Path(arguments.one))))
    elif arguments.live:
        for size in arguments.sizes:
            live(size)
    else:
        table(arguments.sizes)


def table(sizes: list[int]) -> None:
    print(
        "| pods | objects | " + " | ".join(STAGES) + " | total s | CPU s | peak MB | x baseline | MB json/html/sarif |"
    )
    print("|" + "---|" * (len(STAGES) + 7))
    totals: list[tuple[int, float]] = []
    for size in sizes:
        row = _in_process(size)
        totals.append((size, row["total"]))
        stages = " | ".join(f"{row[stage]:.2f}" for stage in STAGES)
        sizes_mb = "/".join(f"{row[name] / 1e6:.1f}" for name in ("json", "html", "sarif"))
        print(
            f"| {size:,} | {row['objects']:,.0f} | {stages} | {row['total']:.2f} | {row['cpu']:.2f} "
            f"| {row['peak']:.0f} | {row['total'] / row['baseline']:.1f} | {sizes_mb} |"
        )
    for (small, before), (large, after) in pairwise(totals):
        exponent = math.log(after / before) / math.log(large / small)
        print(f"growth from {small:,} to {large:,} pods: exponent {exponent:.2f}")


def _in_process(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cluster.kubeaudit"
        generator = Path(__file__).parent / "generate.py"
        subprocess.run([sys.executable, str(generator), str(size), str(path)], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(path)], check=True, capture_output=True, text=True
        )
        return dict(json.loads(done.stdout))


def measure(path: Path) -> dict[str, float]:
    """Run the stages of ``scan.scan`` one by one, as it does, and take the time of each."""
    from kubeaudit import files, snapshot, world
    from kubeaudit.cli import bundle
    from kubeaudit.edges.context import Context
    from kubeaudit.findings import Run, Tool
    from kubeaudit.graph.build import Graph
    from kubeaudit.model import cluster
    from kubeaudit.network import reach
    from kubeaudit.policy.select import select
    from kubeaudit.rbac import access
    from kubeaudit.report import FORMATS
    from kubeaudit.scan import conclude
    from kubeaudit.settings import Settings

    policies = select(bundle.compile_all(bundle.files(())), (), ())
    settings, times, started = Settings(), {}, time.process_time()

    def stage(name: str, since: float) -> float:
        times[name] = time.perf_counter() - since
        return time.perf_counter()

    mark = time.perf_counter()
    taken = snapshot.read(path)
    mark = stage("read", mark)
    model = cluster.build(taken)
    mark = stage("model", mark)
    context = Context(model, reach.build(model, settings), access.build(model), settings)
    mark = stage("engines", mark)
    graph = Graph(edge for family in world.FAMILIES for edge in family(context))
    mark = stage("graph", mark)
    run = Run(tool=Tool("kubeaudit", "benchmark", "shipped", ""), start="", end="", duration=0.0, source="live")
    result = conclude(world.World(context, graph), taken, policies, run)
    del model, context, graph  # as the command line, which keeps the result alone
    mark = stage("policies", mark)
    sizes: dict[str, float] = {}
    for name in ("json", "html", "sarif"):  # one at a time, as the command line does
        data = FORMATS[name].render(result)
        files.write(path.parent / f"result.{name}", [data])
        sizes[name] = float(len(data))
        del data
    stage("outputs", mark)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time() - started
    objects = float(sum(frame.count for frame in taken.frames))
    return (
        times
        | sizes
        | {"total": sum(times.values()), "cpu": cpu, "peak": peak, "objects": objects, "baseline": _baseline(path)}
    )


def _baseline(path: Path) -> float:
    import msgspec

    from kubeaudit import snapshot

    began = time.perf_counter()
    decoder = msgspec.json.Decoder()
    for frame in snapshot.read(path).frames:
        for item in snapshot.unpack(frame):
            decoder.decode(item)
    return time.perf_counter() - began


def live(size: int) -> None:
    """The whole command against a loopback server: process start, collecting, judging, three outputs."""
    import server

    with tempfile.TemporaryDirectory() as folder, server.FakeApi(size) as api:
        kubeconfig = Path(folder) / "config"
        kubeconfig.write_text(_kubeconfig(api.url))
        command = [sys.executable, "-m", "kubeaudit", "scan", "-q", "--exit-zero", "--kubeconfig", str(kubeconfig)]
        command += [word for name in ("json", "html", "sarif") for word in ("-o", f"{name}={folder}/result.{name}")]
        began = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        cpu = usage.ru_utime + usage.ru_stime
        print(
            f"live, {size:,} pods: {seconds:.2f} s, {cpu:.2f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB, "
            f"exit {os.waitstatus_to_exitcode(status)}"
        )


def _kubeconfig(url: str) -> str:
    cluster = {"name": "loopback", "cluster": {"server": url}}
    context = {"name": "loopback", "context": {"cluster": "loopback", "user": "reader"}}
    user = {"name": "reader", "user": {"token": "loopback"}}
    return json.dumps(
        {"kind": "Config", "clusters": [cluster], "contexts": [context], "users": [user], "current-context": "loopback"}
    )


if __name__ == "__main__":
    main()
