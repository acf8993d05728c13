"""kubectl's words for a request: verb, resource, name, namespace, into the attributes that are authorized."""

import difflib

from msgspec import Struct

from kubeaudit.errors import UsageError
from kubeaudit.queries.apis import ANY_SUBRESOURCES, Api
from kubeaudit.rbac.access import Access
from kubeaudit.rbac.rules import ANY, Request

DEFAULT_NAMESPACE = "default"
VERBS = frozenset(
    [
        *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", "proxy", "use"),
        *("bind", "escalate", "impersonate", "approve", "sign", "attest", "request-serviceaccounts-token-audience"),
    ]
)
URL_VERBS = frozenset(["get", "head", "post", "put", "patch", "delete", "options", "*"])
_OF_OBJECT = ("get", "update", "patch", "delete")
_NAMELESS = ("create", "deletecollection")
_CONSTRAINED = ("impersonate:", "impersonate-on:")
_SLASHED_NAMES = ("signers",)
"""Resources whose names hold slashes, such as ``kubernetes.io/kube-apiserver-client``."""
_FORMS = "RESOURCE, RESOURCE.GROUP, RESOURCE/NAME, RESOURCE/SUBRESOURCE or /URL, as in kubectl"


class Asked(Struct, frozen=True):
    """What the words mean. ``namespaced`` tells whether the kind lives in namespaces; ``notes`` what was assumed."""

    request: Request
    namespaced: bool
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        request = self.request
        if request.path:
            return f"{request.verb} {request.path}"
        group = f".{request.group}" if request.group else ""
        what = f"{request.verb} {request.resource}{group}" + (f"/{request.subresource}" if request.subresource else "")
        return what + (f" {request.name}" if request.name else "")


class Words(Struct, frozen=True):
    """A request as it was typed. ``namespace`` is None where none was named, ``everywhere`` is ``-A``."""

    verb: str
    resource: str
    name: str = ""
    subresource: str = ""
    namespace: str | None = None
    everywhere: bool = False


def asked(words: Words, apis: tuple[Api, ...], access: Access) -> Asked:
    """The request that the words mean, in namespace ``default`` where none is named. Raises :class:`UsageError`."""
    if not words.verb or not words.resource:
        raise UsageError("the verb or the resource is empty", f"give a verb and {_FORMS}")
    if words.everywhere and words.namespace is not None:
        raise UsageError("-A and -n exclude each other", "give one namespace, or all of them at once")
    if words.resource.startswith("/"):
        return _url(words)
    api, name, subresource, notes = _resource(words, apis, access)
    if words.subresource and subresource and words.subresource != subresource:
        raise UsageError(f"two subresources are named: {subresource} and {words.subresource}", "name one")
    subresource = words.subresource or subresource
    if name and words.name:
        raise UsageError(f"two names are given: {name} and {words.name}", "give one name")
    name = name or words.name
    if words.verb not in VERBS and not words.verb.startswith(_CONSTRAINED):
        notes.append(f"{words.verb!r} is no verb that the API server asks about{_near(words.verb, VERBS)}")
    namespace = "" if words.everywhere else words.namespace if words.namespace is not None else DEFAULT_NAMESPACE
    if (api.group, api.plural) == ("", "namespaces"):
        # The object of a namespace is authorized in that namespace (RBAC-07).
        name = name or (words.namespace or "" if words.verb in _OF_OBJECT else "")
        namespace = name if words.verb in _OF_OBJECT else ""
    elif not api.namespaced:
        if words.namespace:
            notes.append(f"{api.plural} are not namespaced: -n {words.namespace} is not used")
        namespace = ""
    if name and not subresource and words.verb in _NAMELESS:
        notes.append(f"a {words.verb} request carries no name: {name} is not used (RBAC-05, -06)")
        name = ""
    request = Request(words.verb, api.group, api.plural, subresource, namespace, name)
    return Asked(request, api.namespaced, tuple(notes))


