"""Fixtures of the tests that talk to the fake API server, and a clean environment for all of them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kubeaudit.collect.live import collect
from kubeaudit.collect.progress import Silent
from kubeaudit.snapshot import Snapshot

from .fake_api import FakeApi

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Collect = Callable[..., Snapshot]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No kubeconfig, proxy or pod of the machine shows in a test."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def run(tmp_path: Path) -> Collect:
    """Collects from a fake API server: ``run(api, namespaces=..., timeout=..., progress=..., stop=...)``."""

    def run(api: FakeApi, **options: Any) -> Snapshot:
        usual: dict[str, Any] = {
            "now": lambda: NOW,
            "tool_version": "1.2.3",
            "progress": Silent(),
            "stop": threading.Event(),
        }
        request_timeout = options.pop("request_timeout", 5.0)
        return collect(api.client(tmp_path, request_timeout=request_timeout), **(usual | options))

    return run
