"""How much work the engine does, counted and not timed (network.md, 5.2 step 6; section 7, REG-NET-20)."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from kubeaudit.network.reach import assemble
from kubeaudit.network.relation import blocks

from .asking import KNP
from .clusters import Object, cluster, namespace, pod, policy


def _steps(work: Callable[[], object]) -> int:
    """How many lines of Python some work runs, every turn of a loop counted: effort without a clock."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def _company(teams: int) -> tuple[Object, ...]:
    """Ten apps in a namespace per team, a policy for each: neighbours and one tier of all namespaces may come in."""
    objects = []
    for number in range(teams):
        space = f"team{number}"
        objects.append(namespace(space, team=space))
        for app in range(10):
            labels = {"app": f"app{app}", "tier": f"tier{app % 3}"}
            objects.append(pod(f"app{app}", space, labels=labels, ips=(f"10.{number}.0.{app + 1}",)))
            peers = [
                {"podSelector": {}},
                {"namespaceSelector": {}, "podSelector": {"matchLabels": {"tier": f"tier{app % 3}"}}},
            ]
            out = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [f"10.{number}.0.0/16"]}}, {"podSelector": {}}]}
            spec = {"podSelector": {"matchLabels": {"app": f"app{app}"}}, "ingress": [{"from": peers}]}
            objects.append(policy(f"app{app}", space, **spec, **({"egress": [out]} if app % 2 else {})))
    return tuple(objects)


def test_reg_net_20_no_loop_over_pairs() -> None:
    """PERF-1, PERF-2: where policies are compiled and the relation is made, work grows with the workloads alone.

    One line of Python for each pair of 400 workloads would add half of 400 * 400 to twice the lines of 200.
    """
    half, whole = 200, 400
    found = [cluster(*_company(count // 10)) for count in (half, whole)]
    before, after = (_steps(lambda each=each: list(blocks(assemble(each, KNP).matrix))) for each in found)
    assert after - 2 * before < whole * whole // 8, (before, after)


def test_reg_net_20_a_loop_over_pairs_would_be_seen() -> None:
    assert _steps(lambda: [None for _ in range(400) for _ in range(400)]) >= 400 * 400
