"""``kubeaudit reach``."""

from typing import Any

import click

from kubeaudit.cli import question

_FORMATS = ("text", "json")
_FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6"}


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--port", "port_words", multiple=True, metavar="PORT", help="tcp/8080, udp/53, 8000-8010 (repeatable).")
@click.option("--family", default="", type=click.Choice(["", *_FAMILIES], case_sensitive=False), help="ipv4 or ipv6.")
@click.option("-o", "--output", "word", default="", metavar="FORMAT[=PATH]", help="text (the default) or json.")
@question.input_options
def command(source: str, target: str, port_words: tuple[str, ...], family: str, word: str, **given: Any) -> None:
    """Say whether one side can open a connection to another, what decides it, and the edit that would change it.

    \b
    A side is a workload (shop/web, shop/deployment/web), a pod (pod/web-1), pods by label ('shop/app=web,tier!=db'),
    all pods of a namespace ('shop/*'), node/NAME, service/shop/web, internet, metadata, an address or a CIDR.
    Without --port every port is judged. -n says where names without a namespace are looked for.

    \b
    Examples:
      kubeaudit reach internet shop/frontend
      kubeaudit reach shop/frontend metadata -f prod.kubeaudit
      kubeaudit reach shop/frontend payments/api --port tcp/8080 -o json
      kubeaudit reach 'shop/app=web' 10.0.0.0/8 -f manifests/ --cni-profile calico
    """
    output, ports = question.chosen(word, _FORMATS), question.ports(port_words)
    asked = question.asked(**given)
    context = question.built(question.read(asked), asked.settings)
    from kubeaudit.queries.ends import end
    from kubeaudit.queries.reach import answer
    from kubeaudit.report.reach_text import render_json, render_text

    namespaces = asked.live.namespaces
    one, other = (end(context, text, namespaces) for text in (source, target))
    found = answer(context, one, other, ports, _FAMILIES.get(family.lower(), ""))
    render = render_json if output.format == "json" else render_text
    question.write(render(found), output, quiet=asked.quiet)
