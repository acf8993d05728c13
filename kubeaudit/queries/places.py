"""Where a chain starts and ends: subjects, workloads, and what people call the crown jewels, as vertices."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.errors import UsageError
from kubeaudit.graph.paths import entries
from kubeaudit.queries.subjects import FORMS, Asker, asker
from kubeaudit.refs import ALL_SECRETS, CLUSTER_ADMIN, Facet, Vertex, VertexKind
from kubeaudit.world import World

WORKLOADS = "NAMESPACE/NAME, NAMESPACE/KIND/NAME or, with -n, KIND/NAME"
_SHORT = {
    "deploy": "deployment",
    "sts": "statefulset",
    "ds": "daemonset",
    "rs": "replicaset",
    "cj": "cronjob",
    "po": "pod",
}
_JEWELS = {"cloud-identity": VertexKind.CLOUD_IDENTITY, "api-server": VertexKind.API_SERVER, "node": VertexKind.NODE}
_SUBJECTS = ("sa", "serviceaccount", "serviceaccounts", "user", "group")


class Place(Struct, frozen=True):
    """One end of a chain: what people call it, and its vertices; ``asker`` is set for subjects."""

    text: str
    vertices: tuple[Vertex, ...]
    asker: Asker | None = None


def start(world: World, text: str, namespace: str | None = None) -> Place:
    """A subject, a workload that an attacker runs code in, or ``internet``. Raises :class:`UsageError`."""
    if text == "internet":
        return Place("the internet", entries(world.graph)["internet"])
    if found := _workloads(world, text, namespace, Facet.CTL):
        return found
    subject = _subject(text, namespace)
    return Place(str(subject), (subject.vertex,), subject)


def target(world: World, text: str, namespace: str | None = None) -> Place:
    """A crown jewel by its name, a subject or a workload. Raises :class:`UsageError`."""
    if text in ("cluster-admin", ""):
        return Place("cluster-admin", (CLUSTER_ADMIN,))
    if text in ("all-secrets", "secrets"):
        return Place("all Secrets", (ALL_SECRETS,))
    if text.startswith("secrets/"):
        place = text.partition("/")[2]
        vertices = tuple(Vertex(VertexKind.AGGREGATE, scope, "Secret") for scope in (place, ""))
        return Place(f"the Secrets of {place}", vertices)
    if text in _JEWELS:
        return Place(text, tuple(sorted(v for v in world.graph.vertices() if v.kind is _JEWELS[text])))
    if found := _workloads(world, text, namespace, Facet.CTL):
        return found
    subject = _subject(text, namespace)
    return Place(str(subject), (subject.vertex,), subject)


def _subject(text: str, namespace: str | None) -> Asker:
    try:
        return asker(text, namespace)
    except UsageError as error:
        raise UsageError(error.message, f"subjects: {FORMS}; workloads: {WORKLOADS}") from error


def _workloads(world: World, text: str, namespace: str | None, facet: Facet) -> Place | None:
    """The classes of a workload. None where the text has the form of a subject; a workload that is not there is wrong.

    Raises :class:`UsageError`.
    """
    words = text.split("/")
    if len(words) not in (2, 3) or words[0].lower() in _SUBJECTS or text.startswith("system:"):
        return None
    if len(words) == 2 and words[0].lower() == "node":
        return None
    found = tuple(_matching(world, words, namespace, facet))
    if found:
        kind, _, name = found[0].name.partition("/")
        return Place(f"{kind} {found[0].namespace}/{name.partition('#')[0]}", found)
    raise UsageError(f"no workload {text!r} was read", f"workloads: {WORKLOADS}; subjects: {FORMS}")


def _matching(world: World, words: list[str], namespace: str | None, facet: Facet) -> Iterator[Vertex]:
    kinds = {_SHORT.get(word.lower(), word.lower()) for word in words[:-1]}
    for cls in world.cluster.classes:
        kind, _, name = cls.name.partition("#")[0].partition("/")
        if name != words[-1]:
            continue
        spelled = len(words) == 3 and cls.namespace == words[0] and kind.lower() in kinds
        in_place = len(words) == 2 and cls.namespace == words[0]
        by_kind = len(words) == 2 and namespace == cls.namespace and kind.lower() in kinds
        if spelled or in_place or by_kind:
            yield Vertex(VertexKind.WORKLOAD, cls.namespace, cls.name, facet)
