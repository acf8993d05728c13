"""The shipped demo snapshot is what demo/manifests say, and it holds the story that demo/README.md tells."""

import ipaddress
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kubeaudit import snapshot, world
from kubeaudit.proof import State
from kubeaudit.refs import VertexKind
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome, Snapshot

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "kubeaudit" / "data" / "demo.kubeaudit"
METADATA = ipaddress.ip_address("169.254.169.254")

Json = dict[str, object]


def build(out: Path, hash_seed: str) -> Path:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(ROOT / "demo" / "build.py"), "--out", str(out)]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return out


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("demo") / "demo.kubeaudit", "0")


@pytest.fixture(scope="module")
def demo() -> Snapshot:
    return snapshot.read(SHIPPED)


def objects(demo: Snapshot, resource: str, namespace: str = "") -> Iterator[Json]:
    for raw in demo.objects(resource):
        found = msgspec.json.decode(raw)
        if not namespace or found["metadata"].get("namespace") == namespace:
            yield found


def one(demo: Snapshot, resource: str, namespace: str, name: str) -> Json:
    found = [item for item in objects(demo, resource, namespace) if item["metadata"]["name"] == name]
    assert len(found) == 1
    return found[0]


def pods_of(demo: Snapshot, namespace: str, app: str) -> list[Json]:
    found = [item for item in objects(demo, "pods", namespace) if item["metadata"]["labels"].get("app") == app]
    assert found
    return found


def test_two_builds_are_equal_byte_for_byte(rebuilt: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "demo.kubeaudit", "1").read_bytes() == rebuilt.read_bytes()


def test_shipped_snapshot_is_what_the_manifests_give(demo: Snapshot, rebuilt: Path) -> None:
    # Compared unpacked: another release of libzstd may pack the same lines into other bytes.
    new = snapshot.read(rebuilt)
    assert (new.header, new.reads, new.bad) == (demo.header, demo.reads, demo.bad)
    assert [(frame.resource, snapshot.unpack(frame)) for frame in new.frames] == [
        (frame.resource, snapshot.unpack(frame)) for frame in demo.frames
    ]


def test_one_kind_is_refused_and_everything_else_was_read(demo: Snapshot) -> None:
    assert [(gap.resource, gap.reason, gap.status) for gap in demo.gaps()] == [
        ("certificatesigningrequests.certificates.k8s.io", "forbidden", 403)
    ]
    counted = {read.resource: read.count for read in demo.reads if read.outcome is Outcome.COMPLETE and not read.scope}
    assert all(demo.count(resource) == count for resource, count in counted.items())
    assert {frame.resource for frame in demo.frames} - {"configmaps"} <= set(counted)


def test_every_owner_and_every_endpoint_exists(demo: Snapshot) -> None:
    kinds = {
        "Deployment": "deployments.apps",
        "ReplicaSet": "replicasets.apps",
        "DaemonSet": "daemonsets.apps",
        "CronJob": "cronjobs.batch",
        "Job": "jobs.batch",
        "Service": "services",
    }
    uids = {
        (kind, item["metadata"]["name"]): item["metadata"]["uid"]
        for kind, key in kinds.items()
        for item in objects(demo, key)
    }
    owned = [item for key in ("pods", "replicasets.apps", "jobs.batch") for item in objects(demo, key)]
    for item in owned:
        (owner,) = item["metadata"]["ownerReferences"]
        assert uids[owner["kind"], owner["name"]] == owner["uid"]
    addresses = {item["metadata"]["uid"]: item["status"]["podIP"] for item in objects(demo, "pods")}
    for part in objects(demo, "endpointslices.discovery.k8s.io"):
        for endpoint in part["endpoints"]:
            if "targetRef" in endpoint:
                assert endpoint["addresses"] == [addresses[endpoint["targetRef"]["uid"]]]


