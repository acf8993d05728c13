"""Which context of which kubeconfig a run uses: chosen and checked before anything connects.

Nothing here reads a credential or quotes a value of the file, so no error can show a token (LP-09).
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from kubeaudit.errors import CollectError, UsageError

IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
"""Set in every pod: without a kubeconfig the pod's own ServiceAccount is used."""
T = TypeVar("T")
_GIVE_ONE = "give --kubeconfig FILE, set KUBECONFIG, or read manifests with -f"


class _Variable(Struct, frozen=True):
    name: str
    value: str = ""


class Plugin(Struct, frozen=True, rename="camel"):
    """The exec credential plugin of a user (client.authentication.k8s.io)."""

    command: str = ""
    install_hint: str | None = None
    env: list[_Variable] | None = None


class _User(Struct, frozen=True):
    exec: Plugin | None = None


class _Cluster(Struct, frozen=True, rename="kebab"):
    server: str | None = None
    proxy_url: str | None = None


class _Context(Struct, frozen=True):
    cluster: str = ""
    user: str = ""


class _NamedUser(Struct, frozen=True):
    name: str
    user: _User | None = None


class _NamedCluster(Struct, frozen=True):
    name: str
    cluster: _Cluster | None = None


class _NamedContext(Struct, frozen=True):
    name: str
    context: _Context | None = None


class Kubeconfig(Struct, frozen=True, rename="kebab"):
    """The parts of one file (clientcmd.k8s.io/v1 Config) that decide where a run connects and as whom."""

    current_context: str | None = None
    contexts: list[_NamedContext] | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None


class Choice(Struct, frozen=True):
    """The context to use: its name, the server's URL, the cluster's proxy and the exec plugin ("" and None: none)."""

    context: str
    server: str
    proxy: str
    plugin: Plugin | None


def paths(kubeconfig: str, context: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The kubeconfig files to merge, as kubectl picks them; none means in-cluster configuration.

    Files of a list that do not exist are passed over. Raises :class:`UsageError` where none is left and this is no pod.
    """
    if kubeconfig:
        names = [kubeconfig]
    else:
        names = [name for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name] or ["~/.kube/config"]
    found = tuple(path for path in (Path(name).expanduser() for name in names) if path.exists())
    for path in found:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a kubeconfig", "name the file inside it")
    if found or (environ.get(IN_CLUSTER) and not kubeconfig and not context):
        return found
    raise UsageError(f"no kubeconfig: {', '.join(names)} does not exist", _GIVE_ONE)


def parse(document: object, path: Path) -> Kubeconfig:
    """The parts of one file that matter here. Raises :class:`UsageError` naming the field that has the wrong shape."""
    try:
        return msgspec.convert(document, Kubeconfig)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is no kubeconfig: {error}", "compare it with `kubectl config view`") from error


def choose(files: Mapping[Path, Kubeconfig], context: str) -> Choice:
    """The context asked for, else the current one; of entries of one name the first file's counts.

    Raises :class:`UsageError` where the context, its cluster, its user or the cluster's server is missing.
    """
    where = ", ".join(str(path) for path in files)
    configs = list(files.values())
    contexts = _first_wins([(entry.name, entry.context) for config in configs for entry in config.contexts or ()])
    listed = f"contexts there are: {', '.join(contexts) or 'none'}"
    name = context or next((config.current_context for config in configs if config.current_context), "")
    if not name:
        raise UsageError(f"{where} names no current context", f"give --context; {listed}")
    chosen = contexts.get(name)
    if chosen is None:
        raise UsageError(f"there is no context {name!r} in {where}", listed)
    clusters = _first_wins([(entry.name, entry.cluster) for config in configs for entry in config.clusters or ()])
    cluster = clusters.get(chosen.cluster)
    if cluster is None or not cluster.server:
        raise UsageError(
            f"context {name!r} in {where} leads to no server: its cluster {chosen.cluster!r} "
            + ("does not exist" if cluster is None else "has no `server`"),
            listed,
        )
    users = _first_wins([(entry.name, entry.user) for config in configs for entry in config.users or ()])
    if chosen.user and chosen.user not in users:
        raise UsageError(f"context {name!r} in {where} names user {chosen.user!r}, which does not exist", listed)
    user = users.get(chosen.user)
    return Choice(name, cluster.server, cluster.proxy_url or "", user.exec if user else None)


def check_plugin(plugin: Plugin, context: str, folder: Path, environ: Mapping[str, str]) -> None:
    """Raise :class:`CollectError` where the program of an exec plugin is not there; ``folder`` is the kubeconfig's."""
    added = {variable.name: variable.value for variable in plugin.env or ()}
    search = added.get("PATH", environ.get("PATH"))
    has_folder = os.sep in plugin.command
    found = (folder / plugin.command).exists() if has_folder else shutil.which(plugin.command, path=search)
    if not found:
        hint = plugin.install_hint or "install it, or use a context with other credentials"
        raise CollectError(
            f"the credential plugin {plugin.command!r} of context {context!r} was not found", " ".join(hint.split())
        )


def _first_wins(entries: list[tuple[str, T | None]]) -> dict[str, T]:
    merged: dict[str, T] = {}
    for name, value in entries:
        if value is not None:
            merged.setdefault(name, value)
    return merged
