"""``kubeaudit network`` and its subcommands ``diff``, ``lint``, ``openings`` and ``ingress``."""

from typing import Any

import click

from kubeaudit.cli import config, options, question, source
from kubeaudit.cli.exits import FINDINGS, OK
from kubeaudit.errors import UsageError

_FORMATS = ("text", "json", "csv", "md", "dot")
_STATES = ("reachable", "unknown", "blocked")
_BASES = (
    "policy", "default_allow", "spec_exception", "not_enforced", "cni_profile", "cni_unknown", "l7_conditional", "mesh",
    "undefined", "input_incomplete", "kind_not_evaluated",
)  # fmt: skip


@click.group(invoke_without_command=True)
@click.option("--from", "from_side", default="", metavar="SIDE", help="Only connections from these, as in `reach`.")
@click.option("--to", "to_side", default="", metavar="SIDE", help="Only connections to these, as in `reach`.")
@click.option(
    "--port", "port_words", multiple=True, metavar="PORT", help="Only these: tcp/8080, udp, icmp (repeatable)."
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES),
    help="Only these (repeatable); not blocked by default.",
)
@click.option(
    "--direction", default="", type=click.Choice(["", "ingress", "egress"]), help="Into or out of the namespaces."
)
@click.option("--basis", multiple=True, type=click.Choice(_BASES), help="Only what rests on this (repeatable).")
@click.option("--flat", is_flag=True, help="JSON with one row for every pair instead of groups.")
@click.option("--max-rows", default=0, metavar="N", help="Refuse flat forms (--flat, csv, dot) of more rows. [200000]")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text, json, csv, md or dot.")
@question.input_options
@click.pass_context
def command(
    ctx: click.Context, /, from_side: str, to_side: str, port_words: tuple[str, ...], states: tuple[str, ...],
    direction: str, basis: tuple[str, ...], flat: bool, max_rows: int, word: str, **given: Any,
) -> None:  # fmt: skip
    """Print who can open connections to whom, grouped, and what every workload is open to.

    \b
    Groups hold sources with equal destinations and verdicts; -n, --from, --to, --port, --state and --direction narrow
    them. ICMP is listed only where --port names it.

    \b
    Examples:
      kubeaudit network -n shop
      kubeaudit network --from internet -f prod.kubeaudit -o md=exposed.md
      kubeaudit network --to shop/frontend --port tcp/8080 -o csv
      kubeaudit network diff main/ branch/ --fail-on-open
    """
    if ctx.invoked_subcommand is not None:
        return
    output, ports = question.chosen(word, _FORMATS), question.ports(port_words)
    if flat and output.format != "json":
        raise UsageError("--flat is a form of the JSON output", "give -o json with it; csv and dot are always flat")
    asked = question.asked(**given)
    context = question.built(question.read(asked), asked.settings)
    from kubeaudit.proof import State
    from kubeaudit.queries import relation
    from kubeaudit.queries.ends import end
    from kubeaudit.report import network_tables, network_text

    names = dict(zip(_STATES, (State.YES, State.UNKNOWN, State.BLOCKED), strict=True))
    namespaces = asked.live.namespaces
    wanted = relation.Filter(
        source=end(context, from_side, namespaces) if from_side else None,
        target=end(context, to_side, namespaces) if to_side else None,
        namespaces=namespaces,
        direction=direction,
        basis=basis,
        ports=ports,
        states=tuple(names[state] for state in states) or (State.YES, State.UNKNOWN),
    )
    if flat or output.format in ("csv", "dot"):
        rows = relation.flat(context, wanted, max_rows or relation.MOST_ROWS)
        write = {"json": network_tables.render_flat, "csv": network_tables.render_csv, "dot": network_tables.render_dot}
        data = write[output.format](rows)
    else:
        found = relation.relation(context, wanted)
        form = {
            "text": network_text.render_text,
            "md": network_text.render_markdown,
            "json": network_tables.render_json,
        }
        data = form[output.format](found)
    question.write(data, output, quiet=asked.quiet)


