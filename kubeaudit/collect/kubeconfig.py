"""Which context of which kubeconfig a run uses: chosen, checked and cut out before anything connects.

Of several files the first entry of a name counts, and a relative path is relative to the file it stands in, as in
kubectl. No error quotes a value of the file other than names, so none can show a token (LP-09).
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from kubeaudit import documents
from kubeaudit.errors import CollectError, UsageError

T = TypeVar("T")
Entry = dict[str, object]
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
"""Set in every pod: without a kubeconfig the pod's own ServiceAccount is used."""
_GIVE_ONE = "give --kubeconfig FILE, set KUBECONFIG, or read manifests with -f"
_COMPARE = "compare it with `kubectl config view`"
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_GONE = ("azure", "gcp")
"""Credential providers that kubectl lost in 1.26; their clouds give exec plugins instead."""


class _Variable(Struct, frozen=True):
    name: str
    value: str = ""


class Plugin(Struct, frozen=True, rename="camel"):
    """The exec credential plugin of a user (client.authentication.k8s.io)."""

    command: str = ""
    install_hint: str | None = None
    env: list[_Variable] | None = None


class _Provider(Struct, frozen=True):
    name: str = ""


class _User(Struct, frozen=True, rename={"auth_provider": "auth-provider"}):
    exec: Plugin | None = None
    auth_provider: _Provider | None = None


class _Cluster(Struct, frozen=True, rename="kebab"):
    server: str | None = None
    proxy_url: str | None = None


class _Context(Struct, frozen=True):
    cluster: str = ""
    user: str = ""


class _Named(Struct, frozen=True):
    """An entry of any of the three lists: its name, and its body under the list's own key."""

    name: str
    context: Entry | None = None
    cluster: Entry | None = None
    user: Entry | None = None


class Kubeconfig(Struct, frozen=True, rename="kebab"):
    """One file (clientcmd.k8s.io/v1 Config)."""

    current_context: str | None = None
    contexts: list[_Named] | None = None
    clusters: list[_Named] | None = None
    users: list[_Named] | None = None


class Choice(Struct, frozen=True):
    """The context to use: its name, the server's URL, the cluster's proxy and the exec plugin ("" and None: none).

    ``config`` is a kubeconfig that holds this context alone, with absolute paths.
    """

    context: str
    server: str
    proxy: str = ""
    plugin: Plugin | None = None
    config: Entry = {}


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


def load(path: Path) -> Kubeconfig:
    """One file; an empty one has no entries. Raises :class:`UsageError` naming the line or field that is wrong."""
    try:
        found = list(documents.parse(path.read_bytes(), str(path)))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if not found:
        return Kubeconfig()
    document = found[0]
    if len(found) > 1 or (isinstance(document, documents.Problem) and document.value is None):
        line = found[-1].line
        raise UsageError(f"{path}, line {line}: no kubeconfig, which is one YAML document", _COMPARE)
    try:
        return msgspec.convert(document.value, Kubeconfig)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path} is no kubeconfig: {error}", _COMPARE) from error


def choose(files: Mapping[Path, Kubeconfig], context: str) -> Choice:
    """The context asked for, else the first file's current one.

    Raises :class:`UsageError` where the context, its cluster, its user or the cluster's server is missing.
    """
    where = ", ".join(str(path) for path in files)
    contexts = _merged({path: file.contexts for path, file in files.items()})
    listed = f"contexts there are: {', '.join(contexts) or 'none'}"
    name = context or next((file.current_context for file in files.values() if file.current_context), "")
    if not name:
        raise UsageError(f"{where} names no current context", f"give --context; {listed}")
    if name not in contexts:
        raise UsageError(f"there is no context {name!r} in {where}", listed)
    told = f"context {name!r} in {where}"
    leads = _typed(contexts[name][1].context, _Context, told)
    clusters = _merged({path: file.clusters for path, file in files.items()})
    users = _merged({path: file.users for path, file in files.items()})
    if leads.cluster not in clusters:
        raise UsageError(f"{told} names cluster {leads.cluster!r}, which does not exist", listed)
    if leads.user and leads.user not in users:
        raise UsageError(f"{told} names user {leads.user!r}, which does not exist", listed)
    place, cluster = clusters[leads.cluster]
    found = _typed(cluster.cluster, _Cluster, told)
    if not found.server:
        raise UsageError(f"{told} leads nowhere: its cluster {leads.cluster!r} has no `server`", listed)
    config: Entry = {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": "chosen", "user": "chosen"}}],
        "clusters": [{"name": "chosen", "cluster": _absolute(cluster.cluster, place)}],
    }
    if not leads.user:
        return Choice(name, found.server, found.proxy_url or "", None, config)
    place, user = users[leads.user]
    who = _typed(user.user, _User, told)
    if who.auth_provider and who.auth_provider.name in _GONE:
        gone = f"{told} uses the credential provider {who.auth_provider.name!r}, which kubectl dropped in 1.26"
        raise UsageError(gone, "use the exec plugin of your cloud")
    config["users"] = [{"name": "chosen", "user": _absolute(user.user, place)}]
    return Choice(name, found.server, found.proxy_url or "", _located(who.exec, place), config)


def check_plugin(plugin: Plugin, context: str, environ: Mapping[str, str]) -> None:
    """Raise :class:`CollectError` where the program of an exec plugin is not there."""
    added = {variable.name: variable.value for variable in plugin.env or ()}
    if shutil.which(plugin.command, path=added.get("PATH", environ.get("PATH"))) is None:
        hint = plugin.install_hint or "install it, or use a context with other credentials"
        told = f"the credential plugin {plugin.command!r} of context {context!r} was not found"
        raise CollectError(told, " ".join(hint.split()))


def _merged(entries: Mapping[Path, list[_Named] | None]) -> dict[str, tuple[Path, _Named]]:
    merged: dict[str, tuple[Path, _Named]] = {}
    for path, each in entries.items():
        for entry in each or ():
            merged.setdefault(entry.name, (path, entry))
    return merged


def _typed(body: Entry | None, kind: type[T], told: str) -> T:
    try:
        return msgspec.convert(body or {}, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{told} cannot be used: {error}", _COMPARE) from error


def _absolute(body: Entry | None, path: Path) -> Entry:
    """The entry with the paths in it made absolute; ``path`` is the file it stands in."""
    folder = path.absolute().parent
    found = dict(body or {})
    for key in _FILES:
        value = found.get(key)
        if isinstance(value, str) and value:
            found[key] = str(folder / value)
    plugin = found.get("exec")
    if isinstance(plugin, dict):
        found["exec"] = {**plugin, "command": _command(plugin.get("command"), folder)}
    return found


def _located(plugin: Plugin | None, path: Path) -> Plugin | None:
    if plugin is None:
        return None
    return msgspec.structs.replace(plugin, command=_command(plugin.command, path.absolute().parent))


def _command(command: object, folder: Path) -> str:
    """A program named with a folder is relative to the kubeconfig; a bare name is looked up in PATH."""
    name = str(command or "")
    return str(folder / name) if os.sep in name else name
