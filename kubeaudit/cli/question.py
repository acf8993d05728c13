"""What commands that ask one question share: where the objects come from, and where the answer goes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct

from kubeaudit import files
from kubeaudit.cli import config, options, outputs, source
from kubeaudit.cli.scan import colored
from kubeaudit.errors import UsageError
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot

if TYPE_CHECKING:
    from kubeaudit.edges.context import Context

F = TypeVar("F", bound=Callable[..., Any])


class Asked(Struct, frozen=True):
    """The options of :func:`input_options` as one value."""

    paths: tuple[str, ...]
    live: options.Live
    settings: Settings
    now: str
    color: bool
    quiet: bool


def input_options(function: F) -> F:
    """-f, the options of a live cluster, --config, those of the network plugin and the common ones, as in ``scan``."""
    return filename_option(options.live_options(settings_options(options.common_options(function))))


def filename_option(function: F) -> F:
    """-f."""
    return click.option(
        "-f",
        "--filename",
        "paths",
        multiple=True,
        metavar="PATH",
        help="File, folder, - or snapshot to ask instead of a cluster (repeatable).",
    )(function)


def config_option(function: F) -> F:
    """--config."""
    return click.option(
        "--config",
        "config_path",
        default="",
        metavar="FILE",
        help="Configuration; kubeaudit.yaml in the current folder is read by default.",
    )(function)


def settings_options(function: F) -> F:
    """--config and those of the network plugin."""
    return config_option(options.plugin_options(function))


def asked(
    *, paths: tuple[str, ...], kubeconfig: str, context: str, user: str, request_timeout: str, timeout: str,
    namespaces: tuple[str, ...], all_namespaces: bool, config_path: str, now: str, no_color: bool, quiet: bool,
    verbose: bool, cni_profile: str = "", assume_enforced: bool = False, assume_not_enforced: bool = False,
) -> Asked:  # fmt: skip
    """The options of :func:`input_options`. Raises :class:`UsageError`."""
    live = options.live(kubeconfig, context, user, request_timeout, timeout, namespaces, all_namespaces)
    found = options.with_plugin(config.load(config_path), cni_profile, assume_enforced, assume_not_enforced)
    return Asked(paths, live, found, now, colored(no_color), quiet)


def read(found: Asked) -> Snapshot:
    """The objects: files, a snapshot, or the cluster of the context."""
    clock = options.clock(found.now)
    if found.paths:
        return source.from_files(found.paths, found.live.namespaces, clock, quiet=found.quiet)
    with source.stopped_by_sigterm() as stop:
        return source.from_cluster(found.live, clock, stop, quiet=found.quiet, color=found.color)


def built(snapshot: Snapshot, settings: Settings) -> "Context":
    """The cluster with its engines; no edges, no graph and no policies: a question needs none."""
    from kubeaudit.edges.context import Context
    from kubeaudit.model import cluster as model
    from kubeaudit.network import reach as network
    from kubeaudit.rbac import access as rbac

    cluster = model.build(snapshot)
    return Context(cluster, network.build(cluster, settings), rbac.build(cluster), settings)


def chosen(word: str, formats: tuple[str, ...]) -> outputs.Output:
    """What ``-o FORMAT[=PATH]`` asks for; the first format where nothing is said. Raises :class:`UsageError`."""
    name, equals, path = (word or formats[0]).partition("=")
    if name not in formats:
        raise UsageError(f"-o {word!r}: unknown format {name!r}", f"formats: {', '.join(formats)}")
    if equals and not path:
        raise UsageError(f"-o {word!r}: the path is missing", f"give {name}=PATH, or {name} alone")
    return outputs.Output(name, path)


def write(data: bytes, output: outputs.Output, *, quiet: bool) -> None:
    """Write the answer to its file or to standard output. Raises :class:`OutputError`."""
    if not output.path:
        outputs.print_bytes(data)
        return
    files.write(Path(output.path), [data])
    if not quiet:
        click.echo(f"wrote {output.path}", err=True)


def ports(words: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """The ports that ``--port`` names: ``tcp/8080``, ``udp/8000-8010``, ``sctp``, ``icmp``; a number alone is TCP.

    Raises :class:`UsageError`.
    """
    found = []
    for word in options.words(words):
        protocol, _, numbers = word.upper().rpartition("/")
        if not protocol and not numbers[:1].isdigit():
            protocol, numbers = numbers, ""
        first, _, last = numbers.partition("-")
        if protocol == "ICMP" and not numbers:
            found.append(("ICMP", 0, 0))
            continue
        interval = _interval(protocol or "TCP", first or "1", last or first or "65535")
        if interval is None:
            raise UsageError(f"--port {word!r} is no port", "give tcp/8080, udp/8000-8010, sctp or icmp")
        found.append(interval)
    return tuple(found)


def _interval(protocol: str, first: str, last: str) -> tuple[str, int, int] | None:
    if protocol not in ("TCP", "UDP", "SCTP") or not (first.isdecimal() and last.isdecimal()):
        return None
    low, high = int(first), int(last)
    return (protocol, low, high) if 1 <= low <= high <= 65535 else None
