"""Builds the binaries of the test cluster: etcd, kube-apiserver, kube-controller-manager and kubectl; and fetches the
schemas of policy kinds that the cluster does not bring.

``python tests/cluster/build.py`` compiles them with Go from the module beside this file and writes their folder to
standard output; a second run builds nothing. ``--print-dir`` only writes the folder. The binaries lie outside the
tree, in ``$XDG_CACHE_HOME/kubeaudit/cluster/<hash of go.mod and go.sum>`` (default ``~/.cache``), so every checkout
that pins the same versions shares them. ``KUBEBUILDER_ASSETS``, the convention of controller-runtime's envtest, names
a folder with ready binaries instead; nothing is built into that folder. Standard library only.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MODULE = Path(__file__).resolve().parent
COMMAND = "python tests/cluster/build.py"
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
REQUIRED = ("etcd", "kube-apiserver", "kubectl")
"""What envtest promises to find in ``KUBEBUILDER_ASSETS``."""
BUILT = (*REQUIRED, "kube-controller-manager")
PACKAGES = (
    "./etcd",
    "k8s.io/kubernetes/cmd/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "k8s.io/kubernetes/cmd/kubectl",
)
SCHEMAS_OF = "sigs.k8s.io/network-policy-api@v0.1.7"
"""The last release whose schemas hold v1alpha1: a Go module, so that the Go module proxy has it."""
SCHEMAS = "crd"
"""Folder of these schemas beside the binaries."""


class BuildError(Exception):
    """The binaries are not there and could not be built; the message says how to get them."""


def kubernetes_version() -> str:
    """The Kubernetes release that ``go.mod`` pins, such as ``v1.36.3``."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\d+\.\d+\.\d+)", (MODULE / "go.mod").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise BuildError(f"{MODULE / 'go.mod'} requires no k8s.io/kubernetes version")
    return found.group(1)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where the binaries of the pinned versions are kept."""
    pinned = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        pinned.update((MODULE / name).read_bytes())
    base = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "kubeaudit" / "cluster" / pinned.hexdigest()[:16]


def binaries_folder(environ: Mapping[str, str]) -> Path:
    """The folder that the tests take their binaries from: ``KUBEBUILDER_ASSETS``, or else the cache."""
    assets = environ.get(ASSETS_VARIABLE)
    return Path(assets) if assets else cache_folder(environ)


def missing(folder: Path, names: Sequence[str] = REQUIRED) -> tuple[str, ...]:
    """Those of ``names`` that are no executable file in ``folder``."""
    return tuple(name for name in names if not (folder / name).is_file() or not os.access(folder / name, os.X_OK))


def shortage(environ: Mapping[str, str]) -> str:
    """Which binaries the tests lack and what helps, as a sentence; empty when they lack none."""
    folder = binaries_folder(environ)
    absent = ", ".join(missing(folder))
    if environ.get(ASSETS_VARIABLE):
        return absent and f"{ASSETS_VARIABLE}={folder} lacks {absent}: add them, or unset it and run `{COMMAND}` once"
    return absent and f"the real API server is not built ({absent}): run `{COMMAND}` once"


def linker_flags(version: str) -> str:
    """Flags that stamp the release into the binaries.

    Without them the server calls itself v0.0.0-master, and everything that is gated by version misbehaves.
    """
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    return " ".join(
        ["-s", "-w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamps.items())]
    )


def build(folder: Path) -> None:
    """Compiles every binary into ``folder``, all of them before the first one appears there.

    Raises BuildError when Go is absent or its build fails.
    """
    go = shutil.which("go")
    if go is None:
        wanted = ", ".join(BUILT)
        raise BuildError(
            f"no `go` on PATH: install Go 1.26 or later, or let {ASSETS_VARIABLE} name a folder with {wanted}"
        )
    sys.stderr.write(f"building Kubernetes {kubernetes_version()} into {folder} (about 6 minutes on 2 cores)\n")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=folder.parent) as temporary:
        staging = Path(temporary) / "bin"
        staging.mkdir()
        flags = ["-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags(kubernetes_version())]
        command = [go, "build", *flags, "-o", f"{staging}{os.sep}", *PACKAGES]
        environ = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        done = subprocess.run(command, cwd=MODULE, env=environ, stdout=sys.stderr, check=False)
        if done.returncode != 0 or missing(staging, BUILT):
            raise BuildError(f"`go build` in {MODULE} ended with code {done.returncode}; its output is above")
        publish(staging, folder)


def fetch_schemas(folder: Path) -> None:
    """Copies the schemas of `SCHEMAS_OF` to ``folder``. Raises BuildError where they cannot be had."""
    go = shutil.which("go")
    if go is None:
        raise BuildError(f"no `go` on PATH to fetch {SCHEMAS_OF} with: install Go 1.26 or later")
    command = [go, "mod", "download", "-json", SCHEMAS_OF]
    environ = {**os.environ, "GOWORK": "off"}
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as temporary:
        done = subprocess.run(command, cwd=temporary, env=environ, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise BuildError(f"`{' '.join(command[1:])}` ended with code {done.returncode}; its output is above")
        staging = Path(temporary) / SCHEMAS
        shutil.copytree(Path(json.loads(done.stdout)["Dir"]) / "config" / "crd" / "experimental", staging)
        staging.replace(folder / SCHEMAS)


def publish(staging: Path, folder: Path) -> None:
    """Moves a finished build into place, one file in one step.

    A build cut short leaves a folder that is `missing` some; two builds that end together leave the same files.
    """
    folder.mkdir(exist_ok=True)
    for name in BUILT:
        (staging / name).replace(folder / name)


def ensure(environ: Mapping[str, str]) -> Path:
    """The folder with the binaries, built first when they are in the cache's care and absent. It does without schemas
    that cannot be had.

    Raises BuildError when ``KUBEBUILDER_ASSETS`` names a folder that lacks some, or the build fails.
    """
    folder = binaries_folder(environ)
    if environ.get(ASSETS_VARIABLE):
        if lack := shortage(environ):
            raise BuildError(lack)
        return folder
    if missing(folder, BUILT):
        build(folder)
    if not (folder / SCHEMAS).is_dir():
        try:
            fetch_schemas(folder)
        except BuildError as error:
            sys.stderr.write(f"note: {error}; tests of these policy kinds are skipped\n")
    return folder


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; the exit code is 1 when there are no binaries."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Build the binaries of the test cluster.")
    parser.add_argument("--print-dir", action="store_true", help="only write the folder's name; build nothing")
    try:
        folder = binaries_folder(os.environ) if parser.parse_args(arguments).print_dir else ensure(os.environ)
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
