"""From a node to what runs on it, and to whom its kubelet is (EXP-701..705, 707, RBAC-50..53)."""

from collections.abc import Iterator

from kubeaudit.edges.context import Context, workload
from kubeaudit.edges.contract import Edge
from kubeaudit.edges.identity import Token, account, group, token_of
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.vertices import node, outcome, user, workloads, workloads_of_node
from kubeaudit.edges.vocabulary import (
    EXP_CONTAINS,
    EXP_CONTROL_PLANE,
    EXP_LURE,
    EXP_NODE_OBJECTS,
    EXP_NODE_PODS,
    EXP_NODE_TOKENS,
    EXP_NODE_USER,
)
from kubeaudit.model.nodes import CONTROL_PLANE, NodeFacts
from kubeaudit.model.workloads import Pod, WorkloadClass
from kubeaudit.proof import Assumption, Confidence, State, field
from kubeaudit.rbac.identities import NODE_PREFIX, NODES
from kubeaudit.refs import CLUSTER_ADMIN, Facet, ObjectRef

_AUDIENCES_BOUND = (1, 33)
_FOLLOWED = Assumption("pods-follow", "the controllers of these pods make new ones that the scheduler puts there")
_NODE_AUTHORIZER = Assumption("node-authorizer", "the API server authorizes kubelets by the Node authorizer")


def edges(context: Context, scene: Scene) -> Iterator[Edge]:
    """What leaves every node that is known: by its object, or because a pod runs there."""
    facts = {found.ref.name: found for found in context.cluster.nodes}
    handed = frozenset(cls.index for cls in context.cluster.classes if _hands_out(context, scene, cls))
    for name in sorted(facts.keys() | scene.pods_on.keys()):
        yield from _identity(name)
        if name in facts:
            yield from _control_plane(facts[name])
        running = scene.pods_on.get(name)
        if running:
            yield from _pods(context, name, running, handed)


def _identity(name: str) -> Iterator[Edge]:
    """EXP-704: whoever controls a node has its kubelet's certificate; the user and the group are the kubelet's."""
    ref = ObjectRef("Node", "", name)
    shown = (field(ref, ("metadata", "name"), name),)
    sentence = f"Control over node {name} gives the credentials of its kubelet."
    yield Edge(EXP_NODE_USER, node(name, Facet.CTL), node(name), State.YES, Confidence.OBJ, 0, sentence, shown)
    for target in (user(NODE_PREFIX + name), group(NODES)):
        sentence = f"The kubelet of node {name} calls the API server as {target.kind.capitalize()} {target.name}."
        yield Edge(EXP_NODE_USER, node(name), target, State.YES, Confidence.OBJ, 0, sentence, shown)


def _control_plane(facts: NodeFacts) -> Iterator[Edge]:
    """EXP-705: the keys of the cluster lie on its control plane."""
    for label in CONTROL_PLANE:
        if label in facts.node.metadata.labels:
            shown = (field(facts.ref, ("metadata", "labels", label), facts.node.metadata.labels[label]),)
            sentence = f"Node {facts.ref.name} runs the control plane and holds its keys."
            source = node(facts.ref.name, Facet.CTL)
            yield Edge(EXP_CONTROL_PLANE, source, CLUSTER_ADMIN, State.YES, Confidence.OBJ, 0, sentence, shown)
            return


def _pods(context: Context, name: str, running: dict[int, Pod], handed: frozenset[int]) -> Iterator[Edge]:
    """EXP-701..703: the pods of a node, the tokens of their ServiceAccounts, and what they mount."""
    there = workloads_of_node(name)
    sentence = f"Control over node {name} is control over every pod on it."
    yield Edge(EXP_NODE_PODS, node(name, Facet.CTL), there, State.YES, Confidence.OBJ, 0, sentence, ())
    accounts: dict[tuple[str, str], int] = {}
    for number, pod in running.items():
        cls = context.cluster.classes[number]
        shown = (field(pod.ref, ("spec", "nodeName"), name),)
        sentence = f"A pod of {cls.label} runs on node {name}."
        yield Edge(EXP_CONTAINS, there, workload(cls, Facet.CTL), State.YES, Confidence.OBJ, 0, sentence, shown)
        if number in handed:
            accounts.setdefault((cls.namespace, cls.shape.identity), number)
    assumed = (_NODE_AUTHORIZER,)
    for (namespace, holder), number in accounts.items():
        shown = (field(running[number].ref, ("spec", "nodeName"), name),)
        label = context.cluster.classes[number].label
        sentence = f"Node {name} may ask for tokens of {namespace}/{holder}, as which {label} runs on it."
        target = account(namespace, holder)
        yield Edge(EXP_NODE_TOKENS, node(name), target, State.YES, Confidence.ENV, 1, sentence, shown, assumed)
    sentence = f"Node {name} may read every Secret, ConfigMap and volume that its pods refer to."
    gained = outcome(f"what pods on {name} mount")
    yield Edge(EXP_NODE_OBJECTS, node(name), gained, State.YES, Confidence.ENV, 1, sentence, (), assumed)


def lures(scene: Scene, steering: frozenset[tuple[str, str]]) -> Iterator[Edge]:
    """EXP-707: a node that runs a ServiceAccount which moves pods draws the pods of others to itself."""
    classes = scene.context.cluster.classes
    for name, running in sorted(scene.pods_on.items()):
        for number, pod in running.items():
            cls = classes[number]
            if (cls.namespace, cls.shape.identity) in steering and _hands_out(scene.context, scene, cls):
                shown = (field(pod.ref, ("spec", "nodeName"), name),)
                holder = f"ServiceAccount {cls.namespace}/{cls.shape.identity}"
                sentence = f"Node {name} runs {holder}, which ends pods elsewhere and lets only this node take them."
                source, assumed = node(name, Facet.CTL), (_FOLLOWED,)
                yield Edge(EXP_LURE, source, workloads(), State.YES, Confidence.ENV, 3, sentence, shown, assumed)
                break


def _hands_out(context: Context, scene: Scene, cls: WorkloadClass) -> bool:
    """Whether the API server gives a kubelet an API token of the pod's ServiceAccount: from 1.33 on only where the pod
    asks for one itself (RBAC-52).
    """
    if scene.version is None or scene.version < _AUDIENCES_BOUND:
        return True
    return token_of(context, cls).kind is not Token.NONE
