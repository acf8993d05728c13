"""What the processes of the test cluster are given: their files and their command lines."""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
ADVERTISED = "192.0.2.1"
"""The address in the endpoints of the Service ``kubernetes``: of TEST-NET-1 (RFC 5737), so that nothing of the machine
shows up in what is collected, and no network interface is needed. Nothing connects to it."""


@dataclass(frozen=True)
class Layout:
    """The folder, the ports on 127.0.0.1 and the admin's token of one test cluster."""

    binaries: Path
    folder: Path
    etcd_port: int
    peer_port: int
    port: int
    token: str

    @property
    def certificate(self) -> Path:
        """The certificate chain that the API server makes for itself: the CA of its clients."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def service_account_key(self) -> Path:
        """The key that signs tokens of ServiceAccounts."""
        return self.folder / "service-account.key"

    @property
    def audit_log(self) -> Path:
        """One audit event, as JSON, on each line."""
        return self.folder / "audit.log"

    @property
    def admin_kubeconfig(self) -> Path:
        """Kubeconfig of the user ``admin`` in the group system:masters."""
        return self.folder / "admin.kubeconfig"


def prepare(layout: Layout) -> None:
    """Writes the files that the API server reads at its start."""
    layout.service_account_key.write_text(signing_key(), "ascii")
    (layout.folder / "tokens.csv").write_text(f'{layout.token},admin,admin,"system:masters"\n', "utf-8")
    (layout.folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY), "utf-8")


def signing_key() -> str:
    """A fresh private key on the curve P-256, in PEM (RFC 5915, without the optional public key)."""
    # SEQUENCE { INTEGER 1, OCTET STRING of 32 bytes, [0] { OID prime256v1 } }. The first byte of the secret is cleared
    # to keep it below the order of the curve; losing eight bits does not matter to a key that lives for one test.
    secret = b"\x00" + secrets.token_bytes(31)
    encoded = b"\x30\x31\x02\x01\x01\x04\x20" + secret + bytes.fromhex("a00a06082a8648ce3d030107")
    return f"-----BEGIN EC PRIVATE KEY-----\n{base64.b64encode(encoded).decode()}\n-----END EC PRIVATE KEY-----\n"


def kubeconfig(layout: Layout, token: str, context: str) -> str:
    """A kubeconfig (JSON, which is YAML) with one context, its cluster of the same name, and the CA inside."""
    authority = base64.b64encode(layout.certificate.read_bytes()).decode()
    cluster = {"server": f"https://127.0.0.1:{layout.port}", "certificate-authority-data": authority}
    user = f"{context}-user"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }
    return json.dumps(document, indent=2)


def etcd_command(layout: Layout) -> list[str]:
    """etcd of one member, on loopback, that does not wait for the disk."""
    clients = f"http://127.0.0.1:{layout.etcd_port}"
    peers = f"http://127.0.0.1:{layout.peer_port}"
    return [
        f"{layout.binaries / 'etcd'}",
        f"--data-dir={layout.folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def api_server_command(layout: Layout, flags: Sequence[str]) -> list[str]:
    """kube-apiserver with RBAC and an audit log; of a flag given twice the last one counts, so ``flags`` win."""
    return [
        f"{layout.binaries / 'kube-apiserver'}",
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.port}",
        f"--advertise-address={ADVERTISED}",
        f"--cert-dir={layout.certificate.parent}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.service_account_key}",
        f"--service-account-signing-key-file={layout.service_account_key}",
        f"--token-auth-file={layout.folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--allow-privileged",
        f"--audit-policy-file={layout.folder / 'audit-policy.json'}",
        f"--audit-log-path={layout.audit_log}",
        # Megabytes; large enough that the log is never rotated away from under its reader.
        "--audit-log-maxsize=10000",
        *flags,
    ]


def controller_manager_command(layout: Layout, port: int) -> list[str]:
    """kube-controller-manager with every controller that is on by default, as the admin."""
    return [
        f"{layout.binaries / 'kube-controller-manager'}",
        f"--kubeconfig={layout.admin_kubeconfig}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={layout.service_account_key}",
        f"--root-ca-file={layout.certificate}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={layout.folder / 'controller-manager'}",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]
