"""Who asks: a user name with its groups, the implicit ones included (RBAC-26..29)."""

from msgspec import Struct

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS_USER = "system:anonymous"
NODES = "system:nodes"
SERVICE_ACCOUNTS = "system:serviceaccounts"
NODE_PREFIX = "system:node:"
_ACCOUNT_PREFIX = "system:serviceaccount:"


class Identity(Struct, frozen=True):
    """A user name and every group it is in. The constructors of this module add the implicit groups of RBAC-27."""

    user: str
    groups: tuple[str, ...] = ()


def account_user(namespace: str, name: str) -> str:
    """The user name of a ServiceAccount."""
    return f"{_ACCOUNT_PREFIX}{namespace}:{name}"


def account_of(user: str) -> tuple[str, str] | None:
    """Namespace and name of the ServiceAccount that a user name stands for, None where it stands for none (RBAC-26)."""
    namespace, colon, name = user.removeprefix(_ACCOUNT_PREFIX).partition(":")
    is_account = user.startswith(_ACCOUNT_PREFIX) and bool(namespace and colon and name) and ":" not in name
    return (namespace, name) if is_account else None


def service_account(namespace: str, name: str) -> Identity:
    """A ServiceAccount, whether or not its object exists."""
    return Identity(account_user(namespace, name), (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}", AUTHENTICATED))


def anonymous() -> Identity:
    """A caller without credentials: in no group but system:unauthenticated."""
    return Identity(ANONYMOUS_USER, (UNAUTHENTICATED,))


def authenticated() -> Identity:
    """What every caller with credentials is at least; its user name is nobody's (RBAC-28)."""
    return Identity("", (AUTHENTICATED,))


def node(name: str) -> Identity:
    """The kubelet of a node. The Node authorizer allows more than RBAC shows (RBAC-50)."""
    return Identity(NODE_PREFIX + name, (NODES, AUTHENTICATED))


def user(name: str, groups: tuple[str, ...] = ()) -> Identity:
    """Any user by name; names of ServiceAccounts, nodes and anonymous callers get the groups these have."""
    if account := account_of(name):
        implied = service_account(*account)
    elif name == ANONYMOUS_USER:
        implied = anonymous()
    elif name.startswith(NODE_PREFIX):
        implied = node(name.removeprefix(NODE_PREFIX))
    else:
        implied = Identity(name, (AUTHENTICATED,))
    return Identity(name, (*(group for group in groups if group not in implied.groups), *implied.groups))


def member_of(name: str) -> Identity:
    """Somebody in a group, of whom nothing else is known: the group, and those that its members are always in."""
    if name == UNAUTHENTICATED:
        return Identity("", (UNAUTHENTICATED,))
    implied = (SERVICE_ACCOUNTS,) if name.startswith(f"{SERVICE_ACCOUNTS}:") else ()
    return Identity("", tuple(dict.fromkeys((name, *implied, AUTHENTICATED))))
