"""``kubeaudit what-can``."""

from typing import Any

import click
from msgspec import structs

from kubeaudit.cli import access
from kubeaudit.cli.exits import FINDINGS
from kubeaudit.errors import UsageError


@click.command()
@click.argument("subject", default="")
@click.option("--as-group", "groups", multiple=True, metavar="GROUP", help="A further group of theirs (repeatable).")
@click.option(
    "--diff",
    "sides",
    nargs=2,
    default=None,
    metavar="OLD NEW",
    help="Compare two inputs: files, folders or snapshots; of one subject, or of all.",
)
@access.namespace_option("Only what holds in this namespace.")
@access.input_options
@click.pass_context
def command(
    ctx: click.Context, /, subject: str, groups: tuple[str, ...], sides: tuple[str, str] | None, namespace: str | None,
    **given: Any,
) -> None:  # fmt: skip
    """List everything RBAC allows a subject, and by which grants; or what changed between two inputs.

    \b
    SUBJECT is a user name, ns:name or sa/ns/name (ServiceAccount), group:NAME, node:NAME or anonymous.
    Exit codes: 0 the list is whole, 4 something was not read; with --diff 1 where a permission was added;
    2 usage, 3 the run failed, 5 output.

    \b
    Examples:
      kubeaudit what-can shop:cart
      kubeaudit what-can jane --as-group dev -n shop -o json
      kubeaudit what-can --diff before.kubeaudit after.kubeaudit
      kubeaudit what-can shop:cart --diff manifests.old/ manifests/
    """
    from kubeaudit.queries.subjects import asker

    job = access.job(**given)
    who = asker(subject, namespace, groups) if subject or groups else None
    if sides is not None:
        if job.asked.paths:
            raise UsageError("--diff names its two inputs itself", "leave out -f")
        _diff(ctx, job, sides, who)
    if who is None:
        raise UsageError("the subject is missing", "say who, or --diff OLD NEW for all subjects")
    from kubeaudit.queries.what_can import what_can
    from kubeaudit.report.access_text import what_can_text

    found = what_can(job.engine(job.snapshot()), who, namespace)
    job.say(found, what_can_text)
    ctx.exit(access.exit_code(found.unseen))


def _diff(ctx: click.Context, job: access.Job, sides: tuple[str, str], who: Any) -> None:
    from kubeaudit.queries.access_diff import access_diff
    from kubeaudit.report.access_text import diff_text

    jobs = (structs.replace(job, asked=structs.replace(job.asked, paths=(side,))) for side in sides)
    old, new = (each.engine(each.snapshot()) for each in jobs)
    found = access_diff(old, new, who)
    job.say(found, diff_text)
    ctx.exit(access.exit_code(found.unseen) or (FINDINGS if found.added else 0))
