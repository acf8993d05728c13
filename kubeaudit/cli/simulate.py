"""``kubeaudit simulate``."""

import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from kubeaudit import __version__
from kubeaudit.cli import access, options
from kubeaudit.cli.exits import FINDINGS, OK
from kubeaudit.errors import UsageError
from kubeaudit.snapshot import Snapshot

if TYPE_CHECKING:
    from kubeaudit.findings import Finding
    from kubeaudit.world import World


@click.command()
@click.option(
    "-f",
    "--filename",
    "changes",
    multiple=True,
    metavar="PATH",
    help="Manifests to apply (repeatable).",
)
@click.option("--delete", "deleted", multiple=True, metavar="KIND/[NS/]NAME", help="Object to delete (repeatable).")
@click.option(
    "--on",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Input instead of a cluster: files or a snapshot (repeatable).",
)
@click.option("--as", "subject", default="", metavar="SUBJECT", help="Writer: say whether they may make the change.")
@click.option("--as-group", "groups", multiple=True, metavar="GROUP", help="A further group of theirs (repeatable).")
@access.namespace_option("Namespace of manifests and of --delete where they name none.")
@access.cluster_options
@click.pass_context
def command(
    ctx: click.Context, /, changes: tuple[str, ...], deleted: tuple[str, ...], paths: tuple[str, ...], subject: str,
    groups: tuple[str, ...], namespace: str | None, **given: Any,
) -> None:  # fmt: skip
    """Show what a change of objects would do: permissions, chains to cluster-admin, findings. Nothing is written.

    \b
    The change is applied to what was read: objects of the same kind, namespace and name are replaced, others added.
    Exit codes: 0 nothing gets worse, 1 a chain opens or a finding of severity high or worse appears; 2 usage,
    3 the run failed, 5 output.

    \b
    Examples:
      kubeaudit simulate -f rolebinding.yaml
      kubeaudit simulate --delete clusterrolebinding/tools-console --on prod.kubeaudit
      kubectl kustomize overlays/prod | kubeaudit simulate -f - --as sa/ci/deployer -o json
    """
    if not changes and not deleted:
        raise UsageError("nothing changes", "give manifests with -f, or objects with --delete KIND/NAME")
    from kubeaudit.queries.apis import served
    from kubeaudit.queries.apply import apply, delete_key
    from kubeaudit.queries.guarded import writes
    from kubeaudit.queries.simulate import compare, finding_changes
    from kubeaudit.queries.subjects import asker
    from kubeaudit.report.chain_text import simulation_text
    from kubeaudit.world import build

    job = access.job(paths=paths, **given)
    writer = asker(subject, namespace, groups) if subject or groups else None
    change = _manifests(changes, namespace, job.asked.now)
    base = job.snapshot()
    keys = [delete_key(text, served(base), namespace) for text in deleted]
    made, objects = apply(base, change, keys)
    before, after = build(base, job.asked.settings), job.world(made)
    found = compare(before, after, objects)
    added, removed = finding_changes(_findings(before, base), _findings(after, made))
    found = structs.replace(found, findings_added=added, findings_removed=removed)
    if writer is not None:
        asked = writes(before.context.access, after.context.access, writer.identity, objects)
        found = structs.replace(found, writer=str(writer), writes=asked, notes=writer.notes)
    job.say(found, simulation_text)
    ctx.exit(FINDINGS if found.worse else OK)


def _manifests(paths: tuple[str, ...], namespace: str | None, now: str) -> Snapshot | None:
    if not paths:
        return None
    from kubeaudit.collect.manifests import collect_files

    stamp = options.rfc3339(options.clock(now)())
    return collect_files(paths, stdin=sys.stdin.buffer, namespace=namespace or "", tool_version=__version__, now=stamp)


def _findings(world: "World", snapshot: Snapshot) -> "tuple[Finding, ...]":
    """What the shipped policies say of a world."""
    from kubeaudit.cli import bundle
    from kubeaudit.policy.evaluate import evaluate
    from kubeaudit.policy.select import select

    known = bundle.compile_all(bundle.files(()))
    settings = world.settings
    return evaluate(world, snapshot, select(known, settings.select, settings.ignore)).findings
