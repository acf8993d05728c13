"""What a release ships: the wheel and the source archive hold exactly the files of the tree that the program needs."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = {
    "kubeaudit": "kubeaudit",
    "policies": "kubeaudit/data/policies",
    "reports/templates": "kubeaudit/data/templates",
}
"""Folders of the tree, and where each lies in a wheel."""
SCRAP = ("__pycache__", "*.egg-info")


def tree() -> dict[str, Path]:
    """Path in the wheel -> file of the checkout."""
    found = {}
    for folder, place in MAPPED.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                found[f"{place}/{path.relative_to(ROOT / folder).as_posix()}"] = path
    return found


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> tuple[zipfile.ZipFile, tarfile.TarFile]:
    """Wheel and source archive, built as a release is, from a tree in which other builds have left their traces."""
    source = tmp_path_factory.mktemp("source")
    for name in ("kubeaudit", "policies", "reports"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*SCRAP))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for stale in (
        "build/lib/kubeaudit/gone.py",
        "kubeaudit/__pycache__/gone.pyc",
        "reports/templates/__pycache__/gone.pyc",
    ):
        (source / stale).parent.mkdir(parents=True, exist_ok=True)
        (source / stale).write_text("", "utf-8")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (wheel,) = (source / "dist").glob("*.whl")
    (archive,) = (source / "dist").glob("*.tar.gz")
    return zipfile.ZipFile(wheel), tarfile.open(archive)


def test_the_wheel_holds_the_files_of_the_tree_and_no_others(release: tuple[zipfile.ZipFile, tarfile.TarFile]) -> None:
    shipped = {name for name in release[0].namelist() if ".dist-info/" not in name}
    assert sorted(shipped) == sorted(tree())


def test_files_of_the_wheel_are_those_of_the_tree_byte_for_byte(
    release: tuple[zipfile.ZipFile, tarfile.TarFile],
) -> None:
    differing = [name for name, path in tree().items() if release[0].read(name) != path.read_bytes()]
    assert differing == []


def test_nothing_but_the_package_reaches_the_top_of_site_packages(
    release: tuple[zipfile.ZipFile, tarfile.TarFile],
) -> None:
    tops = {name.split("/", 1)[0] for name in release[0].namelist()}
    (metadata,) = tops - {"kubeaudit"}
    assert metadata.startswith("kubeaudit-") and metadata.endswith(".dist-info")


def test_the_source_archive_builds_the_wheel_and_carries_the_license(
    release: tuple[zipfile.ZipFile, tarfile.TarFile],
) -> None:
    names = {name.partition("/")[2] for name in release[1].getnames()}
    needed = {path.relative_to(ROOT).as_posix() for path in tree().values()}
    assert needed | {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert [name for name in names if "gone" in name] == []


def test_the_metadata_names_the_program_the_license_and_every_dependency(
    release: tuple[zipfile.ZipFile, tarfile.TarFile],
) -> None:
    wheel = release[0]
    (folder,) = {name.split("/", 1)[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = HeaderParser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    wanted = config["options"]["install_requires"].split()
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(required) == sorted(wanted)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-File"] == "LICENSE"
    assert "kubeaudit = kubeaudit.cli:main" in wheel.read(f"{folder}/entry_points.txt").decode()
