"""The contracts of setup.cfg cover every third-party library; `make lint` checks that they are kept."""

import ast
import re
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EVERYWHERE = {"msgspec"}
"""The one library that any module may use: the values between stages are its Structs."""


@pytest.fixture(scope="module")
def config() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    return parser


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """Third-party top-level module -> files of the package that import it, at their top or inside a function."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "kubeaudit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: relative imports hide layers"
                names = [node.module or ""]
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"kubeaudit"}:
                found.setdefault(top, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_third_party_library_has_a_door(config: ConfigParser, imported: dict[str, set[str]]) -> None:
    contracts = [config[name] for name in config.sections() if name.startswith("importlinter:contract:")]
    guarded = {module for contract in contracts for module in contract.get("forbidden_modules", "").split()}
    assert set(imported) - EVERYWHERE == guarded


def test_imports_and_declared_dependencies_are_the_same(config: ConfigParser, imported: dict[str, set[str]]) -> None:
    installed = packages_distributions()
    used = {normal(installed[module][0]) for module in imported}
    requirements = config["options"]["install_requires"].split()
    assert sorted(used) == sorted(normal(re.split(r"[<>=!~ ]", requirement)[0]) for requirement in requirements)


def test_every_dependency_has_its_line_in_the_decision_record(config: ConfigParser) -> None:
    record = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text("utf-8")
    listed = {normal(name) for name in re.findall(r"^\| ([A-Za-z0-9-]+) \|", record, re.MULTILINE)} - {
        "library",
        "tool",
    }
    declared = config["options"]["install_requires"] + config["options.extras_require"]["dev"]
    assert listed == {normal(re.split(r"[<>=!~ ]", line)[0]) for line in declared.split()}


def normal(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
