"""How long the RBAC engine takes, how much memory, and how both grow: the budgets of RBAC-75.

    python -m benchmarks.rbac

Each shape runs in a process of its own, so that its peak memory is its own. Building is resolving and indexing all
bindings; decoding the objects is printed apart. A question is one "may this ServiceAccount do that"; the baseline
answers it as tools without an index do, by scanning every binding, and its answers are compared with the engine's.
``who-can`` is asked about every kind, 500 of them custom resources, in one namespace; the first answer also makes the
index that the others share.
"""

import json
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from rbac import naive
from rbac.objects import Manifest, account, binding, cluster, role, rule

from kubeaudit.queries.who_can import who_can
from kubeaudit.queries.words import Asked
from kubeaudit.rbac import review
from kubeaudit.rbac.access import Access, Answer, build
from kubeaudit.rbac.identities import service_account
from kubeaudit.rbac.rules import Request

T = TypeVar("T")


class Shape(NamedTuple):
    """A cluster by its counts, and its budget in seconds and megabytes (0: none)."""

    name: str
    roles: int
    role_bindings: int
    cluster_roles: int
    cluster_role_bindings: int
    namespaces: int
    accounts: int
    seconds: float = 0
    megabytes: float = 0


SHAPES = (
    Shape("870 objects (krane issue 525)", 150, 300, 250, 170, 40, 400, 1, 100),
    Shape("5,000 roles, 10,000 bindings, 20,000 accounts", 4000, 9000, 1000, 1000, 500, 20_000, 15, 600),
)
GROWTH = (1_000, 2_000, 4_000, 8_000, 16_000)
QUESTIONS = 100_000
QUESTION_SECONDS = 10
WHO_CAN_SECONDS = 1
NAIVE_QUESTIONS = 20
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
KINDS = ("pods", "secrets", "configmaps", "services", "pods/log", "pods/exec", *(f"widgets{n}" for n in range(500)))