def test_pods_of_the_pod_network_have_addresses_of_their_own(demo: Snapshot) -> None:
    addresses = [item["status"]["podIP"] for item in objects(demo, "pods") if not item["spec"].get("hostNetwork")]
    assert len(set(addresses)) == len(addresses)
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network("192.168.0.0/16") for address in addresses)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("shop", "frontend"), ("payments", "gateway"), ("ingress-nginx", "ingress-nginx-controller")],
)
def test_public_load_balancers_say_so(demo: Snapshot, namespace: str, name: str) -> None:
    service = one(demo, "services", namespace, name)
    assert (
        service["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internet-facing"
    )
    assert service["status"]["loadBalancer"]["ingress"][0]["hostname"].endswith(".elb.eu-central-1.amazonaws.com")


def test_the_internal_load_balancer_has_a_private_address(demo: Snapshot) -> None:
    service = one(demo, "services", "data", "warehouse")
    (front,) = service["status"]["loadBalancer"]["ingress"]
    assert ipaddress.ip_address(front["ip"]) in ipaddress.ip_network("10.0.0.0/8")


def test_shop_and_payments_run_on_nodes_whose_metadata_service_answers_pods(demo: Snapshot) -> None:
    options = one(demo, "ec2nodeclasses.karpenter.k8s.aws", "", "web")["spec"]["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("optional", 2)
    pools = {
        item["metadata"]["name"]: item["metadata"]["labels"]["karpenter.k8s.aws/ec2nodeclass"]
        for item in objects(demo, "nodes")
    }
    exposed = [*pods_of(demo, "shop", "frontend"), *pods_of(demo, "payments", "gateway")]
    assert {pools[pod["spec"]["nodeName"]] for pod in exposed} == {"web"}


def test_only_the_egress_policy_keeps_payments_from_the_metadata_service(demo: Snapshot) -> None:
    def egress(namespace: str) -> list[Json]:
        return [
            item
            for item in objects(demo, "networkpolicies.networking.k8s.io", namespace)
            if "Egress" in item["spec"]["policyTypes"]
        ]

    assert egress("shop") == []
    (policy,) = egress("payments")
    assert policy["spec"]["podSelector"] == {}
    blocks = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert [block["cidr"] for block in blocks] == ["0.0.0.0/0"]
    excluding = [net for net in blocks[0]["except"] if METADATA in ipaddress.ip_network(net)]
    assert excluding == ["169.254.169.254/32"]
    (open_rule,) = [rule for rule in policy["spec"]["egress"] if any("ipBlock" in peer for peer in rule["to"])]
    assert {"protocol": "TCP", "port": 80} in open_rule["ports"]


def metadata_verdicts(demo: Snapshot) -> dict[tuple[str, str, str], State]:
    """State of every step from a workload to a metadata service (EXP-311..313)."""
    graph = world.build(demo, Settings()).graph
    steps = [edge for edge in graph.edges() if edge.target.kind is VertexKind.METADATA]
    return {(edge.source.namespace, edge.source.key, edge.target.key): edge.state for edge in steps}


def with_policies(demo: Snapshot, edit: Callable[[Json], Json | None]) -> Snapshot:
    """The demo with every NetworkPolicy edited; None drops it."""
    key = "networkpolicies.networking.k8s.io"
    kept = [edited for item in objects(demo, key) if (edited := edit(item)) is not None]
    frame = snapshot.pack(key, [msgspec.json.encode(item) for item in kept])
    others = tuple(each for each in demo.frames if each.resource != key)
    return msgspec.structs.replace(demo, frames=(*others, frame))


def is_payments_egress(policy: Json) -> bool:
    return (policy["metadata"]["namespace"], policy["metadata"]["name"]) == ("payments", "egress")


def without_exception(policy: Json) -> Json:
    if is_payments_egress(policy):
        for block in [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"] if "ipBlock" in peer]:
            block["except"].remove("169.254.169.254/32")
    return policy


@pytest.mark.parametrize("edit", [lambda policy: None if is_payments_egress(policy) else policy, without_exception])
def test_without_the_policy_or_its_exception_exactly_payments_opens(
    demo: Snapshot, edit: Callable[[Json], Json | None]
) -> None:
    before, after = metadata_verdicts(demo), metadata_verdicts(with_policies(demo, edit))
    payments = {step for step in before if step[0] == "payments"}
    assert {before[step] for step in payments} == {State.BLOCKED}
    assert {after[step] for step in payments} == {State.YES}
    assert before.keys() == after.keys()
    assert {step for step in before if before[step] is not after[step]} == payments


def test_the_shop_reaches_the_metadata_service_and_no_verdict_is_unknown(demo: Snapshot) -> None:
    verdicts = metadata_verdicts(demo)
    assert {state for step, state in verdicts.items() if step[0] == "shop"} == {State.YES}
    assert State.UNKNOWN not in verdicts.values()


def test_payments_mounts_no_token(demo: Snapshot) -> None:
    assert (
        one(demo, "namespaces", "", "payments")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )
    for pod in objects(demo, "pods", "payments"):
        assert not [volume for volume in pod["spec"].get("volumes", []) if "projected" in volume]


def test_the_console_leads_from_the_internet_to_cluster_admin(demo: Snapshot) -> None:
    (rule,) = one(demo, "ingresses.networking.k8s.io", "tools", "console")["spec"]["rules"]
    assert rule["host"] == "console.example.com"
    backend = rule["http"]["paths"][0]["backend"]["service"]["name"]
    selector = one(demo, "services", "tools", backend)["spec"]["selector"]
    behind = [pod for pod in objects(demo, "pods", "tools") if selector.items() <= pod["metadata"]["labels"].items()]
    assert {pod["spec"]["serviceAccountName"] for pod in behind} == {"console"}
    binding = one(demo, "clusterrolebindings.rbac.authorization.k8s.io", "", "tools-console")
    assert binding["roleRef"]["name"] == "cluster-admin"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "namespace": "tools", "name": "console"}]


def test_aggregated_roles_are_filled_as_the_controller_fills_them(demo: Snapshot) -> None:
    rules = {
        item["metadata"]["name"]: item["rules"] for item in objects(demo, "clusterroles.rbac.authorization.k8s.io")
    }
    assert all(rule in rules["edit"] for rule in rules["view"])
    assert all(rule in rules["admin"] for rule in rules["edit"])
    assert any("rolebindings" in rule.get("resources", []) for rule in rules["admin"])
    assert not any("secrets" in rule.get("resources", []) for rule in rules["view"])


def test_nothing_secret_and_nothing_dropped_on_reading_is_in_the_file(demo: Snapshot) -> None:
    lines = [line for frame in demo.frames for line in snapshot.unpack(frame)]
    for word in (b"made-up-for-the-demo", b"managedFields", b"last-applied-configuration"):
        assert not [line for line in lines if word in line]
