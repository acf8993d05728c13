"""From rights on Secrets, tokens and certificates to the identities they stand for (EXP-611..614, 619, 620)."""

from collections.abc import Iterator

from kubeaudit.edges.identity import account, group
from kubeaudit.edges.pods import makes_pods
from kubeaudit.edges.scene import Scene
from kubeaudit.edges.steps import Step, place
from kubeaudit.edges.vertices import IDENTITY, NODE, SERVICE_ACCOUNT, every, outcome, secret
from kubeaudit.edges.vocabulary import (
    EXP_APPROVE_CSR,
    EXP_DORMANT,
    EXP_MINT_SECRET,
    EXP_MINT_TOKEN,
    EXP_NODE_CSR,
    EXP_READ_SECRETS,
    RBAC_AUDIENCE,
    RBAC_BOOTSTRAP_TOKEN,
    RBAC_CHANGE_SECRET,
    RBAC_SIGN_CSR,
)
from kubeaudit.proof import Assumption, Confidence, State
from kubeaudit.rbac.identities import NODE_PREFIX, NODES
from kubeaudit.rbac.rights import AUDIENCE, Key, Right, Rights

SECRETS, ACCOUNTS, TOKENS = ("", "secrets"), ("", "serviceaccounts"), ("", "serviceaccounts/token")
_CERTIFICATES = "certificates.k8s.io"
CSRS = (_CERTIFICATES, "certificatesigningrequests")
APPROVAL, STATUS = (_CERTIFICATES, f"{CSRS[1]}/approval"), (_CERTIFICATES, f"{CSRS[1]}/status")
NODE_CLIENT, SIGNERS = (_CERTIFICATES, f"{CSRS[1]}/nodeclient"), (_CERTIFICATES, "signers")
KEYS = (SECRETS, ACCOUNTS, TOKENS, CSRS, APPROVAL, STATUS, NODE_CLIENT, SIGNERS)
JOINT = (SECRETS, ACCOUNTS, TOKENS, CSRS, APPROVAL, STATUS, NODE_CLIENT, SIGNERS)
CLUSTER_KINDS = (CSRS, APPROVAL, STATUS, NODE_CLIENT, SIGNERS)
MISSING_ACCOUNT = "MissingServiceAccount"
_WRITE, _READ = ("update", "patch"), ("get", "list", "watch")
_SIGNER_NAMES = ("kubernetes.io/kube-apiserver-client", "kubernetes.io/*")
_SYSTEM = "kube-system"
_FREE_NAME = Assumption("secret-name-free", "no Secret of that name exists yet")
_CA_KEY = Assumption("signer-key", "the caller also holds the key that the API server trusts")
_AUTO_APPROVAL = Assumption("node-csr-approval", "the controller manager approves client certificates of nodes")
_BOOTSTRAP = Assumption("bootstrap-tokens", "the API server accepts bootstrap tokens")


