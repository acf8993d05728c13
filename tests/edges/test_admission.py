"""What admission lets in (EXP-605), and who may change or answer for it (EXP-621, 631, 851..857, RBAC-E28..E34)."""

from typing import Any

import pytest
from factory import Object, bind, edge, edges, named, namespace, node, pod, role, rule, service, snapshot, states

from kubeaudit.graph.paths import searches_from
from kubeaudit.proof import Confidence, State
from kubeaudit.refs import CLUSTER_ADMIN, Vertex, VertexKind
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Outcome
from kubeaudit.world import World, build

YES, UNKNOWN, BLOCKED = State.YES, State.UNKNOWN, State.BLOCKED
ADMISSION = "admissionregistration.k8s.io"
JANE = Vertex(VertexKind.USER, "", "jane")
PODS = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def labelled(name: str = "shop", **labels: str) -> Object:
    keys = {key.replace("__", "/").replace("_", "-"): value for key, value in labels.items()}
    return named("Namespace", "v1", name, "", metadata={"labels": keys})


def enforced(level: str, name: str = "shop") -> Object:
    return named("Namespace", "v1", name, "", metadata={"labels": {"pod-security.kubernetes.io/enforce": level}})


def webhook(kind: str, name: str = "guard", space: str = "guard", **fields: Any) -> Object:
    config = {"service": {"namespace": space, "name": "web"}}
    hook = {"name": f"{name}.example", "clientConfig": config, "rules": [PODS], **fields}
    return named(kind, f"{ADMISSION}/v1", name, "", webhooks=[hook])


def made(*rules: Object, space: str = "shop", more: Any = (), version: str = "v1.34.0", outcomes: Any = None) -> World:
    objects = [role("r", *rules), bind("b", "r", "user:jane", space=space), *more]
    if not any(item["kind"] == "Namespace" for item in objects):
        objects.append(namespace())
    return build(snapshot(objects, outcomes, server_version=version), Settings())


CREATE = rule("create", "pods")


@pytest.mark.parametrize(
    ("level", "version", "state", "confidence"),
    [
        ("baseline", "v1.34.0", BLOCKED, Confidence.ENV),
        ("restricted", "v1.34.0", BLOCKED, Confidence.ENV),
        ("nonsense", "v1.34.0", BLOCKED, Confidence.ENV),
        ("privileged", "v1.34.0", YES, Confidence.OBJ),
        ("", "v1.34.0", YES, Confidence.ENV),
        ("baseline", "", UNKNOWN, Confidence.ENV),
        ("baseline", "v1.22.0", UNKNOWN, Confidence.OBJ),
    ],
)
def test_exp_605_the_label_of_the_namespace_decides(
    level: str, version: str, state: State, confidence: Confidence
) -> None:
    one = edge(made(CREATE, more=[enforced(level) if level else namespace()], version=version), "EXP-605")
    assert (one.state, one.confidence) == (state, confidence)
    assert one.target.key == "all/Node.ctl"
    assert bool(one.unseen) is (state is UNKNOWN)
    assert one.evidence[-1].object.name == "shop" and one.evidence[-1].absent is not bool(level)


def test_exp_r14_what_sees_pods_makes_it_unknown_and_is_named() -> None:
    kind = "ValidatingWebhookConfiguration"
    for item, state in (
        (webhook(kind), UNKNOWN),
        (webhook(kind, rules=[{**PODS, "resources": ["*"]}]), UNKNOWN),
        (webhook(kind, rules=[{**PODS, "resources": ["pods/*"]}]), YES),
        (webhook(kind, rules=[{**PODS, "operations": ["DELETE"]}]), YES),
        (webhook(kind, rules=[{**PODS, "apiGroups": ["apps"]}]), YES),
        (webhook(kind, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "other"}}), YES),
        (webhook(kind, namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "shop"}}), UNKNOWN),
        (webhook("MutatingWebhookConfiguration"), YES),
    ):
        one = edge(made(CREATE, more=[item]), "EXP-605")
        assert one.state is state, item
        if state is UNKNOWN:
            assert "ValidatingWebhookConfiguration guard" in one.unseen[0].detail
            assert edge(made(CREATE, more=[item]), "EXP-604").confidence is Confidence.ENV


def test_exp_r14_admission_policies_count_where_a_binding_denies() -> None:
    policy = named("ValidatingAdmissionPolicy", f"{ADMISSION}/v1", "pods", "",
                   spec={"matchConstraints": {"resourceRules": [PODS]}})  # fmt: skip

    def binding(*actions: str, **fields: Any) -> Object:
        spec = {"policyName": "pods", "validationActions": list(actions), **fields}
        return named("ValidatingAdmissionPolicyBinding", f"{ADMISSION}/v1", "pods", "", spec=spec)

    elsewhere = {"matchResources": {"namespaceSelector": {"matchLabels": {"team": "x"}}}}
    for more, state in (
        ([policy, binding("Deny")], UNKNOWN),
        ([policy, binding("Audit")], YES),
        ([policy], YES),
        ([binding("Deny")], YES),
        ([policy, binding("Deny", **elsewhere)], YES),
    ):
        assert edge(made(CREATE, more=more), "EXP-605").state is state


@pytest.mark.parametrize("resource", ["namespaces", f"validatingwebhookconfigurations.{ADMISSION}"])
def test_exp_33_guards_that_were_not_read_are_unknown(resource: str) -> None:
    one = edge(made(CREATE, outcomes={resource: Outcome.REFUSED}, more=[pod()]), "EXP-605", source="grant/")
    assert one.state is UNKNOWN and one.unseen[0].resource == resource


