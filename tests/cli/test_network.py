"""``kubeaudit network`` and ``network diff``: every format, filters, refusals and the gate for pull requests."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from kubeaudit.cli.network import _BASES
from kubeaudit.network.reach import Basis
from tests.cli.conftest import Run
from tests.cli.test_reach import WEB

POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: api, namespace: shop}
spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [PEER], ports: [{port: 80}]}]}
"""
CALICO = ("--cni-profile", "calico", "-q")


def _folder(path: Path, peer: str) -> str:
    path.mkdir()
    (path / "pods.yaml").write_text("".join(WEB.replace("NAME", name) for name in ("web", "api", "db")))
    (path / "policy.yaml").write_text(POLICY.replace("PEER", peer))
    return str(path)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """Three pods; a policy lets one of them reach another."""
    return _folder(tmp_path / "old", "{podSelector: {matchLabels: {app: web}}}")


@pytest.fixture
def new(tmp_path: Path) -> str:
    """The same with a wider rule."""
    return _folder(tmp_path / "new", "{podSelector: {}}")


def test_text_says_who_reaches_whom_and_what_decides(run: Run, old: str) -> None:
    done = run("network", "-f", old, *CALICO)
    assert done.code == 0
    assert done.out.startswith("Policies let the internet reach 2 of 3 workloads; nobody reaches 0.\n")
    assert "to shop/api[Pod]\n  ● TCP 80 from shop/web[Pod]\n      by NetworkPolicy shop/api\n" in done.out
    assert "reached from own namespace" in done.out


def test_json_is_versioned(run: Run, old: str) -> None:
    found = json.loads(run("network", "-f", old, *CALICO, "-o", "json").out)
    assert (found["schema"], len(found["workloads"])) == ("kubeaudit.network/1", 3)
    (group,) = (group for group in found["groups"] if group["targets"] == ["shop/api[Pod]"])
    assert (group["sources"], group["ports"]) == (["shop/web[Pod]"], [["TCP", 80, 80]])
    assert group["by"][0]["path"] == ["spec", "ingress", 0, "from", 0]


def test_flat_forms_state_the_same_rows(run: Run, old: str) -> None:
    """AGG-5: one row per source, destination, family, protocol, interval and state."""
    flat = json.loads(run("network", "-f", old, *CALICO, "-o", "json", "--flat").out)
    table = list(csv.DictReader(StringIO(run("network", "-f", old, *CALICO, "-o", "csv").out)))
    assert len(flat["rows"]) == len(table) == len({tuple(row.items()) for row in table})
    assert {
        "source": "shop/web[Pod]", "target": "shop/api[Pod]", "family": "IPv4", "protocol": "TCP", "first": "80",
        "last": "80", "state": "reachable",
    } in table  # fmt: skip
    dot = run("network", "-f", old, *CALICO, "-o", "dot").out
    assert '"shop/web[Pod]" -> "shop/api[Pod]" [label="TCP 80", style=solid];' in dot
    assert '"shop/web[Pod]" -> "shop/db[Pod]" [label="all", style=solid];' in dot


def test_markdown_is_a_table(run: Run, old: str) -> None:
    done = run("network", "-f", old, *CALICO, "-o", "md", "--to", "shop/api")
    assert "| shop/web[Pod] | shop/api[Pod] | TCP 80 | reachable | NetworkPolicy shop/api |" in done.out


