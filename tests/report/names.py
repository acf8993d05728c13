"""Objects of the sample document, and the hostile names an output must show as they are."""

from kubeaudit.findings import (
    Reason,
    Unseen,
    short_hash,
)
from kubeaudit.refs import ObjectRef

MARKUP = 'frontend"><script>alert(1)</script>'
ANSI = "evil\x1b[31mred\x1b[0m\x07"
RTL = "pay\u202egnp.exe"
LONG = "x" * 65_536

RBAC = "rbac.authorization.k8s.io"
NETWORKING = "networking.k8s.io"

FRONTEND = ObjectRef("Deployment", "shop", "frontend", "apps")
CONSOLE = ObjectRef("Deployment", "tools", "console", "apps")
CONSOLE_BINDING = ObjectRef("ClusterRoleBinding", "", "console-admin", RBAC)
ADMIN_ROLE = ObjectRef("ClusterRole", "", "cluster-admin", RBAC)
FRONTEND_SERVICE = ObjectRef("Service", "shop", "frontend")
CONSOLE_INGRESS = ObjectRef("Ingress", "tools", "console", NETWORKING)
SHOP = ObjectRef("Namespace", "", "shop")

POLICIES_UNREAD = Unseen(Reason.FORBIDDEN, "networkpolicies.networking.k8s.io", "payments")
CONSOLE_PATH = short_hash("console")
METADATA_PATH = short_hash("metadata")
UNKNOWN_PATH = short_hash("payments")
