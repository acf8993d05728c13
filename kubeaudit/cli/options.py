"""Options that several commands share, in kubectl's words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from msgspec import Struct, structs

from kubeaudit.errors import UsageError
from kubeaudit.settings import Fact, Settings

SHOW = ("system", "builtin", "vendor")
"""Classes of objects that are only counted unless asked for (CHK-23)."""
F = TypeVar("F", bound=Callable[..., Any])


class Live(Struct, frozen=True):
    """How to reach and read a cluster."""

    kubeconfig: str
    context: str
    user: str
    request_timeout: float
    timeout: float | None
    namespaces: tuple[str, ...]


def connection_options(function: F) -> F:
    """--kubeconfig, --context, --request-timeout and --timeout."""
    for option in reversed(
        (
            click.option(
                "--kubeconfig",
                default="",
                metavar="PATH",
                help="Kubeconfig to use instead of $KUBECONFIG or ~/.kube/config.",
            ),
            click.option("--context", default="", metavar="NAME", help="Context of the kubeconfig."),
            click.option(
                "--request-timeout",
                default="60s",
                metavar="DURATION",
                help="Time limit of one request, e.g. 30s.",
                show_default=True,
            ),
            click.option(
                "--timeout",
                default="",
                metavar="DURATION",
                help="Time limit of reading; what is left is reported as not read.",
            ),
        )
    ):
        function = option(function)
    return function


def live_options(function: F) -> F:
    """Those of :func:`connection_options`, --as, -n and -A."""
    for option in reversed(
        (
            click.option("--as", "user", default="", metavar="USER", help="User to impersonate."),
            click.option(
                "-n",
                "--namespace",
                "namespaces",
                multiple=True,
                metavar="NAME",
                help="Report on this namespace only (repeatable).",
            ),
            click.option("-A", "--all-namespaces", is_flag=True, help="Report on every namespace (the default)."),
        )
    ):
        function = option(function)
    return connection_options(function)


def select_options(function: F) -> F:
    """--select, --ignore and --policies."""
    for option in reversed(
        (
            click.option(
                "--select",
                multiple=True,
                metavar="CHECK",
                help="Only these checks: ids, themes or globs (repeatable, or separated by commas).",
            ),
            click.option(
                "--ignore",
                multiple=True,
                metavar="CHECK",
                help="Not these checks (repeatable, or separated by commas).",
            ),
            click.option(
                "--policies",
                "folders",
                multiple=True,
                metavar="DIR",
                help="Folder with policies of your own: THEME/ID.yaml (repeatable).",
            ),
        )
    ):
        function = option(function)
    return function


def common_options(function: F) -> F:
    """-q, -v, --no-color, --now."""
    for option in reversed(
        (
            click.option(
                "--now",
                default="",
                metavar="TIME",
                help="Take this as the time of the run (RFC 3339), for reproducible output.",
            ),
            click.option("--no-color", is_flag=True, help="No colours, also on a terminal."),
            click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
            click.option(
                "-v", "--verbose", is_flag=True, help="Say what was read and at what cost; tracebacks for errors."
            ),
        )
    ):
        function = option(function)
    return function


def plugin_options(function: F) -> F:
    """--cni-profile, --assume-enforced and --assume-not-enforced."""
    for option in reversed(
        (
            click.option(
                "--cni-profile",
                default="",
                metavar="NAME",
                help="Network plugin to assume instead of the detected one.",
            ),
            click.option(
                "--assume-enforced", is_flag=True, help="Take it that the network plugin enforces NetworkPolicy."
            ),
            click.option("--assume-not-enforced", is_flag=True, help="Take it that nothing enforces NetworkPolicy."),
        )
    ):
        function = option(function)
    return function


def with_plugin(base: Settings, cni_profile: str, assume_enforced: bool, assume_not_enforced: bool) -> Settings:
    """Settings with the options of :func:`plugin_options` on top (NET-77). Raises :class:`UsageError`."""
    if assume_enforced and assume_not_enforced:
        raise UsageError("--assume-enforced and --assume-not-enforced exclude each other", "give one of them")
    facts = base.facts
    if assume_enforced or assume_not_enforced:
        facts = structs.replace(facts, cni_enforces=Fact.YES if assume_enforced else Fact.NO)
    return structs.replace(base, cni_profile=cni_profile or base.cni_profile, facts=facts)


def live(
    kubeconfig: str,
    context: str,
    user: str,
    request_timeout: str,
    timeout: str,
    namespaces: tuple[str, ...],
    everywhere: bool,
) -> Live:
    """The live options as one value. Raises :class:`UsageError`."""
    if everywhere and namespaces:
        raise UsageError("-A and -n exclude each other", "give namespaces, or all of them")
    limit = duration(timeout, "--timeout") if timeout else None
    return Live(kubeconfig, context, user, duration(request_timeout, "--request-timeout"), limit, namespaces)


def words(values: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a repeatable option, each of which may hold several, separated by commas."""
    return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def classes(text: str) -> tuple[str, ...]:
    """The classes of objects that ``--show`` names. Raises :class:`UsageError`."""
    shown = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in shown:
        if word not in SHOW:
            raise UsageError(f"--show {word!r}: no such class", f"classes: {', '.join(SHOW)}")
    return shown


def duration(text: str, option: str) -> float:
    """Seconds of a duration such as ``90``, ``30s``, ``5m`` or ``1h``. Raises :class:`UsageError`."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    number = text.rstrip("msh")
    unit = text[len(number) :] or "s"
    try:
        value = float(number) * units[unit]
    except (KeyError, ValueError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{option} {text!r} is no duration", "give a number with ms, s, m or h, e.g. 30s")
    return value


def clock(text: str) -> Callable[[], datetime]:
    """The clock of the run: the system's, or a fixed one. Raises :class:`UsageError`."""
    if not text:
        return lambda: datetime.now(UTC)
    try:
        fixed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise UsageError(f"--now {text!r} is no time", "give RFC 3339, e.g. 2026-11-24T06:17:00Z") from error
    fixed = fixed.replace(tzinfo=UTC) if fixed.tzinfo is None else fixed.astimezone(UTC)
    return lambda: fixed


def rfc3339(when: datetime) -> str:
    """A time as it stands in headers."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
