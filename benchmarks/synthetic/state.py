"""What the parts of a cluster share while it is made: the random source, the counters, the nodes."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_NOW = datetime(2025, 11, 24, 6, 0, tzinfo=UTC)
_PODS_PER_NODE = 30
_POOLS = ("general", "system", *["general"] * 3, "memory", *["general"] * 3, "spot")
"""Pools of the nodes, repeated: seven of ten nodes belong to the first."""
_VOCABULARY = (
    "account address alert asset audit balance basket billing booking cache campaign cart catalog channel "
    "checkout claim cohort contract coupon courier credit customer delivery dispatch document feed fleet "
    "forecast fraud fulfilment gateway geo identity image import insight inventory invoice ledger limit listing "
    "loyalty mail media menu merchant message notice offer order partner payment payout policy portal price "
    "product profile promo quote rating receipt recommend refund report request return review reward route rule "
    "sales schedule search segment session shipment signal stock store subscription supplier tariff tax ticket "
    "token track transfer trip user vendor visit voucher wallet warehouse webhook"
)
_WORDS = tuple(_VOCABULARY.split())
_SUFFIXES = (
    "api",
    "worker",
    "consumer",
    "web",
    "bff",
    "sync",
    "admin",
    "grpc",
    "scheduler",
    "projector",
    "cache",
    "export",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """One node: name, address inside the VPC, zone, pool."""

    name: str
    address: str
    zone: str
    pool: str


@dataclass
class State:
    """Deterministic source of everything that differs from object to object."""

    rng: random.Random
    nodes: tuple[Machine, ...]
    _pods: int = 0
    _services: int = 0
    _node_ports: int = 0
    _versions: int = 10_000_000
    _times: tuple[str, ...] = ()
    _by_pool: dict[str, list[Machine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        moments = (_NOW - timedelta(seconds=self.rng.randrange(60, 150 * 86400)) for _ in range(2000))
        for machine in self.nodes:
            self._by_pool.setdefault(machine.pool, []).append(machine)
            self._by_pool.setdefault("", []).append(machine)
        self._times = tuple(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)

    def place(self, pool: str = "") -> Machine:
        """A node for one pod: of a pool, or any."""
        return self.rng.choice(self._by_pool[pool])

    def pool(self) -> str:
        """The pool of one workload; large pools have more of them."""
        return self.rng.choice(self.nodes).pool

    def uid(self) -> str:
        """A UID."""
        digits = f"{self.rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def hexadecimal(self, length: int) -> str:
        """Hexadecimal digits: image digests, container ids."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"

    def suffix(self, length: int = 5) -> str:
        """A generated name's tail, from the alphabet the API server uses (apimachinery ``rand.SafeEncodeString``)."""
        return "".join(self.rng.choices("bcdfghjklmnpqrstvwxz2456789", k=length))

    def version(self) -> str:
        """A resourceVersion."""
        self._versions += self.rng.randrange(1, 40)
        return str(self._versions)

    def time(self) -> str:
        """A moment of the last 150 days, RFC 3339."""
        return self.rng.choice(self._times)

    def pod_ip(self) -> str:
        """The next address of 10.128.0.0/9, the pods' network."""
        self._pods += 1
        return _ipv4(10, 128, self._pods)

    def cluster_ip(self) -> str:
        """The next address of 172.20.0.0/16, the Services' network."""
        self._services = self._services % 65_000 + 1
        return _ipv4(172, 20, self._services + 10)

    def node_port(self) -> int:
        """The next port of 30000-32767."""
        self._node_ports += 1
        return 30_000 + self._node_ports % 2768

    def metadata(self, name: str, namespace: str = "", **more: object) -> dict[str, object]:
        """ObjectMeta in the order a server writes it."""
        place = {"namespace": namespace} if namespace else {}
        return {
            "name": name,
            **place,
            "uid": self.uid(),
            "resourceVersion": self.version(),
            "creationTimestamp": self.time(),
            **{key: value for key, value in more.items() if value},
        }

    def word(self) -> str:
        """A word of the business."""
        return self.rng.choice(_WORDS)

    def application(self) -> str:
        """A name such as ``invoice-worker``."""
        return f"{self.rng.choice(_WORDS)}-{self.rng.choice(_SUFFIXES)}"


def _ipv4(first: int, second: int, number: int) -> str:
    return f"{first}.{second + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def new(pods: int, seed: int) -> State:
    """A source for a cluster of so many pods: about one node per 30 pods, at least three."""
    rng = random.Random(seed)
    count = max(3, -(-pods // _PODS_PER_NODE))
    nodes = []
    for number in range(count):
        address = _ipv4(10, 0, 512 + number)
        name = f"ip-{address.replace('.', '-')}.eu-central-1.compute.internal"
        pool = _POOLS[number % len(_POOLS)]
        nodes.append(Machine(name, address, "eu-central-1" + "abc"[number % 3], pool))
    return State(rng, tuple(nodes))
