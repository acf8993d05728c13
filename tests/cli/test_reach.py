"""``kubeaudit reach``: the answer first, then object, field and value; JSON; errors with the nearest names."""

import json
from pathlib import Path

import pytest

from kubeaudit import data
from tests import factory
from tests.cli.conftest import Run
from tests.collect.fake_api import FakeApi, kubeconfig, status

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop, labels: {app: NAME}}
spec: {containers: [{name: c, image: "example.test/app:1.0"}]}
---
"""
DENY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}}
"""


@pytest.fixture
def demo() -> str:
    """The demo cluster."""
    return str(data.file("demo.kubeaudit"))


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """Two pods and a policy that isolates one of them."""
    path = tmp_path / "shop.yaml"
    path.write_text(WEB.replace("NAME", "web") + WEB.replace("NAME", "api") + DENY)
    return str(path)


def test_the_internet_reaches_the_front_end_of_the_demo(run: Run, demo: str) -> None:
    done = run("reach", "internet", "shop/frontend", "-f", demo, "-q")
    first = done.out.splitlines()[0]
    assert (done.code, done.err) == (0, "")
    assert first.startswith("Reachable: the internet can open TCP 8080 to Deployment shop/frontend: ")
    assert 'spec.ingress[0].from[0] of NetworkPolicy shop/frontend: {"ipBlock":{"cidr":"0.0.0.0/0"}}' in done.out
    assert "The load balancer leads to Service shop/frontend port 443." in done.out
    assert "to close: Remove spec.ingress[0] of NetworkPolicy shop/frontend." in done.out


def test_the_front_end_of_the_demo_reaches_the_metadata_service(run: Run, demo: str) -> None:
    done = run("reach", "shop/frontend", "metadata", "-f", demo, "-q")
    assert done.out.startswith("Reachable: Deployment shop/frontend can open TCP 80 to AWS IMDS")
    assert (
        "spec.policyTypes of any NetworkPolicy in shop: no NetworkPolicy with policyType Egress selects the pod"
        in done.out
    )
    assert "spec.metadataOptions.httpPutResponseHopLimit of EC2NodeClass web: 2" in done.out
    assert "- 169.254.169.254/32" in done.out


def test_net_34_icmp_does_not_lead_an_answer_about_every_port(run: Run, demo: str) -> None:
    done = run("reach", "shop/frontend", "payments/ledger", "-f", demo, "-q")
    assert done.out.startswith("Blocked: Deployment shop/frontend cannot open any port to Deployment payments/ledger: ")
    assert done.out.splitlines()[1] == "Beside that, unknown: ICMP."
    assert done.out.index("○ blocked") < done.out.index("◐ unknown   ICMP")
    asked = run("reach", "shop/frontend", "payments/ledger", "--port", "icmp", "-f", demo, "-q")
    assert asked.out.startswith("Unknown: ")


def test_blocked_pairs_of_the_demo_name_what_blocks_them(run: Run, demo: str) -> None:
    done = run("reach", "internet", "shop/cart", "--port", "8080", "-f", demo, "-q")
    assert done.out.startswith("Blocked: the internet cannot open TCP 8080 to Deployment shop/cart: ")
    assert "spec.podSelector of NetworkPolicy shop/default-deny-ingress: {}" in done.out
    assert "to open: Create NetworkPolicy shop/cart-ingress" in done.out
    closed = run("reach", "payments/gateway", "metadata", "-f", demo, "-q")
    assert closed.out.startswith("Blocked: Deployment payments/gateway cannot open TCP 80 to AWS IMDS")
    assert "NetworkPolicy payments/egress" in closed.out


def test_json_is_versioned_and_holds_decisions_and_changes(run: Run, shop: str) -> None:
    done = run("reach", "shop/web", "shop/api", "--port", "tcp/80", "-f", shop, "--cni-profile", "calico", "-o", "json")
    found = json.loads(done.out)
    (connection,) = found["connections"]
    (segment,) = connection["segments"]
    assert (found["schema"], found["state"], segment["ports"]) == ("kubeaudit.reach/1", "blocked", [["TCP", 80, 80]])
    assert segment["verdict"]["ingress"]["by"][0]["policy"]["name"] == "deny"
    assert segment["proof"][0]["path"] == ["spec", "podSelector"]
    assert segment["edits"][0]["changes"][0]["op"] == "append"


def test_without_a_known_plugin_nothing_is_blocked(run: Run, shop: str) -> None:
    """NET-73: manifests do not show what enforces them."""
    done = run("reach", "shop/web", "shop/api", "-f", shop, "-q")
    assert done.out.startswith("Unknown: Pod shop/web may be able to open all ports to Pod shop/api: ")
    assert "settled by: whether the network plugin enforces NetworkPolicy" in done.out
    assert "would block it: NetworkPolicy shop/deny" in done.out


def test_names_are_looked_for_in_the_namespace_of_n(run: Run, shop: str) -> None:
    done = run("reach", "web", "pod/api", "-n", "shop", "-f", shop, "-q", "--family", "IPv6")
    assert (done.code, "(IPv6)" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shop/wep", "shop/api"), "no workload 'wep' in namespace shop; did you mean web?"),
        (("shop/web", "shop/api", "--port", "80/tcp"), "--port '80/tcp' is no port"),
        (("shop/web", "shop/api", "--port", "tcp/70000"), "--port 'tcp/70000' is no port"),
        (("shop/web", "shop/api", "-o", "html"), "-o 'html': unknown format 'html'"),
        (("shop/web", "shop/api", "--cni-profile", "nosuch"), "unknown network plugin profile 'nosuch'"),
        (("shop/web", "shop/api", "--family", "ipv5"), "--family"),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_a_hint(run: Run, shop: str, words: tuple[str, ...], message: str) -> None:
    done = run("reach", *words, "-f", shop, "-q")
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_an_answer_goes_to_a_file(run: Run, shop: str, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    done = run("reach", "shop/web", "shop/api", "-f", shop, "-o", f"json={path}")
    assert (done.code, done.out) == (0, "")
    assert json.loads(path.read_text())["source"] == "shop/web"


def test_names_cannot_move_the_cursor(run: Run, tmp_path: Path) -> None:
    """What a terminal would obey is shown as an escape."""
    path = tmp_path / "odd.yaml"
    path.write_text(WEB.replace("NAME", "web") + DENY.replace("app: api", 'app: "a\\e[31mb"'))
    done = run("reach", "shop/web", "internet", "-f", str(path), "-q")
    assert "\x1b" not in done.out


def test_a_live_cluster_is_asked_as_scan_asks_it(run: Run, tmp_path: Path) -> None:
    """Without -f; a policy kind that may not be listed leaves open what it could change, and says what settles it."""
    pods = [factory.pod("web", ip="10.1.0.1"), factory.pod("api", ip="10.1.0.2", labels={"app": "api"})]
    served = {"namespaces": [factory.namespace()], "pods": pods, "nodes": [factory.node()]}
    kinds = {"daemonsets.apps": [factory.calico()], "networkpolicies.networking.k8s.io": []}
    with FakeApi(served | kinds) as api:
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(api.url)))
        words = ("reach", "shop/web", "shop/api", "--port", "80", "--kubeconfig", str(path), "-q")
        done = run(*words)
        assert (done.code, done.out.partition(":")[0]) == (0, "Reachable"), done.err
        refused = status(403, "networkpolicies is forbidden")
        api.always("/apis/networking.k8s.io/v1/networkpolicies", refused)
        done = run(*words)
    assert (done.code, done.out.partition(":")[0]) == (0, "Unknown")
    assert "settled by: list networkpolicies.networking.k8s.io" in done.out
