"""``kubeaudit why``."""

from typing import Any

import click

from kubeaudit.cli import access
from kubeaudit.cli.exits import COVERAGE, FINDINGS, OK


@click.command()
@click.argument("start", metavar="FROM")
@click.argument("target", metavar="[TO]", default="cluster-admin")
@access.namespace_option("Namespace of a workload written KIND/NAME, or of a ServiceAccount without one.")
@access.input_options
@click.pass_context
def command(ctx: click.Context, /, start: str, target: str, namespace: str | None, **given: Any) -> None:
    """Show how a subject or workload becomes cluster-admin, hop by hop, and the smallest edit that cuts it.

    \b
    FROM is a subject (jane, shop:cart, group:dev), a workload (shop/cart, shop/deployment/cart) or internet.
    TO is cluster-admin, all-secrets, secrets/NAMESPACE, cloud-identity, api-server, node, a subject or a workload.
    Exit codes: 0 a chain, 1 none, 4 not known because something was not read or decided; 2 usage, 3 failed, 5 output.

    \b
    Examples:
      kubeaudit why tools/console
      kubeaudit why shop:cart secrets/kube-system
      kubeaudit why internet -f prod.kubeaudit -o json
    """
    from kubeaudit.queries import places
    from kubeaudit.queries.why import why
    from kubeaudit.report.chain_text import why_text

    job = access.job(**given)
    world = job.world(job.snapshot())
    found = why(world, places.start(world, start, namespace), places.target(world, target, namespace))
    job.say(found, why_text)
    code = {"yes": OK, "unknown": COVERAGE, "none": COVERAGE if found.unseen else FINDINGS}[found.state]
    ctx.exit(code)
