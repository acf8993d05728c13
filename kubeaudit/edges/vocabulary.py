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
EXP_LATERAL_CODE = "EXP-123"
EXP_LATERAL_SSRF = "EXP-124"
EXP_API_PUBLIC = "EXP-201"
EXP_API_FRONT = "EXP-202"
EXP_API_SERVICE = "EXP-203"
EXP_ANONYMOUS_GRANT = "EXP-205"
EXP_AUTHENTICATED_GRANT = "EXP-206"
EXP_API_FROM_POD = "EXP-215"
EXP_KUBELET_FROM_POD = "EXP-211"
EXP_ETCD_FROM_POD = "EXP-212"
EXP_METADATA_CODE = "EXP-311"
EXP_METADATA_SSRF = "EXP-312"
EXP_METADATA_HOST = "EXP-313"
EXP_NODE_IDENTITY = "EXP-314"
EXP_TOKEN = "EXP-601"
EXP_IMPLICIT_GROUP = "EXP-602"
EXP_GRANT = "EXP-603"
EXP_READ_SECRETS = "EXP-611"
EXP_CLUSTER_ADMIN = "EXP-625"
EXP_AWS_ROLE = "EXP-401"
EXP_GOOGLE_ACCOUNT = "EXP-403"
EXP_AZURE_IDENTITY = "EXP-405"
EXP_AWS_AUTH = "EXP-408"
EXP_CREATE_PODS = "EXP-604"
EXP_ESCAPE = "EXP-605"
EXP_MOUNT = "EXP-606"
EXP_CHANGE_WORKLOAD = "EXP-607"
EXP_EXEC = "EXP-608"
EXP_DEBUG = "EXP-609"
EXP_FORWARD = "EXP-610"
EXP_TOKEN_SECRET = "EXP-612"
EXP_MINT_SECRET = "EXP-613"
EXP_MINT_TOKEN = "EXP-614"
EXP_BIND = "EXP-615"
EXP_ESCALATE = "EXP-616"
EXP_AGGREGATE_ROLE = "EXP-617"
EXP_IMPERSONATE = "EXP-618"
EXP_APPROVE_CSR = "EXP-619"
EXP_NODE_CSR = "EXP-620"
EXP_NAMESPACE_LABELS = "EXP-621"
EXP_HOST_VOLUME = "EXP-622"
EXP_LOGS = "EXP-623"
EXP_STEER_PODS = "EXP-624"
EXP_SECRET_IN_POD = "EXP-626"
EXP_DORMANT = "EXP-627"
EXP_CHART_VALUES = "EXP-629"
EXP_CHANGE_ACCOUNT = "EXP-630"
EXP_CLAIM_DEVICES = "EXP-631"
EXP_NODE_PODS = "EXP-701"
EXP_NODE_TOKENS = "EXP-702"
EXP_NODE_OBJECTS = "EXP-703"
EXP_NODE_USER = "EXP-704"
EXP_CONTROL_PLANE = "EXP-705"
EXP_LURE = "EXP-707"
EXP_ENDPOINTS = "EXP-801"
EXP_CHANGE_SERVICE = "EXP-803"
EXP_SERVICE_STATUS = "EXP-804"
EXP_CLUSTER_DNS = "EXP-806"
EXP_CLAIM_HOST = "EXP-809"
EXP_LIFT_POLICY = "EXP-810"
EXP_WEBHOOK = "EXP-851"
EXP_WEBHOOK_BACKEND = "EXP-852"
EXP_ADMISSION_POLICY = "EXP-853"
EXP_POLICY_ENGINE = "EXP-854"
EXP_API_SERVICE_WRITE = "EXP-856"
EXP_CONVERSION = "EXP-857"
EXP_OPERATOR = "EXP-901"
RBAC_NAMESPACE_ADMIN = "RBAC-E02"
RBAC_DELEGATE = "RBAC-E05"
RBAC_CONSTRAINED = "RBAC-E12"
RBAC_CHANGE_SECRET = "RBAC-E16"
RBAC_NODE_PROXY = "RBAC-E23"
RBAC_NODE_DATA = "RBAC-E24"
RBAC_SIGN_CSR = "RBAC-E26"
RBAC_STORAGE = "RBAC-E36"
RBAC_CHANGE_NODE = "RBAC-E37"
RBAC_PLACE_PODS = "RBAC-E39"
RBAC_POD_STATUS = "RBAC-E40"
RBAC_SYSTEM_CONFIG = "RBAC-E44"
RBAC_LEADER_ELECTION = "RBAC-E46"
RBAC_PRIORITY = "RBAC-E47"
RBAC_BOOTSTRAP_TOKEN = "RBAC-E48"
RBAC_DELETE_EVENTS = "RBAC-E53"
RBAC_DELETE = "RBAC-E54"
RBAC_AUDIENCE = "RBAC-E55"
EXP_CONTAINS = "EXP-21"
EXP_SERVICE_OF_ENTRY = "EXP-06"


