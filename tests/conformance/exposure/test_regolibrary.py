"""The cases of the kubescape regolibrary, as far as our attitude to their rule says what must hold."""

from collections.abc import Callable
from pathlib import Path

from tallies import Counts

from kubeaudit.edges.context import workload
from kubeaudit.edges.ingresses import routes
from kubeaudit.errors import CollectError
from kubeaudit.proof import State
from kubeaudit.refs import Facet
from kubeaudit.world import World

from .corpora import Case, cases, world

CORPUS = "kubescape-regolibrary"


def _states(found: World, row: str, names: list[str]) -> set[State]:
    """States of the edges of a row that touch some workloads, or any where none is named."""
    wanted = [f"{kind}/{name}" for kind, _, name in (text.split("/", 2) for text in names)]
    edges = [e for e in found.graph.edges() if e.row == row]
    return {e.state for e in edges if not wanted or e.source.name in wanted or e.target.name in wanted}


def _automount(found: World, case: Case) -> bool:
    """Agreed on which field wins, for the pods the rule names."""
    states = _states(found, "EXP-601", [text for text in case["objects"] if not text.startswith("ServiceAccount")])
    return State.YES in states if case["upstream"] == "fail" else states <= {State.BLOCKED}


def _backends(found: World, case: Case) -> bool:
    """A backend that is not there has no edge."""
    asked = {
        (i.metadata.name, r.entry, r.backend.service.name)
        for i in found.cluster.ingresses
        for r in routes(i)
        if r.backend.service
    }
    led = {(e.source, e.target.name.partition(":")[0]) for e in found.graph.edges() if e.row in ("EXP-111", "EXP-112")}
    dangling = {name for name, entry, service in asked if (entry, service) not in led}
    return dangling == {text.rpartition("/")[2] for text in case["objects"]}


def _exposed(found: World, case: Case) -> bool:
    """Not absent where upstream alerts; it may be unknown, because class, status or nodes are not in the input."""
    vertices = [workload(cls, Facet.NET) for cls in found.cluster.classes]
    states = {v.name: found.searches["internet"].state(v) for v in vertices}
    if case["upstream"] == "pass":
        return set(states.values()) <= {None}
    return all(states.get(text.replace("//", "/")) is not None for text in case["objects"])


def _host_network(found: World, case: Case) -> bool:
    """Unknown counts: the input has no nodes, so the class of their addresses is not known."""
    return bool(_states(found, "EXP-108", case["objects"]) - {State.BLOCKED})


def _served(found: World, case: Case) -> bool:
    """A Service with a selector leads to pods, but for the ones the rule names."""
    led = {e.source.name.partition(":")[0] for e in found.graph.edges() if e.row == "EXP-119"}
    selecting = {s.metadata.name for s in found.cluster.services if s.spec.selector and s.spec.type != "ExternalName"}
    return selecting - led == {text.rpartition("/")[2] for text in case["objects"]}


JUDGES: dict[str, Callable[[World, Case], bool]] = {
    "automount-service-account": _automount,
    "dangling-ingress-backend": _backends,
    "exposure-to-internet": _exposed,
    "host-network-access": _host_network,
    "service-with-no-workload": _served,
}
"""By rule: those whose rows this version implements and whose attitude is not ``reference``."""


def test_attitude_of_every_rule(tally: Counts, tmp_path: Path) -> None:
    wrong = []
    for name, case in sorted(cases(CORPUS).items()):
        judge = JUDGES.get(case["rule"])
        if judge is None or case["attitude"] == "reference":
            tally[CORPUS, "out of scope"] += 1
            continue
        files = [file for file in case["files"] if "/input/" in file]
        try:
            agrees = judge(world(CORPUS, files, tmp_path, nodes=False), case)
        except CollectError as error:
            agrees = False
            name = f"{name}: {error}"
        tally[CORPUS, "agreed"] += agrees
        if not agrees:
            wrong.append(name)
    assert not wrong
    assert tally[CORPUS, "agreed"] > 10
