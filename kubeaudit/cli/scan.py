"""``kubeaudit scan``."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime

import click
from msgspec import structs

from kubeaudit import __version__
from kubeaudit.cli import config, options, outputs, source
from kubeaudit.cli.exits import code_of, gate, tell
from kubeaudit.cli.progress import heartbeat
from kubeaudit.errors import UsageError
from kubeaudit.findings import Run, ScanResult, Tool
from kubeaudit.settings import Settings, Severity
from kubeaudit.snapshot import Snapshot


@click.command()
@click.option(
    "-f",
    "--filename",
    "paths",
    multiple=True,
    metavar="PATH",
    help="File, folder, - or snapshot to scan instead of a cluster (repeatable).",
)
@options.live_options
@click.option(
    "-o", "--output", "words", multiple=True, metavar="FORMAT[=PATH]", help="text, json, html or sarif (repeatable)."
)
@options.select_options
@click.option(
    "--config",
    "config_path",
    default="",
    metavar="FILE",
    help="Configuration; kubeaudit.yaml in the current folder is read by default.",
)
@options.plugin_options
@click.option(
    "--show", default="", metavar="CLASSES", help="List objects that are otherwise only counted: system,builtin,vendor."
)
@click.option(
    "--fail-on",
    default="",
    metavar="SEVERITY",
    help="Exit 1 at findings of this severity or worse; none = never. Default: high.",
)
@click.option(
    "--min-coverage", type=float, default=None, metavar="PERCENT", help="Exit 4 if fewer checks could be evaluated."
)
@click.option("--strict", is_flag=True, help="Exit 4 if any selected check could not be evaluated.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@options.common_options
@click.pass_context
def command(
    ctx: click.Context, paths: tuple[str, ...], kubeconfig: str, context: str, user: str, request_timeout: str,
    timeout: str, namespaces: tuple[str, ...], all_namespaces: bool, words: tuple[str, ...], select: tuple[str, ...],
    ignore: tuple[str, ...], folders: tuple[str, ...], config_path: str, cni_profile: str, assume_enforced: bool,
    assume_not_enforced: bool, show: str, fail_on: str, min_coverage: float | None, strict: bool, exit_zero: bool,
    now: str, no_color: bool, quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """Judge a cluster, files or a snapshot, and report what is exposed and why.

    \b
    Without -f the cluster of the current context is read; nothing is ever written to it, and no Secret is read.
    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 usage, 3 the run failed, 4 coverage, 5 output.

    \b
    Examples:
      kubeaudit scan --context prod -o html=report.html
      kubeaudit scan -n shop -n payments --fail-on critical
      kubeaudit scan -f prod.kubeaudit -o json=result.json
      kubectl kustomize overlays/prod | kubeaudit scan -f - --select workload,network
    """
    live = options.live(kubeconfig, context, user, request_timeout, timeout, namespaces, all_namespaces)
    wanted = outputs.parse(words)
    base = options.with_plugin(config.load(config_path), cni_profile, assume_enforced, assume_not_enforced)
    settings = _settings(base, select, ignore, show, namespaces, fail_on, min_coverage, strict)
    color = colored(no_color)
    clock = options.clock(now)
    began = clock()
    job = prepare(settings, folders)
    with source.stopped_by_sigterm() as stop:
        if paths:
            snapshot = source.from_files(paths, namespaces, clock, quiet=quiet)
        else:
            snapshot = source.from_cluster(live, clock, stop, quiet=quiet, color=color)
        with nullcontext() if quiet else heartbeat("judging"):
            result = ended(job(snapshot, began, clock), flags=ctx.obj or (), stopped=stop.is_set())
        written = outputs.write_all(result, wanted, quiet=quiet, color=color, show=settings.show)
    finish(ctx, result, settings, written, exit_zero=exit_zero, quiet=quiet, verbose=verbose)


Job = Callable[[Snapshot, datetime, Callable[[], datetime]], ScanResult]


def prepare(settings: Settings, folders: tuple[str, ...]) -> Job:
    """Load and select the policies before anything is read: a wrong word costs no time. The job judges a snapshot."""
    from kubeaudit.cli import bundle
    from kubeaudit.policy.select import select as choose

    files = bundle.files(folders)
    known = bundle.compile_all(files)
    policies = choose(known, settings.select, settings.ignore)
    unknown = sorted(settings.severities.keys() - {policy.id for policy in known})
    if unknown:
        raise UsageError(f"severities: unknown checks {', '.join(unknown)}", "see `kubeaudit policies list`")
    name = "shipped" if not folders else "shipped and " + ", ".join(folders)
    tool = Tool("kubeaudit", __version__, name, bundle.digest(files))

    def judge(snapshot: Snapshot, began: datetime, clock: Callable[[], datetime]) -> ScanResult:
        from kubeaudit.scan import scan

        run = Run(tool=tool, start=options.rfc3339(began), end="", duration=0.0, source=snapshot.header.source)
        result = scan(snapshot, policies, settings, run)
        ended = clock()
        spent = round((ended - began).total_seconds(), 3)
        return structs.replace(result, run=structs.replace(result.run, end=options.rfc3339(ended), duration=spent))

    return judge


def ended(result: ScanResult, *, flags: tuple[str, ...], stopped: bool) -> ScanResult:
    """The result with what only the process knows: the words it was called with, and whether it was told to end."""
    return structs.replace(
        result, run=structs.replace(result.run, flags=flags, complete=result.run.complete and not stopped)
    )


def finish(
    ctx: click.Context,
    result: ScanResult,
    settings: Settings,
    written: outputs.Written,
    *,
    exit_zero: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Say where the outputs are, what it cost and why the exit code is not 0; then end."""
    for failure in written.failures:
        tell(failure)
    for path in written.paths:
        if not quiet:
            click.echo(f"wrote {path}", err=True)
    if verbose:
        run = result.run
        click.echo(
            f"{run.requests} requests, {run.bytes} bytes, {run.throttled} times throttled; {run.duration:.1f} s",
            err=True,
        )
    reasons = gate(result, settings.gates, exit_zero=exit_zero)
    for code, text in reasons:
        if not quiet:
            click.echo(f"exit {code}: {text}", err=True)
    ctx.exit(code_of([*reasons, *((failure.exit_code, failure.message) for failure in written.failures)]))


def colored(no_color: bool) -> bool:
    """Whether colours are wanted at all (NO_COLOR, --no-color); whether a stream is a terminal is another question."""
    return not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _settings(
    base: Settings, select: tuple[str, ...], ignore: tuple[str, ...], show: str, namespaces: tuple[str, ...],
    fail_on: str, min_coverage: float | None, strict: bool,
) -> Settings:  # fmt: skip
    """The configuration with the flags on top: flags win."""
    gates = base.gates
    if fail_on:
        gates = structs.replace(gates, fail_on=_severity(fail_on))
    if min_coverage is not None:
        gates = structs.replace(gates, min_coverage=min_coverage)
    return structs.replace(
        base,
        select=options.words(select) or base.select,
        ignore=options.words(ignore) or base.ignore,
        show=options.classes(show) or base.show,
        namespaces=namespaces or base.namespaces,
        gates=structs.replace(gates, strict=strict or gates.strict),
    )


def _severity(text: str) -> Severity | None:
    if text == "none":
        return None
    try:
        return Severity(text)
    except ValueError as error:
        raise UsageError(f"--fail-on {text!r} is no severity", f"severities: {', '.join(Severity)}, none") from error
