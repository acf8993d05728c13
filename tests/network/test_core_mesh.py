"""The relation and the columns say of a mesh what single questions say (NET-135..141; network.md, 5.2 and V-3)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubeaudit.model.selectors import bits_of
from kubeaudit.network.mesh import membership
from kubeaudit.network.reach import Direction, Reach
from kubeaudit.network.relation import label
from kubeaudit.proof import State
from kubeaudit.queries.pairs import by_policies
from kubeaudit.settings import Fact
from kubeaudit.snapshot import Outcome

from .asking import B, R, U, cls, engine, row_state, state
from .clusters import Object, daemonset, namespace, pod, policy
from .loading import examples
from .test_istio import OTHER, OUT, PLAIN, WEB, authentication, authorization, meshed, source

INSIDE = "10.9.0.1"
PORTS = (("TCP", 80), ("TCP", 81), ("TCP", 8080), ("UDP", 80))
_INIT = [{"name": "istio-init", "image": "i", "args": ["istio-iptables", "-d", "8080"]}]
_LABELS = {"matchLabels": {"app": "db"}}


def template(name: str, space: str) -> Object:
    """A Deployment without pods: whether it will be in the mesh is not known."""
    spec = {"containers": [{"name": "main", "image": "m"}]}
    body = {"template": {"metadata": {"labels": {"app": name}}, "spec": spec}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": space}, "spec": body}


def twin(name: str, ip: str) -> Object:
    """One of two pods of a workload."""
    made = meshed("db", "shop", ip, owner="db", init=_INIT)
    made["metadata"]["name"] = name
    return made


WORLD = (
    namespace("shop"),
    namespace("team"),
    WEB,
    twin("db-0", "10.0.0.2"),
    twin("db-1", "10.0.0.5"),
    OTHER,
    PLAIN,
    template("late", "shop"),
    pod("host", "team", ips=("172.18.0.2",), host=True),
)
_SOURCES: tuple[Object, ...] = (
    {"principals": ["cluster.local/ns/shop/sa/web"]},
    {"notPrincipals": ["cluster.local/ns/shop/*"]},
    {"namespaces": ["team"]},
    {"notNamespaces": ["shop"]},
    {"ipBlocks": ["203.0.113.0/24", "10.0.0.4/32"]},
    {"notIpBlocks": ["10.0.0.0/8"]},
)
_TARGET = {"kind": "Service", "group": "", "name": "db"}
_OPERATIONS: tuple[Object, ...] = ({"ports": ["80"]}, {"notPorts": ["80"]}, {"methods": ["GET"]})


@st.composite
def _rules(draw: st.DrawFn) -> Object:
    rule: Object = {}
    if draw(st.booleans()):
        rule |= source(**draw(st.sampled_from(_SOURCES)))
    if draw(st.booleans()):
        rule["to"] = [{"operation": draw(st.sampled_from(_OPERATIONS))}]
    return rule


@st.composite
def _mesh_policies(draw: st.DrawFn) -> list[Object]:
    made = []
    for number in range(draw(st.integers(1, 2))):
        spec: dict[str, Any] = {"action": draw(st.sampled_from(("ALLOW", "DENY", "CUSTOM", "AUDIT")))}
        spec["rules"] = draw(st.lists(_rules(), max_size=2))
        bound = draw(st.sampled_from(({}, {}, {"selector": _LABELS}, {"targetRefs": [_TARGET]})))
        made.append(authorization(f"a{number}", draw(st.sampled_from(("shop", "istio-system"))), **spec, **bound))
    mode = draw(st.sampled_from(("", "STRICT", "PERMISSIVE", "DISABLE")))
    if mode:
        by_port = {"portLevelMtls": {"80": {"mode": "PERMISSIVE"}}} if draw(st.booleans()) else {}
        made.append(authentication(mode, selector=_LABELS, **by_port) if by_port else authentication(mode))
    if draw(st.booleans()):
        block = {"ipBlock": {"cidr": "203.0.113.0/25"}}
        made.append(policy("np", "shop", podSelector={}, ingress=[{"from": [{"podSelector": {}}, block]}]))
    return made


@examples(25)
@given(_mesh_policies())
def test_net_135_rows_and_columns_are_the_single_questions(made: list[Object]) -> None:
    """For every pair of classes, and of a class and an address; of a class with itself two of its pods are meant."""
    reach = engine(*WORLD, *made)
    rows = list(reach.relation(["IPv4"]))
    names = [label(reach.judge, found.index) for found in reach.cluster.classes]
    for target, own in enumerate(names):
        for protocol, port in PORTS:
            columns = [_at(reach, target, peer, protocol, port) for peer in range(len(names))]
            for peer, name in enumerate(names):
                asked = reach.connect(peer, target, protocol, port).state
                assert columns[peer] is asked
                if peer == target:
                    asked = by_policies(reach, peer, target, (protocol, port, port), "IPv4").state
                assert row_state(rows, name, own, protocol, port) is asked
            for address in (OUT, "203.0.113.200", INSIDE):
                into, out = (
                    reach.ingress(address, target, protocol, port),
                    reach.egress(target, address, protocol, port),
                )
                assert row_state(rows, address, own, protocol, port) is into.state
                assert row_state(rows, own, address, protocol, port) is out.state


def _at(reach: Reach, target: int, source: int, protocol: str, port: int) -> State:
    column = reach.matrix.sources(target, protocol, port)
    return R if column.reachable >> source & 1 else U if column.unknown >> source & 1 else B


def test_rows_of_the_internet_are_narrowed_by_a_mesh() -> None:
    closed = (authorization("closed"), authorization("web", selector={"matchLabels": {"app": "web"}}))
    for made in (closed, (authentication("STRICT"),)):
        rows = list(engine(*WORLD, *made).relation(["IPv4"]))
        assert {row.protocol for row in rows if row.target == "shop/Pod/web" and row.source == "0.0.0.0/0"} == {
            "UDP",
            "SCTP",
        }
    udp_and_open = list(engine(*WORLD).relation(["IPv4"]))
    assert any(row.protocol == "TCP" and row.source == "0.0.0.0/0" for row in udp_and_open)


def test_two_pods_of_one_class_are_kept_apart_by_a_mesh() -> None:
    reach = engine(*WORLD, authorization())
    db = cls(reach, "shop/db-0")
    own = label(reach.judge, db)
    assert cls(reach, "shop/db-1") == db
    assert state(reach, "shop/db-0", "shop/db-1") == B
    assert not [
        r for r in reach.relation(["IPv4"]) if r.source == r.target == own and r.protocol == "TCP" and r.first <= 80
    ]
    assert reach.matrix.sources(db, "TCP", 80).reachable == 1 << db
    found = reach.matrix.columns(db, exempt=False)
    assert not any(column.reachable >> db & 1 for column in found if column.ports & reach.judge.ports.atom("TCP", 80))


def test_net_53_a_mesh_takes_no_pod_from_itself() -> None:
    reach = engine(*WORLD, authorization())
    db = cls(reach, "shop/db-0")
    assert state(reach, "shop/db-0", "shop/db-0") == R
    assert reach.connect(db, db, "TCP", 80).state is R


REFUSED = {"authorizationpolicies.security.istio.io": Outcome.REFUSED}
ZTUNNEL = daemonset("ztunnel", "istio-system")


def test_net_135_who_may_be_in_a_mesh_is_told_in_one_place() -> None:
    """Policies that were not read leave the pods open that have a proxy or may get one, and no others."""
    reach = engine(*WORLD, unread=REFUSED)
    around = membership.mesh(reach.cluster)
    open_to_doubt = reach.judge.doubts.may_block[Direction.INGRESS, True]
    assert open_to_doubt == around.inside | around.perhaps
    names = {label(reach.judge, number) for number in bits_of(open_to_doubt)}
    assert names == {"shop/Pod/web", "shop/StatefulSet/db", "team/Pod/other", "shop/Deployment/late"}
    assert reach.default("team", "ingress").denies is Fact.UNKNOWN


def test_net_135_an_ambient_mesh_shows_on_no_pod() -> None:
    """Labels of pods that no policy that was read looks at are not kept, and those of namespaces may be unread."""
    bare = pod("bare", "team", ips=("10.0.0.6",))
    assert state(engine(bare, ZTUNNEL, unread=REFUSED), OUT, "team/bare") == U
    assert state(engine(bare, unread=REFUSED), OUT, "team/bare") == R
    closed = authorization(space="team")
    assert state(engine(bare, ZTUNNEL, closed), OUT, "team/bare") == R
    assert state(engine(bare, ZTUNNEL, closed, unread={"namespaces": Outcome.REFUSED}), OUT, "team/bare") == U
    bare["metadata"]["labels"] = {"istio.io/dataplane-mode": "ambient"}
    assert state(engine(bare, ZTUNNEL, closed, unread={"namespaces": Outcome.REFUSED}), OUT, "team/bare") == B


def test_the_internet_needs_an_address_that_policies_and_mesh_both_let_in() -> None:
    block = {"ipBlock": {"cidr": "203.0.113.0/24"}}
    below = policy("np", "shop", podSelector={}, ingress=[{"from": [block]}])
    for inside, expected, sources in (
        ("198.51.100.0/24", B, ()),
        ("203.0.113.64/26", R, ("203.0.113.64/26",)),
        ("0.0.0.0/0", R, ("203.0.113.0/24",)),
    ):
        reach = engine(*WORLD, below, authorization(rules=[source(ipBlocks=[inside])]))
        verdict = reach.from_internet(cls(reach, "shop/db-0"), "TCP", 80)
        assert (verdict.state, verdict.sources) == (expected, sources)
    alone = engine(*WORLD, authorization(rules=[source(ipBlocks=["203.0.113.0/24"])]))
    assert alone.from_internet(cls(alone, "shop/db-0"), "TCP", 80).sources == ("203.0.113.0/24",)
    assert alone.from_internet(cls(alone, "shop/db-0"), "UDP", 80).sources == ()