def _url(words: Words) -> Asked:
    if words.name or words.subresource:
        raise UsageError(f"{words.resource} is a URL: it has no name and no subresource", f"give {_FORMS}")
    verb, notes = words.verb.lower(), []
    if verb not in URL_VERBS:
        notes.append(
            f"{words.verb!r} is no HTTP method: the verb of a URL is one in lower case{_near(verb, URL_VERBS)}"
        )
    if words.namespace:
        notes.append(f"URLs are not namespaced: -n {words.namespace} is not used")
    return Asked(Request(verb, path=words.resource), False, tuple(notes))


def _resource(words: Words, apis: tuple[Api, ...], access: Access) -> tuple[Api, str, str, list[str]]:
    """The resource of ``TYPE[.GROUP][/NAME][/SUBRESOURCE]``, with name and subresource, and what was assumed."""
    word, slash, rest = words.resource.partition("/")
    if not word.partition(".")[0] or (slash and not rest):
        raise UsageError(f"{words.resource!r} is no resource", f"give {_FORMS}")
    api, notes = _api(word, words.verb, apis, access)
    if not rest or api.plural in _SLASHED_NAMES:
        return api, rest, "", notes
    if api.plural == "userextras":
        return api, "", rest, notes
    first, _, second = rest.partition("/")
    known = ANY_SUBRESOURCES | set(api.subresources)
    if second:
        return api, first, second, notes
    if first in known or api.plural == ANY:
        notes.append(f"{words.resource} is read as the subresource {first} (RBAC-09)")
        return api, "", first, notes
    return api, first, "", notes


def _api(word: str, verb: str, apis: tuple[Api, ...], access: Access) -> tuple[Api, list[str]]:
    lower = word.lower()
    if lower == ANY:
        return Api(ANY, ANY, ANY, namespaced=True), []
    plural, dot, group = lower.partition(".")
    if dot and plural == ANY:
        return Api(group, ANY, ANY, namespaced=True), []
    found = [api for api in apis if plural in api.words() and (not dot or group in _groups(api))]
    if verb.startswith(_CONSTRAINED[0]) and not dot:
        # Constrained impersonation is asked about in this group, whatever holds for the legacy verb (RBAC-48).
        return Api(
            "authentication.k8s.io", found[0].plural if found else plural, word, plural in ("serviceaccounts", "sa")
        ), []
    if found:
        return found[0], []
    return _unknown(word, plural, group if dot else None, apis, access)


def _groups(api: Api) -> tuple[str, ...]:
    """``group`` as kubectl takes it, alone or behind a version: ``apps``, ``v1.apps``, ``v1``, ``core``."""
    if not api.group:
        return ("", "v1", "core")
    return (api.group, *(f"{version}.{api.group}" for version in ("v1", "v2", "v1beta1", "v1alpha1")))


def _unknown(word: str, plural: str, group: str | None, apis: tuple[Api, ...], access: Access) -> tuple[Api, list[str]]:
    """A resource that nothing describes: its group is the one that rules name it in, or core as in kubectl."""
    if group is not None:
        return Api(group, plural, word, namespaced=True), [f"no resource {word} is known: it is taken for namespaced"]
    groups = access.by_rule.groups_of(plural)
    if len(groups) > 1:
        named = ", ".join(name or "core" for name in groups)
        raise UsageError(
            f"resource {word} is not known, and rules name it in several groups: {named}", "say RESOURCE.GROUP"
        )
    known = {name for api in apis for name in api.words()}
    where = f"of group {groups[0]}, where rules name it" if groups and groups[0] else "of the core group"
    note = f"no resource {word} is known{_near(plural, known)}: it is taken for a namespaced one {where}"
    return Api(groups[0] if groups else "", plural, word, namespaced=True), [note]


def _near(word: str, known: frozenset[str] | set[str]) -> str:
    found = difflib.get_close_matches(word, sorted(known), n=2, cutoff=0.75)
    return f"; did you mean {' or '.join(found)}?" if found else ""
