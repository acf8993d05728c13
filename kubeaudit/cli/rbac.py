"""``kubeaudit rbac``."""

from typing import TYPE_CHECKING

import click
import msgspec

from kubeaudit.cli import bundle, options, source
from kubeaudit.cli.exits import FAILED, FINDINGS, OK
from kubeaudit.documents import dump
from kubeaudit.errors import UsageError
from kubeaudit.policy.role import Missing, Need, beyond, missing, needs, roles
from kubeaudit.policy.schema import Policy
from kubeaudit.policy.select import select as choose
from kubeaudit.report.visible import visible

if TYPE_CHECKING:
    from kubeaudit.collect.permissions import Reviewed

SCHEMA = "kubeaudit.rbac-diff/1"
_NAMES_SHOWN = 6


@click.command()
@click.option("--diff", "compare", is_flag=True, help="Ask the API server which of the rules the caller lacks.")
@options.select_options
@options.live_options
@click.option("-o", "--output", "form", default="", metavar="FORMAT", help="yaml or json; with --diff text or json.")
@click.option("-v", "--verbose", is_flag=True, help="Name every check; tracebacks for errors.")
@click.pass_context
def command(
    ctx: click.Context, compare: bool, select: tuple[str, ...], ignore: tuple[str, ...], folders: tuple[str, ...],
    kubeconfig: str, context: str, user: str, request_timeout: str, timeout: str, namespaces: tuple[str, ...],
    all_namespaces: bool, form: str, verbose: bool,
) -> None:  # fmt: skip
    """Print the role that a scan needs, or which of its rules the caller lacks (--diff).

    \b
    Without --select and --ignore it is the role of deploy/rbac.yaml; with -n, a Role for each namespace.
    --diff sends SelfSubjectAccessReviews, which store nothing, and nothing else.
    Exit codes of --diff: 0 nothing is missing, 1 a rule is, 3 the server did not answer.

    \b
    Examples:
      kubeaudit rbac | kubectl apply -f -
      kubeaudit rbac --select rbac,workload > role.yaml
      kubeaudit rbac --diff --as system:serviceaccount:kubeaudit:kubeaudit
    """
    forms = ("text", "json") if compare else ("yaml", "json")
    if form and form not in forms:
        raise UsageError(f"-o {form!r}: unknown format", f"formats: {', '.join(forms)}")
    live = options.live(kubeconfig, context, user, request_timeout, timeout, namespaces, all_namespaces)
    known = bundle.compile_all(bundle.files(folders))
    chosen = choose(known, options.words(select), options.words(ignore))
    wanted = needs(known, chosen, live.namespaces)
    if not compare:
        click.echo(manifest(wanted, as_json=form == "json"), nl=False)
        return
    from kubeaudit.collect.client import Connection, connect
    from kubeaudit.collect.permissions import review

    client = connect(Connection(live.kubeconfig, live.context, live.user, live.request_timeout))
    with source.stopped_by_sigterm() as stop:
        answers = review(client, wanted, live.timeout, stop)
    write = as_json if form == "json" else as_text
    click.echo(write(answers, chosen, live.namespaces, verbose), nl=False)
    unknown = any(answer.allowed is None for answer in answers)
    ctx.exit(FAILED if unknown else FINDINGS if any(answer.allowed is False for answer in answers) else OK)


def manifest(wanted: tuple[Need, ...], *, as_json: bool) -> str:
    """The roles as one document for kubectl."""
    made = roles(wanted)
    if as_json:
        return _json({"apiVersion": "v1", "kind": "List", "items": made})
    return "---\n".join(dump(role) for role in made)


def as_json(
    answers: "tuple[Reviewed, ...]", chosen: tuple[Policy, ...], namespaces: tuple[str, ...], _verbose: bool
) -> str:
    """What is missing, as a versioned JSON document."""
    lacks = _lacking(answers, chosen)
    document = {
        "schema": SCHEMA,
        "rules": len(answers),
        "missing": [_attributes(lack.need) | {"checks": lack.policies, "enables": lack.enables} for lack in lacks],
        "unknown": [_attributes(each.need) | {"detail": each.detail} for each in answers if each.allowed is None],
        "beyondNamespaces": beyond(chosen) if namespaces else (),
        "roles": roles(lack.need for lack in lacks),
    }
    return _json(document)


def as_text(
    answers: "tuple[Reviewed, ...]", chosen: tuple[Policy, ...], namespaces: tuple[str, ...], verbose: bool
) -> str:
    """What is missing, in words, and the role that adds it."""
    lacks = _lacking(answers, chosen)
    lines = [f"{len(lacks)} of {len(answers)} rules are missing" if lacks else f"all {len(answers)} rules are granted"]
    for lack in lacks:
        lines.append(f"\nmissing: {lack.need}")
        lines.append(f"  checks that need it: {_listed(lack.policies, verbose)}")
        lines.append(f"  enabled by it alone: {_listed(lack.enables, verbose)}")
    lines += [f"\nunknown: {each.need}: {each.detail}" for each in answers if each.allowed is None]
    if namespaces and (whole := beyond(chosen)):
        lines.append(f"\nchecks that no Role of a namespace is enough for: {_listed(whole, verbose)}")
    if lacks:
        lines.append(
            "\nthe missing rules, for kubectl:\n\n" + manifest(tuple(lack.need for lack in lacks), as_json=False)
        )
    return visible("\n".join(lines).rstrip(), lines=True) + "\n"


def _lacking(answers: "tuple[Reviewed, ...]", chosen: tuple[Policy, ...]) -> tuple[Missing, ...]:
    return missing([each.need for each in answers if each.allowed is False], chosen)


def _listed(names: tuple[str, ...], verbose: bool) -> str:
    shown = names if verbose else names[:_NAMES_SHOWN]
    rest = f" and {len(names) - len(shown)} more (-v names them)" if len(names) > len(shown) else ""
    return ", ".join(shown) + rest if names else "none"


def _attributes(need: Need) -> dict[str, str]:
    place = {"namespace": need.namespace, "name": need.name}
    return {"verb": need.verb, "apiGroup": need.group, "resource": need.resource} | place


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