@command.command("diff")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--fail-on-open", is_flag=True, help="Exit 1 if any connection is wider open than before.")
@click.option("--max-rows", default=0, metavar="N", help="Refuse flat forms (csv, dot) of more rows. [200000]")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text, json, csv, md or dot.")
@click.option(
    "-n", "--namespace", "namespaces", multiple=True, metavar="NAME", help="Namespace of files that name none."
)
@question.settings_options
@options.common_options
@click.pass_context
def diff(
    ctx: click.Context, old: str, new: str, fail_on_open: bool, max_rows: int, word: str, namespaces: tuple[str, ...],
    config_path: str, cni_profile: str, assume_enforced: bool, assume_not_enforced: bool, now: str, no_color: bool,
    quiet: bool, verbose: bool,
) -> None:  # fmt: skip
    """Say which connections a change opens and closes, and which policy did it.

    \b
    OLD and NEW are files, folders or snapshots, as -f of other commands takes them. Workloads are compared by name;
    what a new one can connect to counts as opened.
    Manifests alone do not show the network plugin; --cni-profile says which one enforces them, --assume-enforced that
    one does.

    \b
    Examples:
      kubeaudit network diff main/ branch/ --cni-profile calico --fail-on-open
      kubeaudit network diff monday.kubeaudit tuesday.kubeaudit -o md=network.md
    """
    output = question.chosen(word, _FORMATS)
    settings = options.with_plugin(config.load(config_path), cni_profile, assume_enforced, assume_not_enforced)
    clock = options.clock(now)
    before, after = (
        question.built(source.from_files((path,), namespaces, clock, quiet=quiet), settings) for path in (old, new)
    )
    from kubeaudit.queries import network_diff, relation
    from kubeaudit.report import network_diff_text, network_tables

    found = network_diff.difference(before, after)
    if output.format in ("csv", "dot"):
        rows = network_diff.flat(before, after, max_rows or relation.MOST_ROWS)
        data = (network_diff_text.render_csv if output.format == "csv" else network_diff_text.render_dot)(rows)
    else:
        form = {"text": network_diff_text.render_text, "md": network_diff_text.render_markdown}
        data = form.get(output.format, network_tables.render_json)(found)
    question.write(data, output, quiet=quiet)
    ctx.exit(FINDINGS if fail_on_open and found.opens else OK)


@command.command("lint")
@click.option("--only", "names", multiple=True, metavar="NAME", help="Only lints of this name (repeatable).")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text or json.")
@question.input_options
def lint(names: tuple[str, ...], word: str, **given: Any) -> None:
    """Say what is wrong with network policies: parts without effect, traffic that breaks, gaps.

    \b
    Names: inert-rules, selects-nothing, selector-split, no-implementer, empty-rule, equal-priority,
    unknown-port-name, port-name-of-addresses, shadowed-rule, redundant-policy, service-port,
    cluster-ip-range, dns-blocked, ipv6-gap, mesh-bypass, foreign-endpoint.

    \b
    Examples:
      kubeaudit network lint -f manifests/
      kubeaudit network lint --only dns-blocked --only ipv6-gap -o json
    """
    output = question.chosen(word, ("text", "json"))
    asked = question.asked(**given)
    reach = question.built(question.read(asked), asked.settings).reach
    from kubeaudit.network.lint import lints
    from kubeaudit.report import lint_text

    found = lints(reach, names)
    namespaces = asked.live.namespaces
    shown = tuple(one for one in found if not namespaces or one.object.namespace in namespaces)
    form = {"text": lint_text.render_text, "json": lint_text.render_json}
    question.write(form[output.format](shown, reach.cni.text), output, quiet=asked.quiet)


@command.command("openings")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text or json.")
@question.input_options
def openings(word: str, **given: Any) -> None:
    """Say what pods that do not exist yet could connect to, by the labels that rules ask for.

    \b
    Policies let in labels, not names. What holds for every pod of the cluster comes first; the other lines are about
    pods that a selector of some rule names. -n limits the workloads that are reported on.

    \b
    Examples:
      kubeaudit network openings -n shop
      kubeaudit network openings -f manifests/ --cni-profile calico -o json
    """
    output = question.chosen(word, ("text", "json"))
    asked = question.asked(**given)
    context = question.built(question.read(asked), asked.settings)
    from kubeaudit.queries.newcomers import newcomers
    from kubeaudit.report import openings_text

    form = {"text": openings_text.render_text, "json": openings_text.render_json}
    question.write(form[output.format](newcomers(context, asked.live.namespaces)), output, quiet=asked.quiet)


@command.command("ingress")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text or json.")
@question.input_options
def ingress(word: str, **given: Any) -> None:
    """Say where Ingresses and Routes lead, and whether policies let their controllers get there.

    \b
    The connection to a backend comes from the pods of the controller, so their egress and the backend's ingress
    policies decide. Where no pod of it is known, `ingress-controller` stands for it.

    \b
    Examples:
      kubeaudit network ingress -n shop
      kubeaudit network ingress -f prod.kubeaudit -o json
    """
    output = question.chosen(word, ("text", "json"))
    asked = question.asked(**given)
    context = question.built(question.read(asked), asked.settings)
    from kubeaudit.queries.entrances import entrances
    from kubeaudit.report import entrances_text

    form = {"text": entrances_text.render_text, "json": entrances_text.render_json}
    question.write(form[output.format](entrances(context, asked.live.namespaces)), output, quiet=asked.quiet)
