"""What people write for one side of a connection, found in the cluster: workloads, pods, addresses, Services."""

import difflib
import ipaddress
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from kubeaudit.edges.context import Context
from kubeaudit.errors import UsageError
from kubeaudit.model.nodes import parse
from kubeaudit.model.objects.core import Service
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.selectors import bits_of
from kubeaudit.queries.names import label_index

INTERNET, METADATA = "internet", "metadata"
FORMS = (
    "NAMESPACE/NAME, NAMESPACE/KIND/NAME, NAMESPACE/*, NAMESPACE/app=web,tier!=db, pod/NAME, node/NAME, "
    "service/NAMESPACE/NAME, internet, metadata, an address or a CIDR"
)
_SHORT = {"deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "cj": "cronjob", "rs": "replicaset"}
_SELECTS = re.compile(r"[=!]|\s(?:in|notin)\s*\(")
_TERM = re.compile(r"\s*(!)?\s*([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|\s(in|notin)\s*\(([^()]*)\))?\s*(?:,|$)")


class Pods(Struct, frozen=True):
    """Classes of pods, or one ``pod`` of one class by its index."""

    text: str
    classes: tuple[int, ...]
    pod: int = -1


class Addresses(Struct, frozen=True):
    """Single addresses outside the pods; ``node`` names the node they belong to, if it is one."""

    text: str
    addresses: tuple[str, ...]
    node: str = ""


class Ranges(Struct, frozen=True):
    """A CIDR; without one the internet: every public address (EXP-01)."""

    text: str
    cidr: str = ""


class ServiceEnd(Struct, frozen=True):
    """A Service, as a destination."""

    text: str
    service: Service


class Metadata(Struct, frozen=True):
    """The metadata services of the clouds that the source's nodes run in, as a destination."""

    text: str = METADATA


End = Pods | Addresses | Ranges | ServiceEnd | Metadata


def end(context: Context, text: str, namespaces: Sequence[str] = ()) -> End:
    """The side of a connection that a text names; ``namespaces`` is where names without one are looked for.

    Raises :class:`UsageError` with the nearest names where there is no such thing.
    """
    if text == INTERNET:
        return Ranges(text)
    if text == METADATA:
        return Metadata()
    if (found := _addresses(context, text)) is not None:
        return found
    if _SELECTS.search(text):
        return _selected(context, text, namespaces)
    words = text.split("/")
    if not all(words) or len(words) > 3:
        raise UsageError(f"{text!r} names no side of a connection", f"give {FORMS}")
    kind = words[0].lower()
    if kind == "node" and len(words) == 2:
        return _node(context, text, words[1])
    if kind in ("service", "svc"):
        return _service(context, text, words[1:], namespaces)
    if kind in ("pod", "po"):
        return _pod(context, text, words[1:], namespaces)
    return _workload(context, text, words, namespaces)


def _addresses(context: Context, text: str) -> End | None:
    """An address or CIDR; an address that a pod, a node or a Service of the cluster has stands for that."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if "/" in text and network.prefixlen < network.max_prefixlen:
        return Ranges(text, str(network))
    address = str(network.network_address)
    for number, pod in enumerate(context.cluster.pods):
        host = pod.cls >= 0 and context.cluster.classes[pod.cls].shape.host_network
        if pod.cls >= 0 and not host and _among(address, pod.addresses):
            return Pods(f"{text} (Pod {pod.namespace}/{pod.name})", (pod.cls,), number)
    for node in context.cluster.nodes:
        if _among(address, node.addresses):
            return Addresses(f"{text} (Node {node.ref.name})", (address,), node.ref.name)
    for service in context.cluster.services:
        if _among(address, (service.spec.cluster_ip,)):
            name = f"{service.metadata.namespace}/{service.metadata.name}"
            return ServiceEnd(f"{text} (Service {name})", service)
    return Addresses(text, (address,))


def _among(address: str, others: Iterable[str]) -> bool:
    return any(address == other or (":" in other and parse(other) == parse(address)) for other in others)


def _selected(context: Context, text: str, namespaces: Sequence[str]) -> Pods:
    head, slash, rest = text.partition("/")
    spaces: Sequence[str] = namespaces
    selector = text
    if slash and (head == "*" or re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", head)):
        spaces, selector = () if head == "*" else (head,), rest
    for space in spaces:
        _known(context, space)
    mask = label_index(context.cluster).select(_selector(selector))
    if spaces:
        within = 0
        for space in spaces:
            within |= context.classes_of_namespace.get(space, 0)
        mask &= within
    if not mask:
        where = f"namespace {', '.join(spaces)}" if spaces else "any namespace"
        raise UsageError(f"no pods in {where} have {selector}", "labels are those of pods, or of pod templates")
    return Pods(text, tuple(bits_of(mask)))


def _selector(text: str) -> LabelSelector:
    """A selector in kubectl's words. Raises :class:`UsageError` with the column where it cannot be read."""
    labels: dict[str, str] = {}
    terms: list[Requirement] = []
    position = 0
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None or (found[1] and (found[3] or found[5])):
            raise UsageError(
                f"{text!r} is no label selector: column {position + 1}",
                "write app=web, tier!=db, stage in (a,b), stage notin (a,b), app or !app, with commas between",
            )
        negated, key, sign, value, word, listed = found.groups()
        values = tuple(item.strip() for item in (listed or "").split(","))
        if sign in ("=", "=="):
            terms.append(Requirement(key, "In", (value,)))
        elif sign == "!=":
            terms.append(Requirement(key, "NotIn", (value,)))
        elif word:
            terms.append(Requirement(key, "In" if word == "in" else "NotIn", values))
        else:
            terms.append(Requirement(key, "DoesNotExist" if negated else "Exists"))
        position = found.end()
    return LabelSelector(labels, tuple(terms))


def _node(context: Context, text: str, name: str) -> Addresses:
    nodes = {node.ref.name: node for node in context.cluster.nodes}
    if name not in nodes:
        raise UsageError(f"no node {name!r}{_near(name, nodes)}", _unread(context, "nodes"))
    if not nodes[name].addresses:
        raise UsageError(f"node {name} has no address", "give an address instead")
    return Addresses(text, nodes[name].addresses, name)


def _service(context: Context, text: str, words: Sequence[str], namespaces: Sequence[str]) -> ServiceEnd:
    services = {(s.metadata.namespace, s.metadata.name): s for s in context.cluster.services}
    key = _one(context, text, "Service", services, words, namespaces)
    return ServiceEnd(text, services[key])


def _pod(context: Context, text: str, words: Sequence[str], namespaces: Sequence[str]) -> Pods:
    pods = {(pod.namespace, pod.name): number for number, pod in enumerate(context.cluster.pods)}
    number = pods[_one(context, text, "Pod", pods, words, namespaces)]
    pod = context.cluster.pods[number]
    return Pods(text, (pod.cls,) if pod.cls >= 0 else (), number)


def _one(
    context: Context, text: str, kind: str, known: Iterable[tuple[str, str]], words: Sequence[str],
    namespaces: Sequence[str],
) -> tuple[str, str]:  # fmt: skip
    """The object that one or two words name; where only its name is given it must be the only one."""
    name = words[-1] if words else ""
    spaces = (words[0],) if len(words) == 2 else tuple(namespaces)
    found = sorted(key for key in known if key[1] == name and (not spaces or key[0] in spaces))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{text!r}: namespaces {', '.join(space for space, _ in found)} have a {kind} {name}", "choose one with -n"
        )
    names = [key[1] for key in known if not spaces or key[0] in spaces]
    where = f" in namespace {', '.join(spaces)}" if spaces else ""
    raise UsageError(f"no {kind} {name!r}{where}{_near(name, names)}", _unread(context, f"{kind.lower()}s"))