class Row(Struct, frozen=True):
    """One row: ``verb`` is read between source and target, ``effort`` the usual cost, ``techniques`` ATT&CK ids.

    ``rbac`` are the escalations of rbac.md section 5 that the row stands for."""

    id: str
    verb: str
    effort: int
    techniques: tuple[str, ...] = ()
    rbac: tuple[str, ...] = ()


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
        Row(EXP_LATERAL_CODE, "may connect to", 1, ("T1046", "T1210")),
        Row(EXP_LATERAL_SSRF, "may be made to call", 2, ("T1210",)),
        Row(EXP_API_PUBLIC, "may connect to", 1, ("T1133", "T1613")),
        Row(EXP_API_FRONT, "forwards to", 1, ("T1133",)),
        Row(EXP_API_SERVICE, "may connect to", 1, ("T1133",)),
        Row(EXP_ANONYMOUS_GRANT, "holds", 1, ("T1078.001", "T1133")),
        Row(EXP_AUTHENTICATED_GRANT, "holds", 1, ("T1078",)),
        Row(EXP_API_FROM_POD, "may connect to", 1, ("T1613",)),
        Row(EXP_KUBELET_FROM_POD, "may connect to", 1, ("T1046",)),
        Row(EXP_ETCD_FROM_POD, "may connect to", 7, ("T1552.007",)),
        Row(EXP_METADATA_CODE, "may connect to", 1, ("T1552.005",)),
        Row(EXP_METADATA_SSRF, "may be made to call", 1, ("T1552.005",)),
        Row(EXP_METADATA_HOST, "may connect to", 1, ("T1552.005",)),
        Row(EXP_NODE_IDENTITY, "hands out the credentials of", 1, ("T1078.004",)),
        Row(EXP_TOKEN, "runs as", 1, ("T1528", "T1552.007"), ("RBAC-E50",)),
        Row(EXP_IMPLICIT_GROUP, "is a member of", 0, ("T1078",)),
        Row(EXP_GRANT, "holds", 0, ("T1078",)),
        Row(EXP_READ_SECRETS, "may read", 1, ("T1552.007",), ("RBAC-E14",)),
        Row(EXP_CLUSTER_ADMIN, "amounts to", 1, ("T1078",), ("RBAC-E01",)),
        Row(EXP_CREATE_PODS, "may run pods as", 1, ("T1610",), ("RBAC-E17", "RBAC-E19")),
        Row(EXP_ESCAPE, "may run pods that take over", 2, ("T1610", "T1611"), ("RBAC-E18",)),
        Row(EXP_MOUNT, "may mount", 1, ("T1552.007",), ("RBAC-E17",)),
        Row(EXP_CHANGE_WORKLOAD, "may change the code of", 1, ("T1610",), ("RBAC-E19",)),
        Row(EXP_EXEC, "may run commands in", 1, ("T1609",), ("RBAC-E20",)),
        Row(EXP_DEBUG, "may add a container to", 1, ("T1609",), ("RBAC-E21",)),
        Row(EXP_FORWARD, "may connect to", 1, ("T1090",), ("RBAC-E22",)),
        Row(EXP_TOKEN_SECRET, "may hold tokens of", 0, ("T1528",), ("RBAC-E14",)),
        Row(EXP_MINT_SECRET, "may have tokens made of", 1, ("T1528",), ("RBAC-E15",)),
        Row(EXP_MINT_TOKEN, "may ask for tokens of", 1, ("T1528", "T1550.001"), ("RBAC-E13",)),
        Row(EXP_BIND, "may bind", 1, ("T1098.006",), ("RBAC-E04",)),
        Row(EXP_ESCALATE, "may rewrite its own role to become", 1, ("T1098.006",), ("RBAC-E03",)),
        Row(EXP_AGGREGATE_ROLE, "may widen its own role to become", 2, ("T1098.006",), ("RBAC-E08",)),
        Row(EXP_IMPERSONATE, "may act as", 1, ("T1134",), ("RBAC-E09", "RBAC-E10", "RBAC-E11")),
        Row(EXP_APPROVE_CSR, "may have certificates signed of", 2, ("T1649",), ("RBAC-E25",)),
        Row(EXP_NODE_CSR, "may have certificates signed of", 2, ("T1649",), ("RBAC-E27",)),
        Row(EXP_NAMESPACE_LABELS, "may lift what guards", 1, ("T1562.001",), ("RBAC-E34",)),
        Row(EXP_HOST_VOLUME, "may mount the disk of", 2, ("T1611",), ("RBAC-E35",)),
        Row(EXP_LOGS, "may read", 1, ("T1552",)),
        Row(EXP_STEER_PODS, "may move pods by", 3, ("T1578",), ("RBAC-E38",)),
        Row(EXP_SECRET_IN_POD, "is given", 1, ("T1552.001",)),
        Row(EXP_DORMANT, "may bring to life", 2, ("T1098.006", "T1136"), ("RBAC-E06", "RBAC-E07")),
        Row(EXP_CHART_VALUES, "may read", 1, ("T1552.001",), ("RBAC-E58",)),
        Row(EXP_CHANGE_ACCOUNT, "may choose the cloud identity of", 2, ("T1098",), ("RBAC-E56",)),
        Row(EXP_CLAIM_DEVICES, "may claim", 2, ("T1611",), ("RBAC-E57",)),
        Row(EXP_NODE_PODS, "runs", 0, ("T1610",), ("RBAC-E51",)),
        Row(EXP_NODE_TOKENS, "may ask for tokens of", 1, ("T1528",), ("RBAC-E51",)),
        Row(EXP_NODE_OBJECTS, "may read what is mounted by", 1, ("T1552.007",), ("RBAC-E51",)),
        Row(EXP_NODE_USER, "is", 0, ("T1078",), ("RBAC-E51",)),
        Row(EXP_CONTROL_PLANE, "holds the credentials of", 0, ("T1552.001",)),
        Row(EXP_LURE, "may draw to itself", 3, ("T1610",), ("RBAC-E38",)),
        Row(EXP_ENDPOINTS, "may take over", 2, ("T1557",), ("RBAC-E41",)),
        Row(EXP_CHANGE_SERVICE, "may take over", 1, ("T1557",), ("RBAC-E41",)),
        Row(EXP_SERVICE_STATUS, "may take over", 2, ("T1557",), ("RBAC-E40",)),
        Row(EXP_CLUSTER_DNS, "may take over", 1, ("T1557",), ("RBAC-E44",)),
        Row(EXP_CLAIM_HOST, "may take over", 2, ("T1190", "T1557"), ("RBAC-E42",)),
        Row(EXP_LIFT_POLICY, "may lift what guards", 1, ("T1562.007",), ("RBAC-E43",)),
        Row(EXP_WEBHOOK, "may see and change everything that is written, as", 1, ("T1546",), ("RBAC-E28", "RBAC-E29")),
        Row(EXP_WEBHOOK_BACKEND, "answers admission, as", 1, ("T1546",)),
        Row(EXP_ADMISSION_POLICY, "may change", 1, ("T1562", "T1546"), ("RBAC-E30",)),
        Row(EXP_POLICY_ENGINE, "may change", 1, ("T1562.001",), ("RBAC-E31",)),
        Row(EXP_API_SERVICE_WRITE, "may answer for the API server, as", 2, ("T1557",), ("RBAC-E32",)),
        Row(EXP_CONVERSION, "may read and change", 2, ("T1557", "T1546"), ("RBAC-E33",)),
        Row(EXP_OPERATOR, "may have work done by", 2, ("T1078",), ("RBAC-E49",)),
        Row(RBAC_NAMESPACE_ADMIN, "amounts to", 1, ("T1078",), ("RBAC-E02",)),
        Row(RBAC_DELEGATE, "may hand on its own rights, for", 1, ("T1098.006",), ("RBAC-E05",)),
        Row(RBAC_CONSTRAINED, "may act within limits as", 1, ("T1134",), ("RBAC-E12",)),
        Row(RBAC_CHANGE_SECRET, "may deceive", 1, ("T1565.001",), ("RBAC-E16",)),
        Row(RBAC_NODE_PROXY, "may run commands in", 1, ("T1609", "T1611"), ("RBAC-E23",)),
        Row(RBAC_NODE_DATA, "may read", 1, ("T1613",), ("RBAC-E24",)),
        Row(RBAC_SIGN_CSR, "may sign certificates of", 2, ("T1649",), ("RBAC-E26",)),
        Row(RBAC_STORAGE, "may reach", 2, ("T1530",), ("RBAC-E36",)),
        Row(RBAC_CHANGE_NODE, "may move pods by", 1, ("T1578",), ("RBAC-E37",)),
        Row(RBAC_PLACE_PODS, "may move pods by", 1, ("T1610",), ("RBAC-E39",)),
        Row(RBAC_POD_STATUS, "may take over", 2, ("T1557",), ("RBAC-E40",)),
        Row(RBAC_SYSTEM_CONFIG, "may change", 1, ("T1557",), ("RBAC-E44",)),
        Row(EXP_AWS_AUTH, "may add anybody to", 1, ("T1098",), ("RBAC-E45",)),
        Row(RBAC_LEADER_ELECTION, "may cause", 2, ("T1499",), ("RBAC-E46",)),
        Row(RBAC_PRIORITY, "may cause", 1, ("T1499",), ("RBAC-E47",)),
        Row(RBAC_BOOTSTRAP_TOKEN, "may make a token of", 1, ("T1136",), ("RBAC-E48",)),
        Row(EXP_AWS_ROLE, "may use", 1, ("T1078.004",), ("RBAC-E52",)),
        Row(EXP_GOOGLE_ACCOUNT, "may use", 1, ("T1078.004",), ("RBAC-E52",)),
        Row(EXP_AZURE_IDENTITY, "may use", 1, ("T1078.004",), ("RBAC-E52",)),
        Row(RBAC_DELETE_EVENTS, "may cause", 1, ("T1070.004",), ("RBAC-E53",)),
        Row(RBAC_DELETE, "may cause", 1, ("T1485",), ("RBAC-E54",)),
        Row(RBAC_AUDIENCE, "may ask for tokens with", 1, ("T1528",), ("RBAC-E55",)),
    )
}
