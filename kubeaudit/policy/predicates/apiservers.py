"""Predicates about the API server: exp-apiserver-public-address, exp-apiserver-fronted."""

from collections.abc import Iterator

from kubeaudit.edges.apiserver import KUBERNETES, endpoints, front, named
from kubeaudit.edges.vocabulary import EXP_API_FRONT, EXP_API_PUBLIC, EXP_API_SERVICE
from kubeaudit.findings import Exposure, Verdict
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.predicates.base import beyond_limit, evidence_of, subject, unseen_of
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import State
from kubeaudit.refs import INTERNET, ObjectRef
from kubeaudit.world import World


def public_address(world: World, _policy: Policy) -> Iterator[Judgement]:
    """An address of the API server that is public, judged on the object that names it (EXP-201)."""
    edges = [edge for edge in world.graph.out_edges(INTERNET) if edge.row == EXP_API_PUBLIC]
    refs = dict.fromkeys(address.evidence.object for address in (*endpoints(world.context), *named(world.context)))
    refs = refs or {ObjectRef("Service", *KUBERNETES): None}
    for ref in refs:
        mine = [edge for edge in edges if any(item.object == ref for item in edge.evidence)]
        public = tuple(edge for edge in mine if edge.state is State.YES)
        if public:
            message = f"The API server has a public address, as {ref} shows."
            yield Judgement(subject(ref), Verdict.FAIL, message, evidence_of(public), exposure=Exposure.INTERNET)
            return
    ref = next(iter(refs))
    unknown = tuple(edge for edge in edges if edge.state is State.UNKNOWN)
    if unknown:
        yield Judgement(subject(ref), Verdict.NOT_EVALUATED, unseen=unseen_of(unknown))
    else:
        yield Judgement(subject(ref), Verdict.PASS)


def fronted(world: World, _policy: Policy) -> Iterator[Judgement]:
    """A Service that leads to the API server and is itself reached from outside, or is default/kubernetes opened up
    (EXP-202, -203).
    """
    search = world.exposed
    for service in world.cluster.services:
        ref = ObjectRef("Service", service.metadata.namespace, service.metadata.name)
        who = subject(ref, "v1", service.metadata.uid)
        shown = front(world.context, service)
        own = (ref.namespace, ref.name) == KUBERNETES
        if shown is None:
            yield Judgement(who, Verdict.PASS)
            continue
        opened = not own or service.spec.type != "ClusterIP" or bool(service.spec.external_ips)
        edges = [
            e
            for e in world.graph.edges()
            if e.row in (EXP_API_FRONT, EXP_API_SERVICE) and _of(e.source.name, ref, e.source.namespace)
        ]
        states = {search.state(edge.source) for edge in edges}
        if not opened and states <= {None}:
            limit = beyond_limit(search)
            yield Judgement(who, Verdict.NOT_EVALUATED if limit else Verdict.PASS, unseen=limit)
        elif State.YES in states or opened:
            exposure = Exposure.INTERNET if State.YES in states else Exposure.INTERNAL
            message = f"{ref} leads to the API server" + (
                " and the internet reaches it." if State.YES in states else "."
            )
            yield Judgement(who, Verdict.FAIL, message, (shown,), exposure=exposure)
        else:
            paths = tuple(
                step for e in edges if search.state(e.source) is State.UNKNOWN for step in search.path(e.source)
            )
            yield Judgement(who, Verdict.NOT_EVALUATED, unseen=unseen_of(paths))


def _of(name: str, ref: ObjectRef, namespace: str) -> bool:
    return namespace == ref.namespace and name.partition(":")[0] == ref.name
