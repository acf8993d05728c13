"""A failing judgement as a finding: identity, proof, exposure (CHK-20, CHK-27..34)."""

import hashlib
from collections.abc import Mapping

from kubeaudit.findings import SCHEMA, Cause, CheckResult, Exposure, Finding
from kubeaudit.policy.judgement import Judgement
from kubeaudit.policy.places import Places
from kubeaudit.policy.schema import Policy
from kubeaudit.proof import recheck
from kubeaudit.refs import ObjectRef
from kubeaudit.world import World


def finding(
    world: World,
    policy: Policy,
    item: Judgement,
    check: CheckResult,
    reached: Mapping[ObjectRef, Exposure],
    places: Places,
) -> Finding:
    """The finding of a failing judgement; ``reached`` gives the exposure of workloads."""
    ref = item.subject.object
    exposure = item.exposure if item.exposure is not Exposure.NONE else reached.get(ref, Exposure.NONE)
    return Finding(
        check=policy.id,
        severity=check.severity,
        certainty=item.certainty,
        subject=item.subject,
        message=item.message,
        cause=item.cause or Cause(ref, policy.title),
        evidence=item.evidence,
        fingerprint=fingerprint(world.cluster.header.cluster_id, policy.id, item, places),
        evidence_hash=hashlib.sha256("\x1f".join(f"{e.value}{e.absent}" for e in item.evidence).encode()).hexdigest(),
        value=item.value,
        scope=check.scope,
        exposure=exposure,
        instances=item.instances,
        pods=item.pods[:5],
        drift=item.drift,
        patch=item.patch,
        paths=tuple(found.id for found in item.routes),
        recheck=tuple(dict.fromkeys(recheck(e) for e in item.evidence)),
    )


def fingerprint(cluster_id: str, check: str, item: Judgement, places: Places) -> str:
    """CHK-33: survives restarts and rollouts. Values, UIDs, pod names and hashes are left out; findings that rest on a
    path leave its hops out too."""
    subject = item.subject
    ref = subject.object
    where = () if item.routes else sorted({places.of(e, subject) for e in item.evidence})
    parts = [SCHEMA, cluster_id, check, ref.group, ref.kind, ref.namespace, ref.name, subject.container, *where]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
