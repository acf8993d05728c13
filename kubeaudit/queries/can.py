"""``can``: whether RBAC allows a subject a request, with every grant that does, or what comes nearest (RBAC-80)."""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.model.objects.rbac import PolicyRule
from kubeaudit.queries.provenance import Dormant, Use, dormant, use
from kubeaudit.queries.subjects import Asker, known
from kubeaudit.queries.words import Asked
from kubeaudit.rbac.access import Access, Answer, Held
from kubeaudit.rbac.rules import ANY, Request, url_covers
from kubeaudit.rbac.versions import depends

SCHEMA = "kubeaudit.can/1"


class Nearest(Struct, frozen=True):
    """The held rule that comes nearest to allowing a request, and the parts of it that do not match."""

    use: Use
    missing: tuple[str, ...]


class CanAnswer(Struct, frozen=True):
    """The answer to one question. ``grants`` are all that allow it, in the order RBAC tries them.

    ``unseen`` is what had to be read to know; ``depends`` says what besides RBAC decides; ``nearest`` and ``dormant``
    are there where nothing allows it.
    """

    subject: str
    groups: tuple[str, ...]
    request: Request
    question: str
    answer: Answer
    reason: str
    grants: tuple[Use, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    depends: tuple[str, ...] = ()
    nearest: Nearest | None = None
    dormant: tuple[Dormant, ...] = ()
    notes: tuple[str, ...] = ()
    schema: str = SCHEMA


def can(access: Access, subject: Asker, asked: Asked) -> CanAnswer:
    """Ask the engine, and explain its answer. For many questions ask ``Access.decide`` itself."""
    request, identity = asked.request, subject.identity
    decision = access.decide(identity, request)
    allowed = decision.answer is Answer.ALLOWED
    held = () if allowed else access.of(identity)
    return CanAnswer(
        subject=str(subject),
        groups=identity.groups,
        request=request,
        question=str(asked),
        answer=decision.answer,
        reason=decision.reason,
        grants=tuple(use(each.held, each.rule) for each in decision.grants),
        unseen=decision.unseen,
        depends=(*decision.caveats, *depends(access.cluster, identity, request, allowed=allowed)),
        nearest=None if allowed else _nearest(held, request),
        dormant=dormant(held),
        notes=(*asked.notes, *subject.notes, *known(subject, access)),
    )


def _nearest(held: tuple[Held, ...], request: Request) -> Nearest | None:
    """The rule that lacks the least; one of another place lacks its place. None where every rule is about else."""
    best = min(_ranked(held, request), default=None)
    if best is None:
        return None
    _, position, index = best
    found = held[position]
    place = _elsewhere(found.grant.scope, request)
    missing = (*_missing(found.grant.rules[index], request), *((place,) if place else ()))
    return Nearest(use(found, index), missing)


def _ranked(held: tuple[Held, ...], request: Request) -> Iterator[tuple[int, int, int]]:
    """How much each rule lacks that is about the same resource or URL, and where it is."""
    for position, each in enumerate(held):
        away = bool(_elsewhere(each.grant.scope, request))
        for index, rule in enumerate(each.grant.rules):
            if _about(rule, request):
                yield sum(1 for _ in _missing(rule, request)) + away, position, index


def _elsewhere(scope: str, request: Request) -> str:
    if scope and request.path:
        return "is in a RoleBinding, which gives no URLs"
    return "" if scope in ("", request.namespace) else f"holds in namespace {scope} only"


def _about(rule: PolicyRule, request: Request) -> bool:
    if request.path:
        return any(url_covers(url, request.path) for url in rule.non_resource_urls)
    if ANY in rule.resources or request.combined in rule.resources:
        return True
    return bool(request.subresource) and f"*/{request.subresource}" in rule.resources


def _missing(rule: PolicyRule, request: Request) -> Iterator[str]:
    """The fields that do not match, of a rule about the same resource or URL."""
    if not request.path and ANY not in rule.api_groups and request.group not in rule.api_groups:
        yield _lacks("apiGroups", rule.api_groups, request.group or "core")
    if ANY not in rule.verbs and request.verb not in rule.verbs:
        yield _lacks("verbs", rule.verbs, request.verb)
    if not request.path and rule.resource_names and request.name not in rule.resource_names:
        yield _lacks("resourceNames", rule.resource_names, request.name or "no name")


def _lacks(field: str, values: tuple[str, ...], asked: str) -> str:
    has = ", ".join(value or '""' for value in values) if values else "nothing, so it matches nothing"
    return f"{field} has {has}; asked: {asked}"
