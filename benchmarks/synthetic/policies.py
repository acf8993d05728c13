"""NetworkPolicies as teams write them."""

from collections.abc import Iterator, Sequence

from synthetic.state import State
from synthetic.template import Json

_METADATA = "169.254.169.254/32"
_DNS: Json = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
}
_FROM_INGRESS: Json = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}


def policies(
    state: State, namespace: str, applications: Sequence[tuple[Json, int]], neighbours: Sequence[str]
) -> Iterator[Json]:
    """The policies of one namespace. ``applications`` are label selectors with their port."""
    rng = state.rng
    both = rng.random() < 0.5
    yield _policy(state, namespace, "default-deny", {}, types=["Ingress", "Egress"] if both else ["Ingress"])
    yield _policy(state, namespace, "allow-same-namespace", {}, ingress=[{"from": [{"podSelector": {}}]}])
    if both or rng.random() < 0.5:
        outside: Json = {
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [_METADATA, "10.0.0.0/8"]}}],
            "ports": [{"protocol": "TCP", "port": 443}],
        }
        if rng.random() < 0.2:
            outside = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
        yield _policy(state, namespace, "egress", {}, egress=[_DNS, {"to": [{"podSelector": {}}]}, outside])
    for number, (selector, port) in enumerate(
        rng.sample(list(applications), min(len(applications), rng.randrange(1, 8)))
    ):
        peers: list[Json] = [_FROM_INGRESS] if rng.random() < 0.3 else []
        other = rng.choice(applications)[0]
        peers.append({"podSelector": {"matchLabels": other}})
        if rng.random() < 0.2:
            peers.append(
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": rng.choice(neighbours)}}}
            )
        rule: Json = {"from": peers, "ports": [{"protocol": "TCP", "port": port}]}
        yield _policy(state, namespace, f"allow-{number}", selector, ingress=[rule])


def _policy(
    state: State,
    namespace: str,
    name: str,
    selector: Json,
    *,
    types: list[str] | None = None,
    ingress: list[Json] | None = None,
    egress: list[Json] | None = None,
) -> Json:
    found = [kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules is not None]
    spec: Json = {
        "podSelector": {"matchLabels": selector} if selector else {},
        **({"ingress": ingress} if ingress is not None else {}),
        **({"egress": egress} if egress is not None else {}),
        "policyTypes": types or found,
    }
    return {"metadata": state.metadata(name, namespace, generation=1), "spec": spec}
