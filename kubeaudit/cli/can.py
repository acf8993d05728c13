"""``kubeaudit can``."""

from typing import Any

import click

from kubeaudit.cli import access
from kubeaudit.cli.exits import COVERAGE, FINDINGS, OK

_SUBRESOURCE = click.option("--subresource", default="", metavar="NAME", help="Subresource, as in kubectl.")


@click.command()
@click.argument("verb")
@click.argument("resource")
@click.argument("name", default="")
@click.option("--as", "subject", default="", metavar="SUBJECT", help="Who asks: a user, or a form listed above.")
@click.option("--as-group", "groups", multiple=True, metavar="GROUP", help="A further group of theirs (repeatable).")
@_SUBRESOURCE
@access.namespace_option("Namespace of the request; default where neither -n nor -A is given.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Ask about all namespaces at once.")
@access.input_options
@click.pass_context
def command(
    ctx: click.Context, /, verb: str, resource: str, name: str, subject: str, groups: tuple[str, ...], subresource: str,
    namespace: str | None, everywhere: bool, **given: Any,
) -> None:  # fmt: skip
    """Say whether RBAC allows a subject a request, and which grants do.

    \b
    RESOURCE is as in kubectl: pods, po, deploy/web, deployments.apps, pods/log (a subresource), or a URL (/metrics).
    SUBJECT is a user name, ns:name or sa/ns/name (ServiceAccount), group:NAME, node:NAME or anonymous.
    Exit codes: 0 yes, 1 no, 4 not known because something was not read; 2 usage, 3 the run failed, 5 output.

    \b
    Examples:
      kubeaudit can list secrets --as shop:cart -n shop
      kubeaudit can create pods/exec --as jane --as-group dev -A
      kubeaudit can get /metrics --as anonymous -f prod.kubeaudit -o json
    """
    from kubeaudit.errors import UsageError

    job = access.job(**given)
    if not subject and not groups:
        raise UsageError("--as is missing: whose rights?", "say --as USER, --as ns:name or --as group:NAME")
    from kubeaudit.queries.apis import served
    from kubeaudit.queries.can import can
    from kubeaudit.queries.subjects import asker
    from kubeaudit.queries.words import Words, asked
    from kubeaudit.rbac.access import Answer
    from kubeaudit.report.access_text import can_text

    who = asker(subject, namespace, groups)
    snapshot = job.snapshot()
    engine = job.engine(snapshot)
    request = asked(Words(verb, resource, name, subresource, namespace, everywhere), served(snapshot), engine)
    found = can(engine, who, request)
    job.say(found, can_text)
    ctx.exit({Answer.ALLOWED: OK, Answer.NOT_ALLOWED: FINDINGS, Answer.UNKNOWN: COVERAGE}[found.answer])