def _workload(context: Context, text: str, words: Sequence[str], namespaces: Sequence[str]) -> Pods:
    kind = ""
    if len(words) == 3:
        space, kind, name = words
    elif len(words) == 2 and not (len(namespaces) == 1 and _is_kind(context, words[0])):
        space, name = words
    elif len(namespaces) == 1:
        space, name = namespaces[0], words[-1]
        kind = words[0] if len(words) == 2 else ""
    else:
        raise UsageError(f"{text!r} has no namespace", f"give {FORMS}; or the namespace with -n")
    _known(context, space)
    kind = _SHORT.get(kind.lower(), kind.lower())
    here = [workload for workload in context.cluster.workloads if workload.ref.namespace == space]
    if name == "*":
        classes = tuple(bits_of(context.classes_of_namespace.get(space, 0)))
        if not classes:
            raise UsageError(f"namespace {space} has no pods", "choose another")
        return Pods(text, classes)
    found = [w for w in here if w.ref.name == name and (not kind or w.ref.kind.lower() == kind)]
    if not found:
        pod = next((n for n, p in enumerate(context.cluster.pods) if (p.namespace, p.name) == (space, name)), -1)
        if pod >= 0 and kind in ("", "pod"):
            cls = context.cluster.pods[pod].cls
            return Pods(text, (cls,) if cls >= 0 else (), pod)
        near = _near(name, {w.ref.name for w in here})
        raise UsageError(f"no workload {name!r} in namespace {space}{near}", _unread(context, "pods"))
    if len(found) > 1:
        kinds = " and ".join(sorted(w.ref.kind for w in found))
        raise UsageError(f"{text!r} is a {kinds}", f"give the kind: {space}/{found[0].ref.kind}/{name}")
    number = context.cluster.workloads.index(found[0])
    classes = tuple(cls.index for cls in context.cluster.classes if cls.workload == number)
    if not classes:
        raise UsageError(f"{found[0].ref} runs no pods and wants none", "choose a workload that does")
    return Pods(text, classes)


def _is_kind(context: Context, word: str) -> bool:
    kinds = {workload.ref.kind.lower() for workload in context.cluster.workloads}
    return _SHORT.get(word.lower(), word.lower()) in kinds and word not in context.cluster.namespaces


def _known(context: Context, space: str) -> None:
    if space not in context.cluster.namespaces:
        near = _near(space, context.cluster.namespaces)
        raise UsageError(f"no namespace {space!r}{near}", _unread(context, "namespaces"))


def _near(word: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, sorted(set(names)), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _unread(context: Context, resource: str) -> str:
    """What to do: where the list was not read, the thing may exist all the same."""
    gap = context.cluster.complete.gap(resource)
    if gap is not None:
        return f"{resource} were not read whole ({gap.reason}), so it may exist"
    return f"give {FORMS}"
