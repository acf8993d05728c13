"""Which fields a CEL expression reads, told from its checked syntax tree (architecture.md, idea 7).

The tree is ``cel.expr.CheckedExpr`` (google/cel-spec, proto/cel/expr/checked.proto and syntax.proto). It is walked once
with *aliases*: the places of the input that a value may stand for. Selecting from an alias yields a longer alias;
anything else that uses a value reads it whole. So ``podSpec.?volumes.orValue([]).all(v, !has(v.hostPath))`` reads the
presence of ``podSpec.volumes[*].hostPath`` and nothing else. Where the walk cannot tell, it takes more, never less.
"""

from collections.abc import Iterable, Mapping

from kubeaudit.policy.schema import Field
from kubeaudit.policy.wire import Message, parse

ANY = "*"
"""Stands for every item of a list in a path."""
_LIST = "[]"
"""Ends the alias of a list that the expression made and whose items are the rest of the alias."""

Path = tuple[str, ...]
Aliases = frozenset[Path]
Scope = Mapping[str, Aliases]

_NOTHING: Aliases = frozenset()
_TRANSPARENT = frozenset(["orValue", "or", "value", "dyn", "optional.of", "_+_"])
"""Functions whose result stands for their arguments: unwrapping, conversion to dyn, and joining lists."""
_INDEX = frozenset(["_[_]", "_[?_]", "_?._"])
_MAX_ROUNDS = 4


def fields_of(serialized: bytes, roots: Iterable[str]) -> tuple[Field, ...]:
    """The fields that a serialized checked expression reads, in the order of the text, each under one of ``roots``.

    ``serialized`` is a google.protobuf.Any that holds the CheckedExpr.
    """
    checked = parse(serialized).message(2)
    walk = _Walk()
    walk.read(walk.expression(checked.message(4), {root: frozenset([(root,)]) for root in roots}))
    return walk.result()


class _Walk:
    def __init__(self) -> None:
        self._whole: dict[Path, None] = {}
        self._present: dict[Path, None] = {}
        self._order: dict[Path, None] = {}

    def result(self) -> tuple[Field, ...]:
        """Longest paths only: what is read whole covers what lies below, a longer path shows the presence of what lies
        above.
        """
        found = []
        for path in self._order:
            above = any(path[:size] in self._whole for size in range(1, len(path)))
            below = any(len(other) > len(path) and other[: len(path)] == path for other in self._order)
            if path in self._whole and not above:
                found.append(Field(path))
            elif path not in self._whole and not above and not below:
                found.append(Field(path, presence=True))
        return tuple(found)

    def read(self, aliases: Aliases) -> None:
        """The value itself is used."""
        for alias in sorted(aliases):
            path = tuple(part for part in alias if part != _LIST)
            self._whole[path] = self._order[path] = None

    def exists(self, aliases: Aliases) -> None:
        """Only whether there is a value is used."""
        for alias in sorted(aliases):
            path = tuple(part for part in alias if part != _LIST)
            self._present[path] = self._order[path] = None

    def expression(self, node: Message, scope: Scope) -> Aliases:
        """Aliases of ``cel.expr.Expr``: ident 4, select 5, call 6, list 7, struct 8, comprehension 9; constants have
        none.
        """
        if node.has(4):
            return scope.get(node.message(4).text(1), _NOTHING)
        if node.has(5):
            return self._select(node.message(5), scope)
        if node.has(6):
            return self._call(node.message(6), scope)
        if node.has(7):
            items = [self.expression(item, scope) for item in node.message(7).messages(1)]
            return frozenset((*alias, _LIST) for aliases in items for alias in aliases)
        if node.has(8):
            for entry in node.message(8).messages(2):
                self.read(self.expression(entry.message(3), scope) | self.expression(entry.message(4), scope))
        if node.has(9):
            return self._comprehension(node.message(9), scope)
        return _NOTHING

    def _select(self, select: Message, scope: Scope) -> Aliases:
        below = _below(self.expression(select.message(1), scope), select.text(2))
        if not select.flag(3):
            return below
        self.exists(below)
        return _NOTHING

    def _call(self, call: Message, scope: Scope) -> Aliases:
        name = call.text(2)
        arguments = [*call.messages(1), *call.messages(3)]
        if name in _INDEX:
            return self._index(arguments, scope)
        if name == "_?_:_":
            self.read(self.expression(arguments[0], scope))
            return self.expression(arguments[1], scope) | self.expression(arguments[2], scope)
        aliases = [self.expression(argument, scope) for argument in arguments]
        together = frozenset().union(*aliases)
        if name in _TRANSPARENT:
            return together
        if name == "hasValue":
            self.exists(together)
        else:
            self.read(together)
        return _NOTHING

    def _index(self, arguments: list[Message], scope: Scope) -> Aliases:
        """``a[k]``, ``a[?k]`` and ``a.?k``; of a list every item, because the list keeps its length."""
        operand, key = arguments
        aliases = self.expression(operand, scope)
        constant = key.message(3)
        if constant.has(6):
            return _below(aliases, constant.text(6))
        self.read(self.expression(key, scope))
        return _items(aliases)

    def _comprehension(self, node: Message, scope: Scope) -> Aliases:
        """A macro: iter_var 1, iter_range 2, accu_var 3, accu_init 4, loop_condition 5, loop_step 6, result 7,
        iter_var2 8.
        """
        over = self.expression(node.message(2), scope)
        items = _items(over)
        if node.has(8):
            self.read(over)
        else:
            self.exists(items)
        inner = {**scope, node.text(1): items, node.text(8): items}
        name = node.text(3)
        held = self.expression(node.message(4), scope)
        for _ in range(_MAX_ROUNDS):
            self.read(self.expression(node.message(5), {**inner, name: held}))
            grown = held | self.expression(node.message(6), {**inner, name: held})
            if grown == held:
                break
            held = grown
        else:
            self.read(held)
        return self.expression(node.message(7), {**scope, name: held})


def _below(aliases: Aliases, key: str) -> Aliases:
    return frozenset((*alias, key) for alias in aliases if alias[-1] != _LIST)


def _items(aliases: Aliases) -> Aliases:
    return frozenset(alias[:-1] if alias[-1] == _LIST else (*alias, ANY) for alias in aliases)
