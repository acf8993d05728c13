"""A scan: build the world of a snapshot, judge it by policies, put the result together.

``scan`` is pure: no I/O, no clock, no network. The same snapshot, policies, settings and run header give the same
bytes."""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from kubeaudit import inventory, summary
from kubeaudit.findings import AssumptionUse, PathResult, Run, ScanResult
from kubeaudit.garbage import collection_paused
from kubeaudit.graph.paths import Route, routes
from kubeaudit.graph.present import label, matrix, path_result
from kubeaudit.policy.evaluate import evaluate
from kubeaudit.policy.schema import Policy
from kubeaudit.settings import Facts, Settings
from kubeaudit.snapshot import Snapshot
from kubeaudit.world import World, build


def scan(snapshot: Snapshot, policies: Sequence[Policy], settings: Settings, run: Run) -> ScanResult:
    """Judge a snapshot. ``run`` is the header of the run as far as the caller knows it; what the snapshot knows is
    filled in.
    """
    return conclude(build(snapshot, settings), snapshot, policies, run)


@collection_paused()
def conclude(world: World, snapshot: Snapshot, policies: Sequence[Policy], run: Run) -> ScanResult:
    """Judge a world that was built of a snapshot, and put the result together."""
    settings = world.settings
    said = evaluate(world, snapshot, policies)
    main = {name: tuple(routes(world.graph, name, search, settings)) for name, search in world.searches.items()}
    cells = matrix(world.graph, world.searches, _ids(main), settings)
    covered = summary.coverage(world, said.checks, policies)
    return ScanResult(
        run=_run(world, snapshot, run),
        answer=summary.answer(cells, said.checks, covered.gaps),
        coverage=covered,
        checks=said.checks,
        findings=said.findings,
        undecided=said.undecided,
        matrix=cells,
        paths=_paths([*(r for found in main.values() for r in found), *said.routes], settings),
        entry_points=inventory.entry_points(world.context, world.graph.edges(), label),
        admins=inventory.admins(world.context),
        settled=_settled(settings),
    )


def _settled(settings: Settings) -> tuple[AssumptionUse, ...]:
    """The facts that the configuration answers: inputs of the result, printed with it (EXP-974)."""
    given = msgspec.to_builtins(settings.facts)
    usual = msgspec.to_builtins(Facts())
    return tuple(
        AssumptionUse(name, "committed in the configuration", given[name])
        for name in given
        if given[name] != usual[name]
    )


def _ids(main: dict[str, tuple[Route, ...]]) -> dict[str, tuple[str, ...]]:
    """Path ids by ``entry:jewel kind``."""
    found: dict[str, list[str]] = {}
    for name, ways in main.items():
        for way in ways:
            found.setdefault(f"{name}:{way.jewel_kind}", []).append(way.id)
    return {key: tuple(ids) for key, ids in found.items()}


def _paths(found: list[Route], settings: Settings) -> tuple[PathResult, ...]:
    """Each path once, worst and cheapest first."""
    unique = {route.id: route for route in found}
    ordered = sorted(
        unique.values(),
        key=lambda r: (r.severity.rank, r.state, r.effort, len(r.edges), r.entry.key, r.jewel.key, r.route),
    )
    return tuple(path_result(route, settings) for route in ordered)


def _run(world: World, snapshot: Snapshot, run: Run) -> Run:
    header, cni = snapshot.header, world.context.reach.cni
    return structs.replace(
        run,
        source=header.source,
        collected=header.start,
        complete=run.complete and header.complete,
        cluster_id=header.cluster_id,
        context=header.context,
        server_url=header.server_url,
        server_version=header.server_version,
        cni=cni.name or "unknown",
        cni_evidence=cni.text,
        user=header.user,
        groups=header.groups,
        config_sha256=world.settings.digest(),
        namespaces=world.settings.namespaces,
        objects=world.cluster.counts,
        requests=sum(read.requests for read in snapshot.reads),
        bytes=sum(read.bytes for read in snapshot.reads),
        throttled=sum(read.throttled for read in snapshot.reads),
        reads=snapshot.reads,
    )
