"""``kubeaudit demo``."""

import click

from kubeaudit import data, snapshot
from kubeaudit.cli import options, outputs
from kubeaudit.cli.scan import colored, finish, prepare
from kubeaudit.settings import Gates, Settings

NAME = "kubeaudit-demo"


@click.command()
@options.common_options
@click.pass_context
def command(ctx: click.Context, now: str, no_color: bool, quiet: bool, verbose: bool) -> None:
    """Scan the demo cluster and write kubeaudit-demo.html and kubeaudit-demo.json into the current folder.

    \b
    The cluster is a small company's: a shop whose front end reaches the cloud's metadata service, a console that is
    cluster-admin, a namespace that does everything right, and one kind that the auditor was not allowed to read.
    """
    clock = options.clock(now)
    settings = Settings(gates=Gates(fail_on=None))
    taken = snapshot.parse(data.file("demo.kubeaudit").read_bytes(), "the demo snapshot")
    result = prepare(settings, ())(taken, clock(), clock)
    wanted = [outputs.Output("html", f"{NAME}.html"), outputs.Output("json", f"{NAME}.json")]
    written = outputs.write_all(result, wanted, quiet=quiet, color=colored(no_color), show=())
    finish(ctx, result, settings, written, exit_zero=True, quiet=quiet, verbose=verbose)
