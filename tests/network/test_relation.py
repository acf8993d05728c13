"""The flat relation states what the single questions answer, in as few rows as there are verdicts (AGG-3..5)."""

from hypothesis import given

from kubeaudit.network.plugin.cni import profile
from kubeaudit.network.reach import Row
from kubeaudit.network.relation import label
from kubeaudit.queries.pairs import by_policies

from .asking import R, U, engine, row_state
from .clusters import pod, policy
from .loading import examples, load
from .naive.world import World
from .worlds import ADDRESSES, PORTS, worlds

WITH_NUMBERS = tuple(at for at in PORTS if at[0] != "ICMP")


@examples(60)
@given(world=worlds())
def test_rows_are_the_verdicts(world: World) -> None:
    """Own nodes of addresses are left to ``egress`` and ``ingress``; of a class with itself two pods are meant."""
    reach = load(world)
    found = reach.cluster
    for family in ("IPv4", "IPv6"):
        rows = list(reach.relation([family]))
        assert {row.family for row in rows} <= {family}
        for cls in found.classes:
            if cls.families and family not in cls.families:
                continue
            own = label(reach.judge, cls.index)
            for protocol, port in WITH_NUMBERS:
                for other in found.classes:
                    expected = reach.connect(other.index, cls.index, protocol, port, family).state
                    if other is cls:
                        expected = by_policies(reach, cls.index, cls.index, (protocol, port, port), family).state
                    assert row_state(rows, label(reach.judge, other.index), own, protocol, port) == expected
                for address in ADDRESSES:
                    if (":" in address) == (family == "IPv6") and not address.startswith(("172.18.", "fd00:18:")):
                        assert (
                            row_state(rows, own, address, protocol, port)
                            == reach.egress(cls.index, address, protocol, port).state
                        )
                        assert (
                            row_state(rows, address, own, protocol, port)
                            == reach.ingress(address, cls.index, protocol, port).state
                        )


def test_ports_and_addresses_are_merged() -> None:
    np = policy(
        "np",
        ingress=[
            {"from": [{"ipBlock": {"cidr": "203.0.113.0/25"}}], "ports": [{"port": 80}]},
            {"from": [{"ipBlock": {"cidr": "203.0.113.128/25"}}], "ports": [{"port": 80}]},
            {"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 81}]},
        ],
    )
    rows = [row for row in engine(pod("app", ips=("10.0.0.1",)), np).relation() if row.target == "default/Pod/app"]
    assert rows == [Row("203.0.113.0/24", "default/Pod/app", "IPv4", "TCP", 80, 81, R)]


def test_ranges_that_are_no_cidr_and_unknown_rows() -> None:
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in ("10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24")]
    np = policy("np", podSelector={}, policyTypes=["Egress"], egress=[{"to": blocks, "ports": [{"port": 80}]}])
    objects = (pod("app", ips=("10.0.0.1",)), pod("in", ips=("10.1.0.1",), labels={"x": "y"}), np)
    rows = set(engine(*objects, plugin=profile("antrea")).relation())
    assert Row("default/Pod/app", "10.1.0.0-10.1.2.255", "IPv4", "TCP", 80, 80, R) in rows
    assert Row("default/Pod/app", "default/Pod/in", "IPv4", "TCP", 80, 80, U) in rows
