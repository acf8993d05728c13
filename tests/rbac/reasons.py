"""The reason that the API server gives for an allowed request, against the grants of a decision (RBAC-100)."""

import re

from kubeaudit.rbac.access import Allowing, Decision

_REASON = re.compile(r'RBAC: allowed by (\w+) "([^"]+)" of (\w+) "([^"]+)" to (\w+) "([^"]+)"')


def names_a_grant(reason: str, decision: Decision) -> bool:
    """Whether binding, role and subject of the reason are among ours; the server names one of several."""
    found = _REASON.fullmatch(reason)
    return found is not None and found.groups() in {_worded(each) for each in decision.grants}


def _worded(allowing: Allowing) -> tuple[str, ...]:
    """A grant in the words of the API server, which writes NAME/NAMESPACE."""
    held, written = allowing.held, allowing.held.subject.written
    binding, role = held.grant.binding, held.grant.role
    name = f"{binding.name}/{binding.namespace}" if binding.namespace else binding.name
    subject = f"{written.name}/{held.subject.namespace}" if written.kind == "ServiceAccount" else written.name
    return binding.kind, name, role.kind, role.name, written.kind, subject