def test_filters(run: Run, old: str) -> None:
    """AGG-6."""
    words = ("--from", "shop/db", "--to", "shop/api", "--state", "blocked", "--port", "tcp/80", "-o", "csv")
    done = run("network", "-f", old, *CALICO, *words)
    assert done.out.splitlines()[1:] == [
        "shop/db[Pod],shop/api[Pod],IPv4,TCP,80,80,blocked",
        "shop/db[Pod],shop/api[Pod],IPv6,TCP,80,80,blocked",
    ]
    into = run("network", "-f", old, *CALICO, "-n", "shop", "--direction", "ingress", "-o", "csv").out
    assert "shop/web[Pod],0.0.0.0/0" not in into
    assert "0.0.0.0/0,shop/web[Pod]" in into


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "csv", "--max-rows", "3"), "rows, more than 3"),
        (("--flat",), "--flat is a form of the JSON output"),
        (("--to", "shop/wep"), "did you mean web?"),
        (("--to", "metadata"), "metadata is no filter of the relation"),
        (("-n", "cart"), "no namespace cart"),
    ],
)
def test_what_cannot_be_printed_ends_with_2_and_advice(
    run: Run, old: str, words: tuple[str, ...], message: str
) -> None:
    done = run("network", "-f", old, *CALICO, *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "hint: " in done.err


def test_every_basis_of_a_verdict_may_be_asked_for() -> None:
    """Of the enumeration of section 4, those that a connection can rest on."""
    assert {*_BASES} == {*map(str, Basis)} - {"no_address"}


def test_diff_of_two_folders_names_exactly_the_opened_pairs(run: Run, old: str, new: str) -> None:
    done = run("network", "diff", old, new, *CALICO)
    assert (done.code, done.out) == (
        0,
        "1 group of connections opened, 0 closed.\n"
        "Policies changed: NetworkPolicy shop/api.\n\n"
        "+ shop/api[Pod], shop/db[Pod] → shop/api[Pod]: TCP 80\n"
        "    blocked before, reachable now\n"
        "    cause: NetworkPolicy shop/api changed\n\n"
        "note: network plugin calico (given by the user)\n"
        "note: a change of policies is about new connections; the network plugin cuts or keeps those open (NET-74)\n",
    )


@pytest.mark.parametrize(("turned", "code"), [(False, 1), (True, 0)])
def test_fail_on_open_ends_with_1_where_anything_opens(run: Run, old: str, new: str, turned: bool, code: int) -> None:
    sides = (new, old) if turned else (old, new)
    assert run("network", "diff", *sides, "--fail-on-open", *CALICO).code == code
    assert run("network", "diff", *sides, *CALICO).code == 0
    assert run("network", "diff", old, old, "--fail-on-open", *CALICO).code == 0


def test_an_opening_that_no_plugin_is_known_to_have_blocked_counts(run: Run, old: str, new: str) -> None:
    """NET-73: before it was not known, now it is reachable."""
    done = run("network", "diff", old, new, "--fail-on-open", "-q")
    assert (done.code, "unknown before, reachable now" in done.out) == (1, True)


def test_diff_in_every_format(run: Run, old: str, new: str) -> None:
    found = json.loads(run("network", "diff", old, new, *CALICO, "-o", "json").out)
    assert (found["schema"], found["changes"][0]["kind"]) == ("kubeaudit.network-diff/1", "added")
    assert found["policies"][0]["change"] == "changed"
    table = list(csv.DictReader(StringIO(run("network", "diff", old, new, *CALICO, "-o", "csv").out)))
    assert {(row["source"], row["target"], row["before"], row["after"], row["causes"]) for row in table} == {
        (source, "shop/api[Pod]", "blocked", "reachable", "NetworkPolicy shop/api changed")
        for source in ("shop/api[Pod]", "shop/db[Pod]")
    }
    assert '"shop/db[Pod]" -> "shop/api[Pod]" [label="+ TCP 80", color=red];' in (
        run("network", "diff", old, new, *CALICO, "-o", "dot").out
    )
    assert (
        "| + | shop/api[Pod], shop/db[Pod] | shop/api[Pod] | TCP 80 | blocked | reachable | NetworkPolicy shop/api"
        in (run("network", "diff", old, new, *CALICO, "-o", "md").out)
    )


def test_diff_of_what_is_not_there(run: Run, old: str) -> None:
    done = run("network", "diff", old, f"{old}-gone", *CALICO)
    assert done.code in (2, 3)
    assert "gone" in done.err


def test_input_that_could_not_be_used_is_named(run: Run, old: str, new: str) -> None:
    """One faulty object never ends a run, and what it may change is said (network.md, section 1)."""
    (Path(new) / "broken.yaml").write_text("kind: [")
    (Path(new) / "policy.yaml").write_text(POLICY.replace("PEER", "{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}"))
    done = run("network", "diff", old, new, *CALICO)
    assert done.code == 0
    assert "note: new: left out: " in done.out
    assert "note: new: spec.ingress[0].from[0] of NetworkPolicy shop/api: " in done.out
    assert "note: spec.ingress[0].from[0] of NetworkPolicy shop/api: " in run("network", "-f", new, *CALICO).out
    assert "note: spec.ingress[0].from[0] of NetworkPolicy shop/api: " in (
        run("reach", "shop/web", "shop/api", "-f", new, *CALICO).out
    )
