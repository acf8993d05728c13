"""The two ends of a rule as peers (NET-127, NET-128): Calico's EntityRule without its ports.

All parts of an end are ANDed, and every one of them compares addresses.
"""

from collections.abc import Iterator

from kubeaudit.model.calico_looks import NAMESPACE_LABELS, SERVICE_ACCOUNT_LABELS
from kubeaudit.model.calico_selector import (
    All,
    Among,
    And,
    Compare,
    Global,
    Has,
    Node,
    SelectorSyntaxError,
    has_global,
    parse,
    prefixed,
)
from kubeaudit.model.objects.calico import EntityRule, ServiceAccountMatch
from kubeaudit.network.calico.fields import RefusedError
from kubeaudit.network.calico.labels import NAMESPACE, SERVICE_ACCOUNT, Labels, Peers
from kubeaudit.proof import Path

IN_NAMESPACE = Has(NAMESPACE)


def selector(place: Path, text: str, may_be_global: bool = False) -> Node:
    """The tree of a selector. Raises :class:`RefusedError`.

    ``global()`` stands alone and only where it ``may``, in the namespaceSelector of a rule.
    """
    try:
        found = parse(text)
    except SelectorSyntaxError as error:
        raise RefusedError(place, f"selector {text!r} does not parse, {error}") from error
    if has_global(found) and not (may_be_global and found == Global()):
        raise RefusedError(place, f"selector {text!r} holds global(), which only stands alone in a namespaceSelector")
    return found


def peers(labels: Labels, place: Path, end: EntityRule, namespace: str, everything: Peers) -> Peers:
    """Who an end of a rule of a policy in a namespace ("" = of a global one) matches. Raises :class:`RefusedError`."""
    found = everything
    chosen = _selected(place, end, namespace)
    if chosen is not None:
        found &= labels.peers(chosen)
    if end.not_selector:
        found = found.without(labels.peers(selector((*place, "notSelector"), end.not_selector)))
    if end.nets:
        found &= _united(labels, (*place, "nets"), end.nets)
    if end.not_nets:
        found = found.without(_united(labels, (*place, "notNets"), end.not_nets))
    return found


def is_open(end: EntityRule) -> bool:
    """Whether an end matches everyone, ports apart."""
    return not (end.nets or end.not_nets or end.not_selector or end.services or _selects(end))


def _selects(end: EntityRule) -> bool:
    accounts = end.service_accounts
    named = accounts is not None and bool(accounts.names or accounts.selector)
    return bool(end.selector or end.namespace_selector or named)


def _selected(place: Path, end: EntityRule, namespace: str) -> Node | None:
    """One selector for everything an end selects by labels.

    In a policy of a namespace it stands for that namespace alone, unless it names others.
    """
    terms: list[Node] = []
    if end.namespace_selector:
        where = (*place, "namespaceSelector")
        terms.append(prefixed(selector(where, end.namespace_selector, True), NAMESPACE_LABELS, IN_NAMESPACE))
    elif namespace and (_selects(end) or end.not_selector):
        terms.append(Compare(NAMESPACE, "==", namespace))
    if end.service_accounts is not None:
        terms.extend(_accounts((*place, "serviceAccounts"), end.service_accounts))
    if end.selector:
        terms.append(selector((*place, "selector"), end.selector))
    return And(tuple(terms)) if terms else None


def _accounts(place: Path, match: ServiceAccountMatch) -> Iterator[Node]:
    if match.selector:
        yield prefixed(selector((*place, "selector"), match.selector), SERVICE_ACCOUNT_LABELS, All())
    if match.names:
        yield Among(SERVICE_ACCOUNT, match.names)


def _united(labels: Labels, place: Path, texts: tuple[str, ...]) -> Peers:
    found = Peers(0, 0)
    for number, text in enumerate(texts):
        found |= labels.block((*place, number), text)
    return found
