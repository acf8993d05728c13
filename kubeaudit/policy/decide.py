"""One policy on one member: each distinct projection is evaluated once (architecture.md, idea 7)."""

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec
from msgspec import Struct

from kubeaudit.findings import Verdict
from kubeaudit.policy.cel import Program, compile_expression
from kubeaudit.policy.culprits import Bindings, Part, parts_of, told
from kubeaudit.policy.project import Tree, add, project, tree_of
from kubeaudit.policy.schema import PARAMS, Field, Policy

_encoder = msgspec.json.Encoder(order="deterministic")


class Decision(Struct, frozen=True):
    """A verdict on a projection. ``parts`` are the reasons to fail; ``error`` is why it could not be evaluated."""

    verdict: Verdict
    parts: tuple[Part, ...] = ()
    error: str = ""


class Rule:
    """A policy ready to decide. ``params`` are facts about the cluster, the same for every member.

    ``reads`` are the variables of which something is read.
    """

    def __init__(self, policy: Policy, params: dict[str, object]) -> None:
        self.policy = policy
        self._params = params
        self._program = compile_expression(policy.expression, policy.variables)
        self._applies = compile_expression(policy.applies, policy.variables) if policy.applies else None
        self._evidence = tuple(field for field in self._program.fields if field.path[0] != PARAMS)
        self.reads = frozenset(field.path[0] for field in self.fields) - {PARAMS}
        self._trees = {name: tree_of(self.fields, name) for name in policy.variables if name in self.reads}
        # A variable of which nothing is read may still be named; what is named has to be there.
        self._unread: Bindings = {name: {} for name in policy.variables if name not in self.reads}
        self._known: dict[bytes, Decision] = {}

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field of the member that is read, also to tell whether the policy applies."""
        return self._evidence + (self._applies.fields if self._applies else ())

    def names(self, variable: str) -> frozenset[str]:
        """The fields of a variable that are read, or lead to what is read."""
        return frozenset(field.path[1] for field in self.fields if field.path[0] == variable and len(field.path) > 1)

    def decide(self, bindings: Bindings) -> Decision:
        """The verdict on a member, given by the value of each variable that is read (``reads``)."""
        seen = {name: project(bindings[name], tree) for name, tree in self._trees.items()}
        key = _encoder.encode(seen)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decide({**self._unread, **seen})
        return found

    def _decide(self, seen: Bindings) -> Decision:
        whole = {**seen, PARAMS: self._params}
        if self._applies is not None:
            applies = self._applies.evaluate(whole)
            if applies.value is None:
                return self._error(self._applies, "applies: " + applies.error, whole)
            if not applies.value:
                return Decision(Verdict.NOT_APPLICABLE)
        answer = self._program.evaluate(whole)
        if answer.value is None:
            return self._error(self._program, answer.error, whole)
        if answer.value:
            return Decision(Verdict.PASS)
        return Decision(Verdict.FAIL, parts_of(self._evidence, whole, self._fails))

    def _error(self, program: Program, error: str, bindings: Bindings) -> Decision:
        read = told(program.fields, bindings)
        return Decision(Verdict.NOT_EVALUATED, error=f"{error}, where {read}" if read else error)

    def _fails(self, bindings: Bindings) -> bool:
        return self._program.evaluate(bindings).value is False


def union(rules: Iterable[Rule], root: str) -> Tree | None:
    """The fields below a variable that any rule reads or any patch changes; None where it is read whole."""
    rules = tuple(rules)
    tree = tree_of(chain.from_iterable(rule.fields for rule in rules), root)
    for rule in rules:
        patch = rule.policy.patch
        if tree is not None and patch is not None and patch.root == root:
            for path in _leaves(patch.after):
                add(tree, path)
    return tree


def _leaves(value: dict[str, object], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key)
