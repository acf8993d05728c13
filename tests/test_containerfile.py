"""The Containerfile, read: the tests build no image."""

from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def stages() -> list[list[str]]:
    """Instructions by stage, continued lines joined, without comments."""
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    return [lines[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]


def test_what_it_copies_is_there_and_is_all_that_the_wheel_is_made_of(stages: list[list[str]]) -> None:
    copied = [word for line in stages[0] if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    mapped = [line.split(" = ")[1] for line in config["options"]["package_dir"].strip().splitlines()]
    build = {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
    assert set(copied) == {"kubeaudit", *build, *(name.split("/")[0] for name in mapped)}


def test_the_wheel_is_built_from_a_source_archive(stages: list[list[str]]) -> None:
    assert any("python -m build" in line and "--wheel" not in line for line in stages[0])


def test_cron_02_the_last_stage_runs_the_program_as_the_user_of_the_cronjob(stages: list[list[str]]) -> None:
    cronjob = yaml.safe_load((DEPLOY / "cronjob.yaml").read_text("utf-8"))
    user = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in stages[-1]
    assert 'ENTRYPOINT ["/opt/kubeaudit/bin/kubeaudit"]' in stages[-1]


def test_the_last_stage_installs_nothing_and_opens_no_port(stages: list[list[str]]) -> None:
    assert len(stages) == 2
    assert not any(line.startswith(("RUN ", "ADD ", "EXPOSE ", "VOLUME ")) for line in stages[-1])
