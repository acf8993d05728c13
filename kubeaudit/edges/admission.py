"""From rights on what guards and extends the API server, and from what answers for it, to the cluster (EXP-621, 631,
851..857).
"""

from collections.abc import Iterable, Iterator

from kubeaudit.edges.context import Context, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.pods import makes_pods
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vertices import NODE_ROOT, SERVICE_ACCOUNT, every, outcome
from kubeaudit.edges.vocabulary import (
    EXP_ADMISSION_POLICY,
    EXP_API_SERVICE_WRITE,
    EXP_CLAIM_DEVICES,
    EXP_CONVERSION,
    EXP_NAMESPACE_LABELS,
    EXP_WEBHOOK,
    EXP_WEBHOOK_BACKEND,
)
from kubeaudit.model.objects.admission import ResourceRule, ServiceReference, Webhook
from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex, bits_of, index
from kubeaudit.proof import Assumption, Confidence, Path, State, field
from kubeaudit.rbac.rights import Key, Rights
from kubeaudit.refs import CLUSTER_ADMIN, Facet, ObjectRef, Vertex

_ADMISSION, _DEVICES = "admissionregistration.k8s.io", "resource.k8s.io"
NAMESPACES = ("", "namespaces")
MUTATING = (_ADMISSION, "mutatingwebhookconfigurations")
POLICIES, POLICY_BINDINGS = (_ADMISSION, "mutatingadmissionpolicies"), (_ADMISSION, "mutatingadmissionpolicybindings")
API_SERVICES = ("apiregistration.k8s.io", "apiservices")
CLAIMS: tuple[Key, ...] = ((_DEVICES, "resourceclaims"), (_DEVICES, "resourceclaimtemplates"))
KEYS = (NAMESPACES, MUTATING, POLICIES, POLICY_BINDINGS, API_SERVICES, *CLAIMS)
JOINT = (NAMESPACES, POLICIES, POLICY_BINDINGS, *CLAIMS)
CLUSTER_KINDS = (NAMESPACES, MUTATING, POLICIES, POLICY_BINDINGS, API_SERVICES)
ADMIN_ACCESS = "resource.kubernetes.io/admin-access"
_CHANGE, _WRITE = ("update", "patch"), ("create", "update", "patch")
_MUTATING_POLICIES = ((1, 36), (1, 32))
_POD_MAKERS = frozenset(
    ["*", "*/*", "pods", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs"]
)
_DRIVER = Assumption("device-driver", "a driver of the cluster lets administrators reach devices that are in use")


def single(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What one right on mutating webhooks or aggregated APIs amounts to."""
    if not rights.whole:
        return
    right = rights.some(MUTATING, *_WRITE)
    if right is not None:
        does = f"may {right}: a webhook sees every Secret that is written and changes every pod that is made"
        yield Step(EXP_WEBHOOK, CLUSTER_ADMIN, does, (right,))
    right = rights.some(API_SERVICES, *_WRITE)
    if right is not None:
        does = f"may {right}: a server of its own gets the requests of all callers to an API group"
        yield Step(EXP_API_SERVICE_WRITE, CLUSTER_ADMIN, does, (right,))


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What several rights on admission lead to together (EXP-34)."""
    if rights.whole:
        yield from _mutating_policies(scene, rights)
    yield from _labels(scene, rights)
    yield from _devices(scene, rights)


def _mutating_policies(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-853 of policies that change objects: a policy that is bound, or a policy and its binding."""
    changed, made = rights.some(POLICIES, *_CHANGE), rights.every(POLICIES, "create")
    bound = rights.some(POLICY_BINDINGS, *_WRITE)
    used = (made, bound) if made and bound else (changed,) if changed else ()
    if not used:
        return
    on, gated = _MUTATING_POLICIES
    state, why = scene.since(on=on, gated=gated, what="mutating admission policies")
    if state is not State.BLOCKED:
        does = f"may {' and '.join(map(str, used))}: a policy changes every pod that is made"
        yield Step(EXP_ADMISSION_POLICY, CLUSTER_ADMIN, does, used, state, unseen=why)


def _labels(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-621: who may label a namespace lifts its PodSecurity level, and with a pod there takes a node (RBAC-E34)."""
    pod = makes_pods(rights)
    if pod is None:
        return
    for namespace in (rights.scope,) if rights.scope else scene.guarded:
        gate = scene.gates.get(namespace)
        label = rights.on(NAMESPACES, namespace, *_CHANGE)
        if gate is None or gate.state is not State.BLOCKED or label is None:
            continue
        does = f"may {label} and so lift the PodSecurity level of {namespace}, and {pod} {place(rights.scope)}"
        yield Step(EXP_NAMESPACE_LABELS, NODE_ROOT, does, (label, pod), evidence=gate.evidence)
        return


def _devices(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-631: administrators' access to devices, in a namespace whose label allows it."""
    claim = next((right for key in CLAIMS if (right := rights.every(key, "create"))), None)
    if claim is None:
        return
    labels = scene.context.cluster.namespaces
    for name in (rights.scope,) if rights.scope else sorted(labels):
        if labels.get(name, {}).get(ADMIN_ACCESS) == "true":
            shown = (field(ObjectRef("Namespace", "", name), ("metadata", "labels", ADMIN_ACCESS), "true"),)
            does = f"may {claim} in namespace {name}, where they may reach devices that other pods use"
            target = outcome("devices of other pods", rights.scope)
            yield Step(EXP_CLAIM_DEVICES, target, does, (claim,), State.YES, Confidence.ENV, (_DRIVER,), evidence=shown)
            return


def backends(scene: Scene) -> Iterator[Edge]:
    """EXP-852, -856 and -857: the workloads behind webhooks, aggregated APIs and conversions of custom resources."""
    extensions = scene.context.cluster.extensions
    names = sorted(scene.context.cluster.namespaces)
    labels = index([scene.context.cluster.namespaces[name] for name in names])
    for configuration in extensions.mutating_webhooks:
        ref = ObjectRef("MutatingWebhookConfiguration", "", configuration.metadata.name, _ADMISSION)
        for number, webhook in enumerate(configuration.webhooks):
            for target in _changed_by(webhook, names, labels):
                path: Path = ("webhooks", number, "clientConfig", "service")
                yield from _behind(scene.context, webhook.client_config.service, ref, path, target, EXP_WEBHOOK_BACKEND)
    for configuration in extensions.validating_webhooks:
        ref = ObjectRef("ValidatingWebhookConfiguration", "", configuration.metadata.name, _ADMISSION)
        for number, webhook in enumerate(configuration.webhooks):
            path = ("webhooks", number, "clientConfig", "service")
            target = outcome("admission")
            yield from _behind(scene.context, webhook.client_config.service, ref, path, target, EXP_WEBHOOK_BACKEND)
    for api in extensions.api_services:
        ref = ObjectRef("APIService", "", api.metadata.name, "apiregistration.k8s.io")
        target = outcome(f"requests to {api.spec.group or 'an API group'}")
        yield from _behind(scene.context, api.spec.service, ref, ("spec", "service"), target, EXP_API_SERVICE_WRITE)
    for definition in extensions.definitions:
        conversion = definition.spec.conversion
        if conversion is not None and conversion.webhook is not None:
            ref = ObjectRef("CustomResourceDefinition", "", definition.metadata.name, "apiextensions.k8s.io")
            path = ("spec", "conversion", "webhook", "clientConfig", "service")
            service = conversion.webhook.client_config.service
            yield from _behind(scene.context, service, ref, path, outcome("custom resources"), EXP_CONVERSION)


def _changed_by(webhook: Webhook, names: list[str], labels: LabelIndex) -> Iterator[Vertex]:
    """What a mutating webhook may take over: the ServiceAccounts of every namespace whose pods it changes."""
    if not _on_pods(webhook.rules):
        yield outcome("admission")
        return
    try:
        mask = labels.select(webhook.namespace_selector)
    except InvalidSelectorError:
        mask = labels.everything
    if mask == labels.everything:
        yield every(SERVICE_ACCOUNT)
        return
    yield from (every(SERVICE_ACCOUNT, names[bit]) for bit in bits_of(mask))


def _on_pods(rules: Iterable[ResourceRule]) -> bool:
    return any({"*", "CREATE", "UPDATE"} & set(rule.operations) and _POD_MAKERS & set(rule.resources) for rule in rules)


def _behind(
    context: Context,
    service: ServiceReference | None,
    ref: ObjectRef,
    path: Path,
    target: Vertex,
    row: str,
) -> Iterator[Edge]:
    """From each workload that a Service selects: whoever runs code there holds the key of its certificate too."""
    found = context.services.get((service.namespace, service.name)) if service is not None else None
    if found is None or service is None:
        return
    shown = (field(ref, path, {"namespace": service.namespace, "name": service.name}),)
    for cls in context.selected(service.namespace, found.spec.selector):
        sentence = f"{cls.label} answers for {ref}."
        yield Edge(row, workload(cls, Facet.CTL), target, State.YES, Confidence.OBJ, 1, sentence, shown)
