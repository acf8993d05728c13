"""``kubeaudit collect``."""

from pathlib import Path

import click

from kubeaudit.cli import options, source
from kubeaudit.cli.exits import FAILED, OK, UNFINISHED
from kubeaudit.cli.scan import colored
from kubeaudit.report.visible import visible
from kubeaudit.snapshot import write


@click.command()
@click.option(
    "-o", "--output", "path", required=True, metavar="PATH", help="Snapshot file to write, e.g. prod.kubeaudit."
)
@options.live_options
@options.common_options
@click.pass_context
def command(
    ctx: click.Context, path: str, kubeconfig: str, context: str, user: str, request_timeout: str, timeout: str,
    namespaces: tuple[str, ...], all_namespaces: bool, now: str, no_color: bool, quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """Read a cluster into a snapshot file.

    \b
    The file is compressed, readable by its owner only, and free of credentials that were seen in specs and annotations.
    Scanning it gives what scanning the cluster gave at that time.

    \b
    Examples:
      kubeaudit collect -o prod.kubeaudit
      kubeaudit collect --context prod --timeout 2m -o prod.kubeaudit
    """
    live = options.live(kubeconfig, context, user, request_timeout, timeout, namespaces, all_namespaces)
    with source.stopped_by_sigterm() as stop:
        snapshot = source.from_cluster(live, options.clock(now), stop, quiet=quiet, color=colored(no_color))
    write(snapshot, Path(path))
    gaps = snapshot.gaps()
    if not quiet:
        total = sum(frame.count for frame in snapshot.frames)
        click.echo(
            f"wrote {path}: {total} objects" + (f"; not read: {len(gaps)} kinds or scopes" if gaps else ""), err=True
        )
    if verbose:
        for gap in gaps:
            click.echo(visible(f"not read: {gap.resource} {gap.scope} {gap.reason} {gap.detail}".rstrip()), err=True)
    if not snapshot.header.complete and not quiet:
        click.echo(f"exit {FAILED}: {UNFINISHED}", err=True)
    ctx.exit(OK if snapshot.header.complete else FAILED)
