"""Fixtures that lend tests a real API server, and the visible skip where its binaries are not built.

``KUBEAUDIT_CLUSTER_TESTS=require`` turns the skip into an error; CI sets it. Nothing is ever built from here.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, Protocol

import pytest

from . import build
from .server import ApiServer

MODE_VARIABLE = "KUBEAUDIT_CLUSTER_TESTS"
LIVE = "RBAC on the live API server"
"""Section of the closing report for what live comparisons with the API server came to."""


class StartApiServer(Protocol):
    """What the fixture ``start_api_server`` gives: `ApiServer.start` with the binaries filled in."""

    def __call__(self, *flags: str, controller_manager: bool = False) -> ApiServer:
        """Starts a server with these flags of kube-apiserver; it is stopped at the end of the test."""


def unavailable(reason: str) -> NoReturn:
    """Skips the test, saying why, or fails it where the environment requires the cluster tests."""
    if os.environ.get(MODE_VARIABLE) == "require":
        pytest.fail(f"{reason} ({MODE_VARIABLE}=require)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def binaries() -> Path:
    """The folder with etcd, kube-apiserver and kubectl; every test in this folder is skipped where they are absent."""
    mode = os.environ.get(MODE_VARIABLE, "")
    if mode not in ("", "require"):
        pytest.fail(f"{MODE_VARIABLE}={mode!r}: unset it, or set it to 'require'", pytrace=False)
    if lack := build.shortage(os.environ):
        unavailable(lack)
    return build.binaries_folder(os.environ)


@pytest.fixture(scope="session")
def api_server(binaries: Path) -> Iterator[ApiServer]:
    """The server that all tests of the session share. A test keeps to namespaces and names of its own, and breaks
    nothing: it neither pauses, compacts nor kills.
    """
    with ApiServer.start(binaries) as server:
        yield server


@pytest.fixture
def start_api_server(binaries: Path) -> Iterator[StartApiServer]:
    """Starts servers for one test alone, with flags of its own, or to be broken; each takes 2 to 5 seconds."""
    with ExitStack() as servers:

        def start(*flags: str, controller_manager: bool = False) -> ApiServer:
            if controller_manager and build.missing(binaries, ("kube-controller-manager",)):
                unavailable(f"{binaries} lacks kube-controller-manager, which `{build.COMMAND}` builds")
            return servers.enter_context(ApiServer.start(binaries, flags, controller_manager=controller_manager))

        yield start
