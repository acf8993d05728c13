"""Impersonation: may an identity act as another for one request, the legacy way or constrained (RBAC-45..49).

Source: kubernetes/apiserver ``pkg/endpoints/filters/impersonation``. Constrained impersonation is an alpha feature that
is off in 1.35 and a beta feature that is on in 1.36; where it is on it is tried first, and the legacy way after it.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from msgspec import Struct, structs

from kubeaudit.findings import Reason, Unseen
from kubeaudit.rbac.access import Access, Answer, Decision
from kubeaudit.rbac.identities import (
    ANONYMOUS_USER,
    AUTHENTICATED,
    MASTERS,
    NODE_PREFIX,
    NODES,
    UNAUTHENTICATED,
    Identity,
    account_of,
    service_account,
)
from kubeaudit.rbac.rules import ANY, Request

AUTHENTICATION = "authentication.k8s.io"
_CONSTRAINED_ON, _CONSTRAINED_GATED = (1, 36), (1, 35)


class Mode(StrEnum):
    """Modes of constrained impersonation, as its verbs name them."""

    USER_INFO = "user-info"
    SERVICE_ACCOUNT = "serviceaccount"
    ARBITRARY_NODE = "arbitrary-node"
    ASSOCIATED_NODE = "associated-node"


class Wanted(Struct, frozen=True):
    """Whom the Impersonate headers name. ``extra`` are keys and values of user extra."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def name_only(self) -> bool:
        """Whether nothing but a user name is wanted."""
        return not (self.groups or self.uid or self.extra)


def becomes(wanted: Wanted, mode: Mode | None = None) -> Identity:
    """Who the requester is afterwards: groups that were not asked for follow from the name (RBAC-47).

    Only the node modes make somebody a member of the nodes' group; without a mode it is the legacy way.
    """
    if mode in (Mode.ARBITRARY_NODE, Mode.ASSOCIATED_NODE):
        return Identity(wanted.user, (NODES, AUTHENTICATED))
    account = account_of(wanted.user)
    groups = wanted.groups or (service_account(*account).groups if account else ())
    implied = UNAUTHENTICATED if wanted.user == ANONYMOUS_USER else AUTHENTICATED
    # Whoever asks for the group of those without credentials is not made one of those that have them.
    if implied not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, implied)
    return Identity(wanted.user, groups)


def may_impersonate(access: Access, requester: Identity, wanted: Wanted, request: Request, node: str = "") -> Decision:
    """Whether RBAC allows a requester to send ``request`` as somebody else; the request itself is another question.

    ``node`` is the node that the requester's token is bound to, "" where it is bound to none (RBAC-48).
    """
    if not wanted.user:
        return Decision(Answer.NOT_ALLOWED, "groups, uid and extra are never impersonated without a user (RBAC-45)")
    legacy = _all(access, requester, _legacy(wanted))
    if legacy.answer is Answer.ALLOWED:
        return legacy
    version = access.cluster.version()
    if version is not None and version < _CONSTRAINED_GATED:
        return legacy
    found = [_all(access, requester, asks) for asks in _constrained(wanted, request, node)]
    allowing = next((each for each in found if each.answer is Answer.ALLOWED), None)
    if allowing is None:
        return next((each for each in (legacy, *found) if each.answer is Answer.UNKNOWN), legacy)
    if version is not None and version >= _CONSTRAINED_ON:
        return allowing
    return Decision(Answer.UNKNOWN, "only constrained impersonation allows it", allowing.grants, (gate(version),))


def gate(version: tuple[int, int] | None) -> Unseen:
    """Why it is not known whether constrained impersonation is on (RBAC-49)."""
    if version is None:
        return Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail="the server's version is not known")
    return Unseen(Reason.CONTROL_PLANE_NOT_VISIBLE, detail="feature gate ConstrainedImpersonation of the API server")


def _legacy(wanted: Wanted) -> tuple[Request, ...]:
    """The requests that legacy impersonation asks: all have to be allowed (RBAC-45, -46)."""
    account = account_of(wanted.user)
    if account:
        first = Request("impersonate", "", "serviceaccounts", namespace=account[0], name=account[1])
    else:
        first = Request("impersonate", "", "users", name=wanted.user)
    return (first, *_attributes("impersonate", "", wanted))


def _attributes(verb: str, group: str, wanted: Wanted) -> Iterator[Request]:
    for name in wanted.groups:
        yield Request(verb, group, "groups", name=name)
    for key, value in wanted.extra:
        yield Request(verb, AUTHENTICATION, "userextras", key, name=value)
    if wanted.uid:
        yield Request(verb, AUTHENTICATION, "uids", name=wanted.uid)


def _constrained(wanted: Wanted, request: Request, node: str) -> Iterator[tuple[Request, ...]]:
    """The requests of each mode that fits the wanted name (RBAC-48)."""
    account = account_of(wanted.user)
    if account:
        if wanted.name_only:
            as_account = _as(Mode.SERVICE_ACCOUNT, "serviceaccounts", account[1], account[0])
            yield as_account, _on(Mode.SERVICE_ACCOUNT, request)
    elif wanted.user.startswith(NODE_PREFIX):
        name = wanted.user.removeprefix(NODE_PREFIX)
        if wanted.name_only and name == node:
            yield _as(Mode.ASSOCIATED_NODE, "nodes", ANY), _on(Mode.ASSOCIATED_NODE, request)
        if wanted.name_only:
            yield _as(Mode.ARBITRARY_NODE, "nodes", name), _on(Mode.ARBITRARY_NODE, request)
    elif MASTERS not in wanted.groups:
        verb = f"impersonate:{Mode.USER_INFO}"
        yield (
            _as(Mode.USER_INFO, "users", wanted.user),
            *_attributes(verb, AUTHENTICATION, wanted),
            _on(Mode.USER_INFO, request),
        )


def _as(mode: Mode, resource: str, name: str, namespace: str = "") -> Request:
    return Request(f"impersonate:{mode}", AUTHENTICATION, resource, namespace=namespace, name=name)


def _on(mode: Mode, request: Request) -> Request:
    return structs.replace(request, verb=f"impersonate-on:{mode}:{request.verb}")


def _all(access: Access, requester: Identity, asks: Iterable[Request]) -> Decision:
    """Allowed if every request is; not allowed if one surely is not."""
    decisions = [access.decide(requester, ask) for ask in asks]
    refused = next((each for each in decisions if each.answer is Answer.NOT_ALLOWED), None)
    if refused is not None:
        return refused
    unknown = next((each for each in decisions if each.answer is Answer.UNKNOWN), None)
    if unknown is not None:
        return unknown
    return Decision(Answer.ALLOWED, decisions[0].reason, tuple(grant for each in decisions for grant in each.grants))
