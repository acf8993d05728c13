"""What a run is told of the network plugin: --cni-profile, --assume-enforced, --assume-not-enforced (NET-77)."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_network import _folder

ENFORCED, NOT_ENFORCED = "--assume-enforced", "--assume-not-enforced"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """Three pods, and a policy that lets one of them reach another."""
    return _folder(tmp_path / "shop", "{podSelector: {matchLabels: {app: web}}}")


@pytest.mark.parametrize(
    ("flags", "state", "plugin"),
    [
        ((), "unknown", "no known network plugin was recognised"),
        (
            (ENFORCED,),
            "blocked",
            "network plugin that was not recognised, which enforces NetworkPolicy (given by the user)",
        ),
        (
            (NOT_ENFORCED,),
            "yes",
            "network plugin that was not recognised, which does not enforce NetworkPolicy (given by the user)",
        ),
        (
            (NOT_ENFORCED, "--cni-profile", "calico"),
            "yes",
            "network plugin calico, which does not enforce NetworkPolicy (both given by the user)",
        ),
        (
            (ENFORCED, "--cni-profile", "flannel"),
            "blocked",
            "network plugin flannel, which enforces NetworkPolicy (both given by the user)",
        ),
    ],
)
def test_net_77_reach_judges_by_what_is_assumed_and_says_so(
    run: Run, shop: str, flags: tuple[str, ...], state: str, plugin: str
) -> None:
    asked = ("reach", "shop/db", "shop/api", "--port", "tcp/80", "-f", shop, "-q", *flags)
    answer = json.loads(run(*asked, "-o", "json").out)
    assert (answer["connections"][0]["segments"][0]["verdict"]["state"], answer["plugin"]) == (state, plugin)
    assert f"note: {plugin}" in run(*asked).out


def test_net_77_every_command_about_the_network_takes_it(run: Run, shop: str) -> None:
    listed = json.loads(run("network", "-f", shop, "-q", NOT_ENFORCED, "-o", "json").out)
    assert listed["plugin"].endswith("which does not enforce NetworkPolicy (given by the user)")
    changed = json.loads(run("network", "diff", shop, shop, "-q", ENFORCED, "-o", "json").out)
    assert all(text.endswith("which enforces NetworkPolicy (given by the user)") for text in changed["plugins"])
    lints = json.loads(run("network", "lint", "-f", shop, "-q", ENFORCED, "-o", "json").out)
    assert lints["plugin"].endswith("which enforces NetworkPolicy (given by the user)")
    assert "note: network plugin that was not recognised" in run("network", "lint", "-f", shop, "-q", ENFORCED).out
    scanned = json.loads(run("scan", "-f", shop, "-q", NOT_ENFORCED, "--exit-zero", "-o", "json").out)
    assert scanned["run"]["cni_evidence"].endswith("which does not enforce NetworkPolicy (given by the user)")
    plain = json.loads(run("scan", "-f", shop, "-q", "--exit-zero", "-o", "json").out)
    assert scanned["run"]["config_sha256"] != plain["run"]["config_sha256"]


@pytest.mark.parametrize("command", [("scan",), ("reach", "shop/db", "shop/api"), ("network",), ("network", "lint")])
def test_net_77_the_two_exclude_each_other(run: Run, shop: str, command: tuple[str, ...]) -> None:
    done = run(*command, "-f", shop, ENFORCED, NOT_ENFORCED)
    assert done.code == 2
    assert "--assume-enforced and --assume-not-enforced exclude each other" in done.err
