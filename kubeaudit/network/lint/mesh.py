"""Lints about a mesh: pods that its policies select and its proxy does not stand in front of (NET-141)."""

from collections.abc import Iterator

from kubeaudit.model.objects.istio import AuthorizationPolicy
from kubeaudit.model.selectors import bits_of
from kubeaudit.network.lint.contract import Lint
from kubeaudit.network.mesh.membership import AUTHORIZATION, GROUP
from kubeaudit.network.reach import Reach
from kubeaudit.proof import field
from kubeaudit.refs import ObjectRef


def bypass(reach: Reach) -> Iterator[Lint]:
    """AuthorizationPolicies over pods without a proxy, and over ports that go past it."""
    narrowing = reach.judge.narrowing
    if narrowing is None:
        return
    universe, mesh = reach.judge.universe, narrowing.mesh
    for policy in reach.cluster.held(AUTHORIZATION, AuthorizationPolicy):
        meta, labels = policy.metadata, policy.spec.selector.match_labels
        selected = universe.classes if meta.namespace == mesh.root else universe.members.get(meta.namespace, 0)
        for pair in labels.items():
            selected &= universe.labels.labels.get(pair, 0)
        ref = ObjectRef("AuthorizationPolicy", meta.namespace, meta.name, GROUP)
        shown = (field(ref, ("spec", "selector"), {"matchLabels": labels}),)
        for number in bits_of(selected & ~(mesh.inside | mesh.perhaps)) if labels else ():
            cls = reach.cluster.classes[number]
            why = "is on the host network" if cls.shape.host_network else "has no proxy of the mesh"
            text = f"{ref} selects {cls.label}, which {why}: the policy does not hold for it."
            yield Lint("mesh-bypass", ref, text, "NET-141", shown)
        for number in bits_of(selected & mesh.inside):
            if ports := mesh.excluded.get(number):
                listed, cls = ", ".join(map(str, sorted(ports))), reach.cluster.classes[number]
                text = f"{ref} does not hold for ports {listed} of {cls.label}: they go past the proxy."
                yield Lint("mesh-bypass", ref, text, "NET-141", shown)
