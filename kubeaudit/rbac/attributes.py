"""From method and URL to the attributes that are authorized (RBAC-01..08).

Source: kubernetes/apiserver ``pkg/endpoints/request/requestinfo.go``.
"""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from kubeaudit.rbac.rules import Request

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PREFIX_VERBS = ("watch", "proxy")
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_ESCAPED = re.compile(r"(?:\\.|[^\\])*")
_TERMS = re.compile(r"(?:\\.|[^\\,])+")
_TERM = re.compile(r"(?P<field>.*?)(?P<operator>!=|==|=)(?P<value>(?:\\[\\,=]|[^\\,=])*)")
"""Field selectors escape backslash, comma and equals sign in values (apimachinery ``fields/selector.go``)."""
_EQUALS_NAME = (("metadata.name", "="), ("metadata.name", "=="))


def request_of(method: str, url: str) -> Request:
    """The attributes of an HTTP request. ``url`` is the path with its query, percent-encoded as on the wire."""
    split = urlsplit(url)
    path = unquote(split.path)
    parts = path.strip("/").split("/")
    rest = _after_version(parts)
    # The deprecated prefixes need a resource behind them; without one the server refuses the request.
    if not rest or (rest[0] in _PREFIX_VERBS and len(rest) < 2):
        return Request(method.lower(), path=path or "/")
    group = parts[1] if parts[0] == "apis" else ""
    verb = rest[0] if rest[0] in _PREFIX_VERBS else _VERBS.get(method.upper(), "")
    namespace, resource, name, subresource = _place(rest[1:] if rest[0] in _PREFIX_VERBS else rest)
    if verb == "proxy":
        subresource = ""
    if not name:
        verb, name = _of_collection(verb, split.query)
    return Request(verb, group, resource, subresource, namespace, name)


def _after_version(parts: list[str]) -> list[str]:
    """What follows ``api/VERSION`` or ``apis/GROUP/VERSION``; nothing where the path is no resource's (RBAC-01)."""
    head = {"api": 2, "apis": 3}.get(parts[0])
    return parts[head:] if head else []


def _place(parts: list[str]) -> tuple[str, str, str, str]:
    """Namespace, resource, name and subresource; what follows is not looked at (RBAC-08)."""
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 1:
        # The object of a namespace is authorized in that namespace, with its status and finalize (RBAC-07).
        namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    resource, name, subresource = (*parts, "", "")[:3]
    return namespace, resource, name, subresource


def _of_collection(verb: str, query: str) -> tuple[str, str]:
    """Verb and name of a request without a name in its path (RBAC-02, -04, -05)."""
    if verb == "delete":
        return "deletecollection", ""
    if verb != "get":
        return verb, ""
    values = parse_qs(query, keep_blank_values=True)
    watch = "watch" in values and values["watch"][0].lower() not in ("false", "0")
    return "watch" if watch else "list", _selected_name(values.get("fieldSelector", [""])[0])


def _selected_name(selector: str) -> str:
    """The name that a field selector requires: ``metadata.name=x`` among terms that are all well-formed."""
    terms = [_TERM.fullmatch(term) for term in _TERMS.findall(selector)]
    if not _ESCAPED.fullmatch(selector) or not all(terms):
        return ""
    found = (term.group("value") for term in terms if term and term.group("field", "operator") in _EQUALS_NAME)
    name = re.sub(r"\\(.)", r"\1", next(found, ""))
    return "" if name in (".", "..") or "/" in name or "%" in name else name