def test_exp_605_whoever_may_choose_takes_the_widest_namespace() -> None:
    found = made(CREATE, space="", more=[enforced("restricted"), enforced("privileged", "zoo")])
    one = edge(found, "EXP-605")
    assert one.state is YES and "zoo" in one.sentence
    closed = made(CREATE, space="", more=[enforced("restricted"), enforced("baseline", "zoo")])
    assert edge(closed, "EXP-605").state is BLOCKED


def test_rbac_e34_and_rbac_07_labels_of_the_own_namespace_lift_its_level() -> None:
    guarded = [enforced("restricted")]
    both = made(CREATE, rule("patch", "namespaces"), more=guarded)
    assert edge(both, "EXP-621", target="all/Node").state is YES
    assert not edges(made(CREATE, more=guarded), "EXP-621")
    assert not edges(made(rule("patch", "namespaces"), more=guarded), "EXP-621", target="all/Node")
    other = {**rule("patch", "namespaces"), "resourceNames": ["another"]}
    assert not edges(made(CREATE, other, more=guarded), "EXP-621", target="all/Node")
    open_ = made(CREATE, rule("patch", "namespaces"), more=[namespace()])
    assert not edges(open_, "EXP-621", target="all/Node"), "EXP-605 says it"


@pytest.mark.parametrize(
    ("made_rule", "row", "target"),
    [
        (rule("create", "mutatingwebhookconfigurations", ADMISSION), "EXP-851", "sink/cluster-admin"),
        (rule("patch", "mutatingwebhookconfigurations", ADMISSION), "EXP-851", "sink/cluster-admin"),
        (rule("update", "validatingwebhookconfigurations", ADMISSION), "EXP-851", "sink/admission"),
        (rule("delete", "mutatingwebhookconfigurations", ADMISSION), "EXP-853", "sink/admission"),
        (rule("create", "validatingadmissionpolicies", ADMISSION), "EXP-853", "sink/admission"),
        (rule("update", "clusterpolicies", "kyverno.io"), "EXP-854", "sink/admission"),
        (rule("create", "apiservices", "apiregistration.k8s.io"), "EXP-856", "sink/cluster-admin"),
        (rule("patch", "customresourcedefinitions", "apiextensions.k8s.io"), "EXP-857", "sink/custom resources"),
    ],
)
def test_exp_851_to_857_rights_on_what_guards_the_api_server(made_rule: Object, row: str, target: str) -> None:
    assert edge(made(made_rule, space=""), row, source="grant/").target.key == target
    assert not edges(made(made_rule), row, source="grant/"), "a RoleBinding reaches no cluster-scoped kind (RBAC-21)"


@pytest.mark.parametrize(
    ("version", "state"), [("v1.36.0", YES), ("v1.34.0", UNKNOWN), ("v1.30.0", None), ("", UNKNOWN)]
)
def test_rbac_e30_mutating_policies_and_the_version(version: str, state: State | None) -> None:
    wanted = {state} if state else set()
    both = rule("create", "mutatingadmissionpolicies mutatingadmissionpolicybindings", ADMISSION)
    assert states(made(both, space="", version=version), "EXP-853", target="cluster-admin") == wanted
    alone = rule("create", "mutatingadmissionpolicies", ADMISSION)
    assert not edges(made(alone, space="", version=version), "EXP-853", target="cluster-admin")
    bound = rule("update", "mutatingadmissionpolicies", ADMISSION)
    assert states(made(bound, space="", version=version), "EXP-853", target="cluster-admin") == wanted


def test_exp_852_856_and_857_who_answers_for_the_api_server() -> None:
    api = named("APIService", "apiregistration.k8s.io/v1", "v1.x.example", "",
                spec={"group": "x.example", "service": {"namespace": "guard", "name": "web"}})  # fmt: skip
    conversion = {
        "strategy": "Webhook",
        "webhook": {"clientConfig": {"service": {"namespace": "guard", "name": "web"}}},
    }
    definition = named("CustomResourceDefinition", "apiextensions.k8s.io/v1", "xs.x.example", "",
                       spec={"group": "x.example", "conversion": conversion})  # fmt: skip
    more = [namespace(), namespace("guard"), pod("guard-1", space="guard"), service(space="guard"), api, definition]
    found = made(CREATE, more=[*more, webhook("MutatingWebhookConfiguration")])
    assert edge(found, "EXP-852").target.key == "all/ServiceAccount"
    assert edge(found, "EXP-852").evidence[0].path == ("webhooks", 0, "clientConfig", "service")
    assert edge(found, "EXP-856").target.key == "sink/requests to x.example"
    assert edge(found, "EXP-857").target.key == "sink/custom resources"
    one = webhook(
        "MutatingWebhookConfiguration", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "shop"}}
    )
    assert edge(made(CREATE, more=[*more, one]), "EXP-852").target.key == "all/shop/ServiceAccount"
    other = webhook("MutatingWebhookConfiguration", rules=[{**PODS, "resources": ["certificates"]}])
    assert edge(made(CREATE, more=[*more, other]), "EXP-852").target.key == "sink/admission"


def test_exp_631_devices_of_others_where_the_namespace_allows_it() -> None:
    claims = rule("create", "resourceclaims", "resource.k8s.io")
    label = {"resource.kubernetes.io/admin-access": "true"}
    open_ = named("Namespace", "v1", "shop", "", metadata={"labels": label})
    assert edge(made(claims, more=[open_]), "EXP-631").confidence is Confidence.ENV
    assert not edges(made(claims), "EXP-631")


def test_exp_961_a_webhook_write_is_cluster_admin() -> None:
    found = made(rule("patch", "mutatingwebhookconfigurations", ADMISSION), space="", more=[node()])
    assert searches_from(found.graph, [JANE], found.settings).state(CLUSTER_ADMIN) is YES
