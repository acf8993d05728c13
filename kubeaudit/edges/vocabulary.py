"""The table of all edge rows: the verb people read, the effort (EXP-35), and the techniques of MITRE ATT&CK."""

from msgspec import Struct

EXP_INTERNET_LB = "EXP-101"
EXP_CIDR_LB = "EXP-102"
EXP_PRIVATE_LB = "EXP-103"
EXP_INTERNET_NODE_PORT = "EXP-104"
EXP_PRIVATE_NODE_PORT = "EXP-105"
EXP_EXTERNAL_IP = "EXP-106"
EXP_HOST_PORT = "EXP-107"
EXP_HOST_NETWORK = "EXP-108"
EXP_INGRESS = "EXP-110"
EXP_INGRESS_BACKEND = "EXP-111"
EXP_DEFAULT_BACKEND = "EXP-112"
EXP_SERVICE_ENDPOINT = "EXP-119"
EXP_FLAW_CODE = "EXP-121"
EXP_FLAW_SSRF = "EXP-122"
EXP_API_PUBLIC = "EXP-201"
EXP_API_FRONT = "EXP-202"
EXP_API_SERVICE = "EXP-203"
EXP_ANONYMOUS_GRANT = "EXP-205"
EXP_AUTHENTICATED_GRANT = "EXP-206"
EXP_API_FROM_POD = "EXP-215"
EXP_METADATA_CODE = "EXP-311"
EXP_METADATA_SSRF = "EXP-312"
EXP_METADATA_HOST = "EXP-313"
EXP_NODE_IDENTITY = "EXP-314"
EXP_TOKEN = "EXP-601"
EXP_IMPLICIT_GROUP = "EXP-602"
EXP_GRANT = "EXP-603"
EXP_READ_SECRETS = "EXP-611"
EXP_CLUSTER_ADMIN = "EXP-625"
EXP_CONTAINS = "EXP-21"
EXP_SERVICE_OF_ENTRY = "EXP-06"


class Row(Struct, frozen=True):
    """One row: ``verb`` is read between source and target, ``effort`` the usual cost, ``techniques`` ATT&CK ids."""

    id: str
    verb: str
    effort: int
    techniques: tuple[str, ...] = ()


ROWS: dict[str, Row] = {
    row.id: row
    for row in (
        Row(EXP_SERVICE_OF_ENTRY, "leads to", 0),
        Row(EXP_CONTAINS, "contains", 0),
        Row(EXP_INTERNET_LB, "may connect to", 1, ("T1190", "T1133")),
        Row(EXP_CIDR_LB, "may connect to", 1, ("T1190", "T1133")),
        Row(EXP_PRIVATE_LB, "may connect to", 1, ("T1133",)),
        Row(EXP_INTERNET_NODE_PORT, "may connect to", 1, ("T1190",)),
        Row(EXP_PRIVATE_NODE_PORT, "may connect to", 1, ("T1133",)),
        Row(EXP_EXTERNAL_IP, "may connect to", 1, ("T1133",)),
        Row(EXP_HOST_PORT, "may connect to", 1, ("T1190",)),
        Row(EXP_HOST_NETWORK, "may connect to", 1, ("T1190",)),
        Row(EXP_INGRESS, "serves", 1, ("T1190",)),
        Row(EXP_INGRESS_BACKEND, "routes to", 0),
        Row(EXP_DEFAULT_BACKEND, "routes to", 0),
        Row(EXP_SERVICE_ENDPOINT, "forwards to", 0, ("T1190",)),
        Row(EXP_FLAW_CODE, "may let a caller run code in", 5, ("T1190", "T1210")),
        Row(EXP_FLAW_SSRF, "may let a caller send requests from", 4, ("T1190",)),
        Row(EXP_API_PUBLIC, "may connect to", 1, ("T1133", "T1613")),
        Row(EXP_API_FRONT, "forwards to", 1, ("T1133",)),
        Row(EXP_API_SERVICE, "may connect to", 1, ("T1133",)),
        Row(EXP_ANONYMOUS_GRANT, "holds", 1, ("T1078.001", "T1133")),
        Row(EXP_AUTHENTICATED_GRANT, "holds", 1, ("T1078",)),
        Row(EXP_API_FROM_POD, "may connect to", 1, ("T1613",)),
        Row(EXP_METADATA_CODE, "may connect to", 1, ("T1552.005",)),
        Row(EXP_METADATA_SSRF, "may be made to call", 1, ("T1552.005",)),
        Row(EXP_METADATA_HOST, "may connect to", 1, ("T1552.005",)),
        Row(EXP_NODE_IDENTITY, "hands out the credentials of", 1, ("T1078.004",)),
        Row(EXP_TOKEN, "runs as", 1, ("T1528", "T1552.007")),
        Row(EXP_IMPLICIT_GROUP, "is a member of", 0, ("T1078",)),
        Row(EXP_GRANT, "holds", 0, ("T1078",)),
        Row(EXP_READ_SECRETS, "may read", 1, ("T1552.007",)),
        Row(EXP_CLUSTER_ADMIN, "amounts to", 1, ("T1078",)),
    )
}