def main() -> None:
    """Prints a line per shape, the ratio to the baseline, and the exponents of growth."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(Shape(*json.loads(sys.argv[1])))))
        return
    for shape in SHAPES:
        found = child(shape)
        print(shape.name)
        print(f"  decode {found['decode']:.2f} s, build {found['build']:.3f} s, six policies {found['policies']:.3f} s")
        whole = found["decode"] + found["build"] + found["policies"]
        print(f"  in all {whole:.2f} s of {shape.seconds} s, peak {found['peak']:.0f} MB of {shape.megabytes} MB")
        print(f"  question {found['question'] * 1e6:.0f} us, baseline {found['naive'] * 1e6:.0f} us:", end=" ")
        print(f"{found['naive'] / found['question']:.0f} times as long; same answers: {found['same']}")
        print(f"  {QUESTIONS:,} questions {found['question'] * QUESTIONS:.2f} s of {QUESTION_SECONDS} s")
        first, each = f"{found['first']:.3f} s of {WHO_CAN_SECONDS} s", f"{found['who'] * 1e3:.2f} ms each"
        print(f"  who-can: the first {first}, then {each};", end=" ")
        print(f"the longest list has {found['holders']:.0f} subjects")
    grown = [child(Shape("", n // 2, n, n // 8, n // 8, max(1, n // 20), n * 2)) for n in GROWTH]
    for step in ("build", "policies", "question", "first", "who", "naive"):
        times = ", ".join(f"{found[step]:.2g}" for found in grown)
        print(
            f"growth of {step} from {GROWTH[0]} to {GROWTH[-1]} bindings: {times} s; exponent {slope(grown, step):.2f}"
        )


def child(shape: Shape) -> dict[str, float]:
    """What a process of its own measures on a shape."""
    command = [sys.executable, "-m", "benchmarks.rbac", json.dumps(shape)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
    return dict(json.loads(done.stdout))


def measure(shape: Shape) -> dict[str, float]:
    """Seconds of each step, peak memory in MB, and whether the baseline agrees."""
    random = Random(1)
    objects = list(made(shape, random))
    decode, decoded = timed(lambda: cluster(objects, "v1.36.3"))
    seconds, access = timed(lambda: build(decoded))
    policies, _ = timed(lambda: every_policy(access))
    # The manifests themselves stand in memory as well, which only makes the peak higher.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    asks = [ask(shape, random) for _ in range(QUESTIONS)]
    question, answers = timed(lambda: [access.decide(service_account(*who), what).answer for who, what in asks])
    first, _ = timed(lambda: holders(access, KINDS[0]))
    who, lists = timed(lambda: [holders(access, kind) for kind in KINDS])
    few = asks[:NAIVE_QUESTIONS]
    baseline, expected = timed(lambda: [bool(scan(objects, *each)) for each in few])
    same = [answer is Answer.ALLOWED for answer in answers[: len(few)]] == expected
    times = {"decode": decode, "build": seconds, "policies": policies, "peak": peak, "same": same}
    times |= {"first": first, "who": who / len(KINDS), "holders": max(lists)}
    return times | {"question": question / len(asks), "naive": baseline / len(few)}


def holders(access: Access, kind: str) -> int:
    """How many subjects may get an object of a kind in one namespace."""
    resource, _, subresource = kind.partition("/")
    return len(who_can(access, Asked(Request("get", "", resource, subresource, "ns0", "x"), namespaced=True)).holders)


def every_policy(access: Access) -> int:
    """How many verdicts the RBAC policies give."""
    checks = (
        review.cluster_admin,
        review.wildcard,
        review.secrets_read,
        review.anonymous,
        review.all_authenticated,
        review.system_masters,
    )
    return sum(1 for check in checks for _ in check(access))


def made(shape: Shape, random: Random) -> Iterator[Manifest]:
    """The objects of a shape: rules repeat as they do in clusters, where most roles come from few charts."""
    pool = [rules(random) for _ in range(60)]
    for number in range(shape.accounts):
        yield account(f"ns{number % shape.namespaces}", f"sa{number}")
    for number in range(shape.cluster_roles):
        yield role(f"c{number}", *random.choice(pool))
    for number in range(shape.roles):
        yield role(f"r{number}", *random.choice(pool), namespace=f"ns{number % shape.namespaces}")
    for number in range(shape.cluster_role_bindings):
        subject = "Group:system:authenticated" if number < 3 else subject_of(shape, random)
        yield binding(f"c{number}", f"ClusterRole/c{random.randrange(shape.cluster_roles)}", subject)
    for number in range(shape.role_bindings):
        home = number % shape.namespaces
        local = random.random() < 0.7 and home + shape.namespaces < shape.roles
        target = f"Role/r{home}" if local else f"ClusterRole/c{random.randrange(shape.cluster_roles)}"
        yield binding(f"b{number}", target, subject_of(shape, random), namespace=f"ns{home}")


def rules(random: Random) -> list[dict[str, list[str]]]:
    """One to twelve rules."""
    return [
        rule(" ".join(random.sample(VERBS, 3)), " ".join(random.sample(KINDS, 3))) for _ in range(random.randint(1, 12))
    ]


def subject_of(shape: Shape, random: Random) -> str:
    """Mostly a ServiceAccount, at times a user or a group."""
    number = random.randrange(shape.accounts)
    if random.random() < 0.1:
        return random.choice((f"User:u{number}", f"Group:system:serviceaccounts:ns{number % shape.namespaces}"))
    return f"ServiceAccount:ns{number % shape.namespaces}/sa{number}"


def ask(shape: Shape, random: Random) -> tuple[tuple[str, str], Request]:
    """A ServiceAccount and a request in some namespace."""
    number = random.randrange(shape.accounts)
    kind, _, subresource = random.choice(KINDS).partition("/")
    namespace = f"ns{random.randrange(shape.namespaces)}"
    who = (f"ns{number % shape.namespaces}", f"sa{number}")
    return who, Request(random.choice(VERBS), "", kind, subresource, namespace, "x")


def scan(objects: list[Manifest], who: tuple[str, str], what: Request) -> set[tuple[str, str]]:
    """The baseline's answer."""
    identity = service_account(*who)
    fields = {field: getattr(what, field) for field in Request.__struct_fields__}
    return naive.allowing(objects, identity.user, identity.groups, fields)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of wall time, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def slope(found: list[dict[str, float]], step: str) -> float:
    """The exponent of growth over sizes: 1 is linear. Least squares over the logarithms."""
    points = [(math.log(size), math.log(each[step])) for size, each in zip(GROWTH, found, strict=True)]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


if __name__ == "__main__":
    main()
