"""RBAC-105: kubesplaining's labelled clusters and manifests. Its rules are mapped by meaning, one subject at a time.

What it denies must not fire; what it expects and we do not say is listed with the reason.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct
from policy.snapshots import of_objects, shipped
from tallies import Counts, tell

from kubeaudit import world as worlds
from kubeaudit.edges.identity import account, group
from kubeaudit.edges.vertices import user
from kubeaudit.findings import Finding
from kubeaudit.policy.predicates.ways import nodes, towards
from kubeaudit.proof import State
from kubeaudit.refs import ALL_SECRETS, CLUSTER_ADMIN, Vertex
from kubeaudit.scan import scan
from kubeaudit.settings import Settings
from kubeaudit.snapshot import Snapshot

from ..checks.cases import RUN, dumped, usable
from ..corpora import ROOT, documents

HERE = ROOT / "rbac" / "kubesplaining"
RULES = {
    "KUBE-PRIVESC-001": ("rbac-pods-create", ""),
    "KUBE-PRIVESC-002": ("rbac-pods-create", ""),
    "KUBE-PRIVESC-003": ("rbac-pods-create", ""),
    "KUBE-PRIVESC-004": ("rbac-pods-exec", ""),
    "KUBE-PRIVESC-005": ("rbac-secrets-read", ""),
    "KUBE-PRIVESC-006": ("rbac-secrets-read", ""),
    "KUBE-PRIVESC-007": ("rbac-secret-mint", ""),
    "KUBE-PRIVESC-008": ("rbac-impersonate", ""),
    "KUBE-PRIVESC-009": ("rbac-escalate-bind", ""),
    "KUBE-PRIVESC-010": ("rbac-create-bindings", ""),
    "KUBE-PRIVESC-011": ("rbac-csr-approval", "approve certificate"),
    "KUBE-PRIVESC-012": ("rbac-node-proxy", ""),
    "KUBE-PRIVESC-013": ("rbac-ephemeral-containers", ""),
    "KUBE-PRIVESC-014": ("rbac-token-create", ""),
    "KUBE-PRIVESC-015": ("rbac-port-forward", ""),
    "KUBE-PRIVESC-016": ("rbac-node-steer", ""),
    "KUBE-PRIVESC-017": ("rbac-wildcard", ""),
    "KUBE-PRIVESC-024": ("rbac-csr-approval", "sign certificates"),
    "KUBE-RBAC-OVERBROAD-001": ("rbac-cluster-admin", ""),
    "KUBE-RBAC-STALE-002": ("rbac-dangling-subject", ""),
    "KUBE-SA-DEFAULT-002": ("rbac-default-sa-bound", ""),
    "KUBE-SA-PRIVILEGED-001": ("sa-workload-admin", ""),
    "KUBE-SA-PRIVILEGED-002": ("sa-workload-admin", ""),
    "KUBE-SA-DAEMONSET-001": ("sa-daemonset-rights", ""),
    "KUBE-SECRETS-CROSSNS-001": ("rbac-secrets-cross-namespace", ""),
    "KUBE-CONFUSED-DEPUTY-001": ("rbac-confused-deputy", ""),
    "KUBE-CLOUD-AWSAUTH-SYSTEM-MASTERS-001": ("exp-aws-auth-mapping", ""),
    "KUBE-CLOUD-AWSAUTH-PARSE-ERROR-001": ("exp-aws-auth-mapping", "parsed"),
}
"""Our policy for each of its rules, and a word of the message where one policy stands for several rules."""
PATHS = {
    "KUBE-PRIVESC-PATH-CLUSTER-ADMIN": "admin",
    "KUBE-PRIVESC-PATH-SYSTEM-MASTERS": "admin",
    "KUBE-PRIVESC-PATH-NODE-ESCAPE": "node",
    "KUBE-PRIVESC-PATH-KUBE-SYSTEM-SECRETS": "secrets",
}
"""Where its paths end: one policy of ours tells the first end only, so that the graph is asked for each."""
_NOBODY = "no subject of the cluster is cluster-admin, and no certificate names system:masters"
DIFFERENT = {
    "KUBE-PRIVESC-PATH-SYSTEM-MASTERS:ServiceAccount/certs/minter:system_masters": f"RBAC-59: {_NOBODY}",
    "KUBE-PRIVESC-PATH-SYSTEM-MASTERS:ServiceAccount/certs/signer:system_masters": f"RBAC-59: {_NOBODY}",
    "KUBE-PRIVESC-016:ServiceAccount/monitoring/prometheus::pods,services,endpoints,nodes": (
        "RBAC-E38: it neither updates nor patches nodes, so that it cannot choose where the pods go"
    ),
}
"""Labels that do not hold here, each with the reason."""


class Label(Struct, frozen=True):
    """``RULE:SUBJECT...``: the rule, and the subject as kind and name."""

    rule: str
    subject: str

    @property
    def decided(self) -> bool:
        """Whether a policy of ours, or a question to the graph, means the same."""
        return (self.rule in RULES or self.rule in PATHS) and "/" in self.subject


def label(text: str) -> Label:
    rule, _, rest = text.partition(":")
    kind, _, name = rest.partition(":")[0].partition("/")
    return Label(rule, f"{kind}/{name}")


def folders(kind: str) -> list[Path]:
    return sorted(found for found in (HERE / kind).glob("*") if found.is_dir())


@cache
def snapshot(folder: Path) -> Snapshot:
    file = folder / "manifests.yaml"
    items = documents(file if file.exists() else folder / "snapshot.json")
    return of_objects(named for item in items for each in dumped(item) if (named := usable(each)))


@cache
def findings(folder: Path) -> tuple[Finding, ...]:
    ids = sorted({check for check, _ in RULES.values()})
    return scan(snapshot(folder), [shipped()[check] for check in ids], Settings(), RUN).findings


def fires(folder: Path, wanted: Label) -> bool:
    if wanted.rule in PATHS:
        return reaches(folder, wanted)
    check, word = RULES[wanted.rule]
    named = wanted.subject.replace("/", " ", 1)
    return any(found.check == check and word in found.message and names(found, named) for found in findings(folder))


def names(found: Finding, subject: str) -> bool:
    """Whether a finding is about a subject; one of a workload shows its ServiceAccount as evidence."""
    namespace, _, name = subject.partition(" ")[2].rpartition("/")
    told = f'"name":"{name}"' + (f',"namespace":"{namespace}"' if namespace else "")
    return subject in found.message or any(told in item.value for item in found.evidence)


def reaches(folder: Path, wanted: Label) -> bool:
    world = worlds.build(snapshot(folder), Settings())
    roots = {"admin": (CLUSTER_ADMIN,), "node": nodes(world), "secrets": (ALL_SECRETS,)}[PATHS[wanted.rule]]
    return towards(world, roots).state(vertex(wanted.subject)) is State.YES


def vertex(subject: str) -> Vertex:
    kind, _, name = subject.partition("/")
    if kind == "ServiceAccount":
        return account(*name.split("/"))
    return group(name) if kind == "Group" else user(name)


def absent() -> None:
    if not HERE.exists():
        pytest.skip(f"{HERE} does not exist: set KUBEAUDIT_CORPORA to the folder of the corpora")


@pytest.mark.parametrize("folder", folders("corpus") or [HERE], ids=lambda folder: folder.name)
def test_rbac_105_labels(folder: Path, tally: Counts) -> None:
    absent()
    labels = msgspec.json.decode((folder / "labels.json").read_bytes(), type=dict[str, Any])
    expected = [text for text in labels["expected"] if label(text).decided]
    missed = [text for text in expected if not fires(folder, label(text))]
    wrong = [text for text in labels.get("deny", ()) if label(text).decided and fires(folder, label(text))]
    tell(tally, "kubesplaining", len(expected) - len(missed), len(missed))
    assert wrong == []
    assert missed == [text for text in expected if text in DIFFERENT]


@pytest.mark.parametrize("folder", folders("e2e") or [HERE], ids=lambda folder: folder.name)
def test_rbac_105_manifests_fire_at_least_once(folder: Path, tally: Counts) -> None:
    absent()
    wanted = {RULES[rule] for rule in lines(folder, "expect") if rule in RULES}
    silent = [pair for pair in wanted if not any(f.check == pair[0] and pair[1] in f.message for f in findings(folder))]
    tell(tally, "kubesplaining", len(wanted) - len(silent), len(silent))
    denied = {RULES[rule][0] for rule in lines(folder, "deny") if rule in RULES}
    assert [found.message for found in findings(folder) if found.check in denied] == []
    assert silent == []


def lines(folder: Path, suffix: str) -> list[str]:
    found = (line.strip() for file in sorted(folder.glob(f"*.{suffix}")) for line in file.read_text().splitlines())
    return [line for line in found if line and not line.startswith("#")]
