"""``kubeaudit uses``."""

from typing import Any

import click

from kubeaudit.cli import access


@click.command()
@click.argument("target", metavar="OBJECT")
@access.namespace_option("Namespace of the object, where it is not part of its name.")
@access.input_options
@click.pass_context
def command(ctx: click.Context, /, target: str, namespace: str | None, **given: Any) -> None:
    """List what runs with a ServiceAccount, a role or a binding: bindings, workloads, tokens, internet reach.

    \b
    OBJECT is sa/ns/name (or ns:name), role/ns/name, clusterrole/name, rolebinding/ns/name or clusterrolebinding/name.
    Exit codes: 0 the lists are whole, 4 something was not read; 2 usage, 3 the run failed, 5 output.

    \b
    Examples:
      kubeaudit uses shop:cart
      kubeaudit uses clusterrole/cluster-admin
      kubeaudit uses rolebinding/deployer -n legacy -f prod.kubeaudit -o json
    """
    from kubeaudit.queries.uses import target as named
    from kubeaudit.queries.uses import uses
    from kubeaudit.report.access_text import uses_text

    job = access.job(**given)
    ref = named(target, namespace)
    found = uses(job.world(job.snapshot()), ref)
    job.say(found, uses_text)
    ctx.exit(access.exit_code(found.unseen))
