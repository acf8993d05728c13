"""Words for a subject: kubectl's ``--as`` names, ``KIND/NAME``, ``ns:name``, and what they stand for."""

from msgspec import Struct

from kubeaudit.errors import UsageError
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.identities import (
    ANONYMOUS_USER,
    AUTHENTICATED,
    MASTERS,
    NODE_PREFIX,
    NODES,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    Identity,
    account_of,
    account_user,
    anonymous,
    member_of,
    service_account,
    user,
)
from kubeaudit.refs import ANONYMOUS, Vertex, VertexKind

FORMS = "ns:name or sa/ns/name (ServiceAccount), user:NAME, group:NAME, node:NAME, anonymous"
_KINDS = {
    "sa": "ServiceAccount",
    "serviceaccount": "ServiceAccount",
    "serviceaccounts": "ServiceAccount",
    "user": "User",
    "group": "Group",
    "node": "Node",
}
_GROUPS = frozenset([AUTHENTICATED, UNAUTHENTICATED, MASTERS, NODES, SERVICE_ACCOUNTS])
"""Names that only groups have: taken for the group also where no kind is said."""


class Asker(Struct, frozen=True, order=True):
    """Who a question is about. ``kind``: ServiceAccount, User, Group or Node; ``notes`` say what was assumed."""

    kind: str
    namespace: str
    name: str
    identity: Identity
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def vertex(self) -> Vertex:
        """Its vertex in the graph."""
        if self.kind == "ServiceAccount":
            return Vertex(VertexKind.SERVICE_ACCOUNT, self.namespace, self.name)
        if self.kind == "Group":
            return Vertex(VertexKind.GROUP, "", self.name)
        return ANONYMOUS if self.identity.user == ANONYMOUS_USER else Vertex(VertexKind.USER, "", self.identity.user)


def asker(text: str, namespace: str | None = None, groups: tuple[str, ...] = ()) -> Asker:
    """The subject that a word means; ``groups`` are further groups it is in.

    ``namespace`` is that of a ServiceAccount written without one. Raises :class:`UsageError`.
    """
    if not text.strip() and groups:
        return Asker("Group", "", ", ".join(groups), _with(Identity(""), groups))
    kind, name = _split(text.strip())
    if not name:
        raise UsageError(f"{text!r} is no subject", f"forms: {FORMS}")
    if kind == "ServiceAccount":
        found = _account(text, name, namespace)
    elif kind == "Group":
        found = Asker(kind, "", name, member_of(name))
    elif kind == "Node":
        found = Asker(kind, "", name.removeprefix(NODE_PREFIX), user(NODE_PREFIX + name.removeprefix(NODE_PREFIX)))
    else:
        found = _user(name)
    if not groups:
        return found
    return Asker(found.kind, found.namespace, found.name, _with(found.identity, groups), found.notes)


def known(found: Asker, access: Access) -> tuple[str, ...]:
    """What is to be said where nothing that was read knows the subject: no object, no binding."""
    named = found.identity.user in access.users or any(group in access.groups for group in found.identity.groups[:1])
    if found.kind == "ServiceAccount":
        written = f"{found.namespace}:{found.name}"
        if written in access.users:
            return (f"a binding names User {written}: say user:{written} for that one",)
        return () if named or (found.namespace, found.name) in access.accounts else (f"no {found} was read",)
    return () if named or found.kind == "Node" else (f"no binding names {found}: only its groups give it anything",)


def _split(text: str) -> tuple[str, str]:
    """Kind and name of a word. A kind that is no subject's is refused, so that no typing error becomes a user."""
    if account_of(text):
        return "User", text
    for separator in ("/", ":"):
        head, found, rest = text.partition(separator)
        if found and head.lower() in _KINDS:
            return _KINDS[head.lower()], rest
    if "/" in text:
        head = text.partition("/")[0]
        raise UsageError(f"{text!r}: {head!r} is no kind of subject", f"forms: {FORMS}")
    if text in _GROUPS or text.startswith(f"{SERVICE_ACCOUNTS}:"):
        return "Group", text
    if text == "anonymous":
        return "User", ANONYMOUS_USER
    if not text.startswith("system:") and text.count(":") == 1:
        return "ServiceAccount", text.replace(":", "/")
    return "User", text


def _account(text: str, written: str, namespace: str | None) -> Asker:
    place, _, name = written.replace(":", "/").rpartition("/")
    place = place or namespace or ""
    if not place:
        raise UsageError(
            f"{text!r}: the namespace of the ServiceAccount is missing", "say sa/NAMESPACE/NAME, or add -n"
        )
    if not name or "/" in place:
        raise UsageError(f"{text!r} is no ServiceAccount", "say sa/NAMESPACE/NAME")
    return Asker("ServiceAccount", place, name, service_account(place, name))


def _user(name: str) -> Asker:
    if account := account_of(name):
        return Asker("ServiceAccount", *account, service_account(*account))
    if name == ANONYMOUS_USER:
        return Asker("User", "", name, anonymous())
    if name.startswith(NODE_PREFIX):
        return Asker("Node", "", name.removeprefix(NODE_PREFIX), user(name))
    # It looks like a ServiceAccount, but the API server takes it for one only with a namespace and a name.
    looks = name.startswith(account_user("", "").rstrip(":"))
    notes = (
        (f"User {name} is no ServiceAccount: its name is not system:serviceaccount:NAMESPACE:NAME",) if looks else ()
    )
    return Asker("User", "", name, user(name), notes)


def _with(identity: Identity, groups: tuple[str, ...]) -> Identity:
    return Identity(identity.user, tuple(dict.fromkeys((*groups, *(identity.groups or (AUTHENTICATED,))))))
