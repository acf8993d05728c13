"""``kubeaudit who-can``."""

from typing import Any

import click
from msgspec import structs

from kubeaudit.cli import access
from kubeaudit.cli.exits import COVERAGE, OK


@click.command()
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@click.option("--subresource", default="", metavar="NAME", help="Subresource, as in kubectl.")
@access.namespace_option("Namespace of the request; any namespace where neither -n nor -A is given.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Who can in all namespaces at once.")
@access.input_options
@click.pass_context
def command(
    ctx: click.Context, /, verb: str, resource: str, name: str, subresource: str, namespace: str | None,
    everywhere: bool, **given: Any,
) -> None:  # fmt: skip
    """List who holds a grant for a request, and who can obtain one by escalation.

    \b
    RESOURCE is as in kubectl: pods, po, deploy/web, deployments.apps, pods/log (a subresource), or a URL (/metrics).
    Exit codes: 0 the lists are whole, 4 something was not read; 2 usage, 3 the run failed, 5 output.

    \b
    Examples:
      kubeaudit who-can get secrets -n kube-system
      kubeaudit who-can create pods/exec -A
      kubeaudit who-can '*' '*' -f prod.kubeaudit -o json
    """
    job = access.job(**given)
    from kubeaudit.queries.apis import served
    from kubeaudit.queries.who_can import can_obtain, who_can
    from kubeaudit.queries.words import Words, asked
    from kubeaudit.report.access_text import who_can_text

    snapshot = job.snapshot()
    world = job.world(snapshot)
    words = Words(verb, resource, name, subresource, namespace, everywhere)
    request = asked(words, served(snapshot), world.context.access)
    found = who_can(world.context.access, request, anywhere=namespace is None and not everywhere)
    found = structs.replace(found, can_obtain=can_obtain(world, found))
    job.say(found, who_can_text)
    ctx.exit(COVERAGE if found.undecided or found.unseen else OK)
