"""What the engine answers: a state, what it rests on, and which rules of which policies decided it (section 4)."""

from enum import StrEnum

from msgspec import Struct

from kubeaudit.findings import Unseen
from kubeaudit.proof import Evidence, Path, State
from kubeaudit.refs import ObjectRef


class Direction(StrEnum):
    """Of a policy, seen from the pods it selects."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Basis(StrEnum):
    """What a verdict rests on, most decisive first (network.md, section 4).

    ``no_address`` is ours: a pod without an address of the family opens and takes no connection in it.
    """

    SPEC_EXCEPTION = "spec_exception"
    NO_ADDRESS = "no_address"
    NOT_ENFORCED = "not_enforced"
    POLICY = "policy"
    CNI_PROFILE = "cni_profile"
    L7_CONDITIONAL = "l7_conditional"
    MESH = "mesh"
    UNDEFINED = "undefined"
    CNI_UNKNOWN = "cni_unknown"
    INPUT_INCOMPLETE = "input_incomplete"
    KIND_NOT_EVALUATED = "kind_not_evaluated"
    DEFAULT_ALLOW = "default_allow"


class Action(StrEnum):
    """What a rule does to a connection; ISOLATE is no rule: a policy isolates the pod and none of its rules matched.

    PASS leaves the tier undecided (NET-83).
    """

    ALLOW = "allow"
    DENY = "deny"
    PASS = "pass"
    ISOLATE = "isolate"


class Decision(Struct, frozen=True, order=True):
    """A rule, or the isolation by a whole policy (``rule`` None).

    ``path`` leads to the peer or selector that decided, ``tier`` names the tier of the policy (NET-80, NET-120).
    """

    policy: ObjectRef
    direction: Direction
    rule: int | None
    path: Path
    action: Action
    tier: str = ""


class Side(Struct, frozen=True):
    """The verdict of one end: of the source for egress, of the destination for ingress.

    ``details`` names the exception or the undefined item: ``own_node``, ``self``, ``ipblock_pod``, ``ipblock_node``,
    ``pod_address``, ``node_addresses``, ``host_network``, ``icmp``, ``equal_priority``, ``baseline_selection``,
    ``implementer``, ``end_port``, ``fqdn``, one of policies of nodes (``host_interface``, ``host_firewall``,
    ``host_node``, ``host_forward``, ``host_policies_off``, ``snat``) or another one of a dialect.
    ``conditions`` are what a connection must fulfil above L4 to pass (``l7``, ``fqdn``). ``namespace`` is that of the
    pod, "" for an external address, which no policy selects. ``evidence`` is what decided beside policies.
    """

    direction: Direction
    state: State
    basis: tuple[Basis, ...]
    namespace: str = ""
    details: tuple[str, ...] = ()
    by: tuple[Decision, ...] = ()
    isolating: tuple[ObjectRef, ...] = ()
    settle_by: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    conditions: tuple[str, ...] = ()


class ReachVerdict(Struct, frozen=True):
    """Whether a connection can be opened: ``state`` YES = reachable, UNKNOWN or BLOCKED.

    ``settle_by`` says what would settle an unknown (V-5), ``unseen`` the same as data. ``would_block_by`` holds the
    isolations that nothing, or nothing known, enforces. ``sources`` are the public ranges that may connect where not
    all may.
    """

    state: State
    basis: tuple[Basis, ...]
    egress: Side
    ingress: Side
    details: tuple[str, ...] = ()
    would_block_by: tuple[Decision, ...] = ()
    settle_by: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    sources: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    conditions: tuple[str, ...] = ()


class PolicyProblem(Struct, frozen=True, order=True):
    """A part of a policy that the API server would refuse, so that it allows nothing (NET-17, -20, -24, -37).

    ``harmless`` marks what is reported but read without doubt: a numeric string as port (NET-32), a port name declared
    twice (NET-31).
    """

    object: ObjectRef
    path: Path
    reason: str
    harmless: bool = False