def single(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What one right on Secrets or tokens leads to; reads of every Secret are rows of ``identity``."""
    yield from _named_secrets(rights)
    yield from _tokens(scene, rights)
    changed = rights.some(SECRETS, *_WRITE)
    if changed is not None:
        does = f"may {changed} {place(rights.scope)} that others rely on"
        yield Step(RBAC_CHANGE_SECRET, outcome("readers of Secrets", rights.scope), does, (changed,))
    if rights.scope in ("", _SYSTEM):
        yield from _bootstrap(scene, rights)
    yield from _audiences(rights)


def joint(scene: Scene, rights: Rights) -> Iterator[Step]:
    """What several rights on Secrets, ServiceAccounts or certificates lead to together (EXP-34)."""
    yield from _token_secrets(rights)
    yield from _missing_accounts(rights, scene)
    if rights.whole:
        yield from _certificates(rights)


def _named_secrets(rights: Rights) -> Iterator[Step]:
    """EXP-611 of Secrets that rules name, one by one."""
    if rights.every(SECRETS, *_READ) is None:
        for right in rights.named(SECRETS, *_READ):
            does = f"may {right} {place(rights.scope)}"
            yield Step(EXP_READ_SECRETS, secret(rights.scope, right.name), does, (right,))


def _tokens(scene: Scene, rights: Rights) -> Iterator[Step]:
    """EXP-614: tokens are asked for by the name of their ServiceAccount, so that names count."""
    every_text, one_text = ": tokens of any ServiceAccount there", ": tokens of that ServiceAccount"
    return over_accounts(scene, rights, EXP_MINT_TOKEN, TOKENS, "create", every_text, one_text)


def over_accounts(
    scene: Scene, rights: Rights, row: str, resource: Key, verb: str, every_text: str = "", one_text: str = ""
) -> Iterator[Step]:
    """The steps of a right over ServiceAccounts: one to all of the scope, or one to each that a rule names."""
    right = rights.every(resource, verb)
    if right is not None:
        does = f"may {right} {place(rights.scope)}{every_text}"
        yield Step(row, every(SERVICE_ACCOUNT, rights.scope), does, (right,))
        return
    for limited in rights.named(resource, verb):
        for namespace in homes(scene, rights.scope, limited.name):
            does = f"may {limited} {place(namespace)}{one_text}"
            yield Step(row, account(namespace, limited.name), does, (limited,))


def homes(scene: Scene, scope: str, name: str) -> tuple[str, ...]:
    """The namespaces of a scope in which a ServiceAccount of a name exists."""
    if scope:
        return (scope,) if (scope, name) in scene.accounts or (scope, name) in scene.unproven_accounts else ()
    return scene.account_homes.get(name, ())


def _token_secrets(rights: Rights) -> Iterator[Step]:
    """EXP-613: a Secret of the token type is filled for any ServiceAccount; the answer to create holds no token."""
    made = rights.every(SECRETS, "create")
    if made is None:
        return
    pod = makes_pods(rights)
    read = rights.every(SECRETS, *_READ) or pod or rights.some(SECRETS, *_READ)
    if read is None:
        return
    assumptions = (_FREE_NAME,) if read.name else ()
    confidence = Confidence.ENV if assumptions else Confidence.OBJ
    does = f"may {made} and {read} {place(rights.scope)}: tokens without end of any ServiceAccount there"
    target = every(SERVICE_ACCOUNT, rights.scope)
    yield Step(EXP_MINT_SECRET, target, does, (made, read), State.YES, confidence, assumptions)


def _missing_accounts(rights: Rights, scene: Scene) -> Iterator[Step]:
    """EXP-627: a ServiceAccount that bindings name and that does not exist yet (RBAC-30)."""
    made = rights.every(ACCOUNTS, "create")
    missing = scene.missing_accounts
    if made is None or not (missing if not rights.scope else missing.get(rights.scope)):
        return
    use = rights.every(TOKENS, "create") or makes_pods(rights)
    if use is not None:
        does = f"may {made} {place(rights.scope)} that bindings name already, and {use} to use them"
        yield Step(EXP_DORMANT, every(MISSING_ACCOUNT, rights.scope), does, (made, use))


def _certificates(rights: Rights) -> Iterator[Step]:
    """EXP-619, -620 and RBAC-E26: certificates of the API server's client signers (RBAC-59)."""
    created = rights.every(CSRS, "create")
    if created is not None:
        approval, signer = rights.some(APPROVAL, *_WRITE), _for_signer(rights, "approve")
        if approval and signer:
            does = f"may {created}, {approval} and {signer}: a client certificate of anybody but system:masters"
            yield Step(EXP_APPROVE_CSR, every(IDENTITY), does, (created, approval, signer))
        nodes = rights.every(NODE_CLIENT, "create")
        if nodes is not None:
            does = f"may {created} and {nodes}: a client certificate of a node of any name"
            yield Step(EXP_NODE_CSR, every(NODE), does, (created, nodes), State.YES, Confidence.ENV, (_AUTO_APPROVAL,))
    status, signer = rights.some(STATUS, *_WRITE), _for_signer(rights, "sign")
    if status and signer:
        does = f"may {status} and {signer}: it puts certificates of its own making into requests"
        used = (status, signer)
        yield Step(RBAC_SIGN_CSR, every(IDENTITY), does, used, State.YES, Confidence.HINT, (_CA_KEY,))


def _for_signer(rights: Rights, verb: str) -> Right | None:
    """A right on the signer of the API server's clients, by name or by its domain; ``*`` is no name of it."""
    return next((right for name in _SIGNER_NAMES if (right := rights.on(SIGNERS, name, verb))), None)


def _audiences(rights: Rights) -> Iterator[Step]:
    """RBAC-E55: nodes that may ask for audiences that none of their pods asks for (RBAC-52)."""
    for grant, hit in rights.held.get(AUDIENCE, ()):
        if any(s.group == NODES or (s.user or "").startswith(NODE_PREFIX) for s in grant.subjects):
            rule = grant.rules[hit.rule]
            does = f"may {hit.verbs[0]} for {', '.join(rule.resources)}: tokens of the ServiceAccounts on its nodes"
            used = (Right(grant, hit.rule, AUDIENCE, hit.verbs[0]),)
            yield Step(RBAC_AUDIENCE, outcome("tokens for other audiences", rights.scope), does, used)
            return


def _bootstrap(scene: Scene, rights: Rights) -> Iterator[Step]:
    """RBAC-E48: a Secret of the bootstrap type is a credential whose groups its author chooses."""
    made = rights.every(SECRETS, "create")
    if made is None:
        return
    for name in scene.bootstrap_groups:
        does = f"may {made} in namespace {_SYSTEM}: a bootstrap token of group {name}"
        yield Step(RBAC_BOOTSTRAP_TOKEN, group(name), does, (made,), State.YES, Confidence.ENV, (_BOOTSTRAP,))
