"""Calico's selector language (NET-127): text to a tree, and the tree to masks.

The grammar is that of libcalico-go (``lib/selector``)::

    or   = and { "||" and }
    and  = term { "&&" term }
    term = { "!" } ( "(" or ")" | "all()" | "global()" | "has(" key ")" | key operator )
    operator = ("==" | "!=" | "contains" | "starts with" | "ends with") string
             | ("in" | "not in") "{" [string {"," string}] "}"

Blanks and tabs may stand between tokens, newlines may not. An empty text selects everything.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct, structs

from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex

DEEPEST = 100
"""How deep parentheses may nest."""


class SelectorSyntaxError(InvalidSelectorError):
    """A text that is no selector; ``column`` counts from 1."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column


class All(Struct, frozen=True):
    """``all()``."""


class Global(Struct, frozen=True):
    """``global()``: what is in no namespace; only in a namespaceSelector of a rule."""


class Has(Struct, frozen=True):
    """``has(key)``."""

    key: str


class Compare(Struct, frozen=True):
    """``key operator 'value'``; only ``!=`` also holds where the key is absent."""

    key: str
    operator: str
    value: str


class Among(Struct, frozen=True):
    """``key in {...}``, or ``not in``, which also holds where the key is absent."""

    key: str
    values: tuple[str, ...]
    negated: bool = False


class Not(Struct, frozen=True):
    """``! operand``."""

    operand: "Node"


class And(Struct, frozen=True):
    """All of the operands."""

    operands: tuple["Node", ...]


class Or(Struct, frozen=True):
    """Any of the operands."""

    operands: tuple["Node", ...]


Node = All | Global | Has | Compare | Among | Not | And | Or


class _Token(Struct, frozen=True):
    kind: str
    text: str
    column: int


_CALL = r"(?P<call>(?:all|global)\()[ \t]*(?P<end>\))?"
_HAS = r"(?P<has>has\()[ \t]*(?P<name>[A-Za-z0-9_./-]*)[ \t]*(?P<close>\))?"
_START = re.compile(rf"{_CALL}|{_HAS}|(?P<key>[A-Za-z0-9_./-]+)")
_AFTER_KEY = re.compile(r"contains|starts[ \t]*with|ends[ \t]*with|not[ \t]*in|in")
_SYMBOL = re.compile(r"==|!=|&&|\|\||[(){},!]")
_WORDS = {"contains": "contains", "startswith": "starts with", "endswith": "ends with", "notin": "not in", "in": "in"}
_WITH_VALUE = ("==", "!=", "contains", "starts with", "ends with")


def parse(text: str) -> Node:
    """The tree of a selector. Raises :class:`SelectorSyntaxError`."""
    tokens = list(_tokens(text))
    if tokens[0].kind == "end":
        return All()
    parser = _Parser(tokens)
    found = parser.either(0)
    parser.take("end", "&&, || or the end of the selector")
    return found


def _tokens(text: str) -> Iterator[_Token]:
    position, after_key = 0, False
    while True:
        while position < len(text) and text[position] in " \t":
            position += 1
        if position == len(text):
            yield _Token("end", "", position + 1)
            return
        token, position = _token(text, position, after_key)
        after_key = token.kind == "key"
        yield token


def _token(text: str, position: int, after_key: bool) -> tuple[_Token, int]:
    """The token at a position, and where it ends."""
    column, quote = position + 1, text[position]
    if quote in "'\"":
        end = text.find(quote, position + 1)
        if end < 0:
            raise SelectorSyntaxError(column, "this string does not end")
        return _Token("string", text[position + 1 : end], column), end + 1
    if symbol := _SYMBOL.match(text, position):
        return _Token(symbol[0], symbol[0], column), symbol.end()
    if after_key:
        word = _AFTER_KEY.match(text, position)
        if word is None:
            raise SelectorSyntaxError(column, "expected an operator after a key")
        return _Token(_WORDS[re.sub(r"[ \t]", "", word[0])], word[0], column), word.end()
    found = _START.match(text, position)
    if found is None:
        raise SelectorSyntaxError(column, f"unexpected {quote!r}")
    if found["key"]:
        return _Token("key", found["key"], column), found.end()
    return _call(found, column), found.end()


def _call(found: re.Match[str], column: int) -> _Token:
    if found["call"]:
        if not found["end"]:
            raise SelectorSyntaxError(found.end() + 1, f"expected ) after {found['call']}")
        return _Token(found["call"], "", column)
    if not found["name"]:
        raise SelectorSyntaxError(found.start("name") + 1, "expected a key after has(")
    if not found["close"]:
        raise SelectorSyntaxError(found.end() + 1, "expected ) after has(")
    return _Token("has", found["name"], column)


class _Parser:
    """Recursive descent over the tokens of one selector."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def take(self, kind: str, expected: str) -> _Token:
        """The next token, which must be of a kind."""
        token = self._tokens[self._at]
        if token.kind != kind:
            raise SelectorSyntaxError(token.column, f"expected {expected}")
        self._at += 1
        return token

    def either(self, depth: int) -> Node:
        operands = self._joined("||", lambda: self._both(depth))
        return operands[0] if len(operands) == 1 else Or(operands)

    def _both(self, depth: int) -> Node:
        operands = self._joined("&&", lambda: self._term(depth))
        return operands[0] if len(operands) == 1 else And(operands)

    def _joined(self, operator: str, operand: Callable[[], Node]) -> tuple[Node, ...]:
        found = [operand()]
        while self._tokens[self._at].kind == operator:
            self._at += 1
            found.append(operand())
        return tuple(found)

    def _term(self, depth: int) -> Node:
        negated = False
        while self._tokens[self._at].kind == "!":
            negated = not negated
            self._at += 1
        found = self._operation(depth)
        return Not(found) if negated else found

    def _operation(self, depth: int) -> Node:
        token = self._tokens[self._at]
        self._at += 1
        match token.kind:
            case "has":
                return Has(token.text)
            case "all(":
                return All()
            case "global(":
                return Global()
            case "key":
                return self._of_key(token.text)
            case "(" if depth < DEEPEST:
                found = self.either(depth + 1)
                self.take(")", "&&, || or )")
                return found
            case "(":
                raise SelectorSyntaxError(token.column, f"parentheses nest deeper than {DEEPEST}")
        raise SelectorSyntaxError(token.column, "expected a key, has(), all(), global(), ! or (")

    def _of_key(self, key: str) -> Node:
        operator = self._tokens[self._at]
        self._at += 1
        if operator.kind in _WITH_VALUE:
            return Compare(key, operator.kind, self.take("string", "a string").text)
        if operator.kind in ("in", "not in"):
            return Among(key, self._values(), operator.kind == "not in")
        raise SelectorSyntaxError(operator.column, "expected an operator after a key")

    def _values(self) -> tuple[str, ...]:
        self.take("{", "{")
        found = []
        while self._tokens[self._at].kind == "string":
            found.append(self.take("string", "a string").text)
            if self._tokens[self._at].kind != ",":
                break
            self._at += 1
        self.take("}", "a string or }")
        return tuple(found)


def text_of(node: Node) -> str:
    """A selector that parses to an equal tree."""
    match node:
        case All():
            return "all()"
        case Global():
            return "global()"
        case Has(key):
            return f"has({key})"
        case Compare(key, operator, value):
            return f"{key} {operator} {_quoted(value)}"
        case Among(key, values, negated):
            return f"{key} {'not in' if negated else 'in'} {{{', '.join(map(_quoted, values))}}}"
        case Not(operand):
            return f"!({text_of(operand)})"
        case And(operands):
            return " && ".join(f"({text_of(operand)})" for operand in operands)
        case Or(operands):
            return " || ".join(f"({text_of(operand)})" for operand in operands)


def _quoted(value: str) -> str:
    return f"'{value}'" if '"' in value else f'"{value}"'


def keys_of(node: Node) -> frozenset[str]:
    """Label keys a selector looks at."""
    match node:
        case Has(key) | Compare(key) | Among(key):
            return frozenset([key])
        case Not(operand):
            return keys_of(operand)
        case And(operands) | Or(operands):
            return frozenset[str]().union(*map(keys_of, operands))
    return frozenset()


def has_global(node: Node) -> bool:
    """Whether ``global()`` stands anywhere in a selector."""
    match node:
        case Global():
            return True
        case Not(operand):
            return has_global(operand)
        case And(operands) | Or(operands):
            return any(map(has_global, operands))
    return False


def prefixed(node: Node, prefix: str, everything: Node) -> Node:
    """The selector with every key prefixed and ``everything`` in place of ``all()``; ``global()`` is its opposite.

    So a selector on the labels of namespaces becomes one on the labels that pods inherit from theirs (``pcns.``).
    """
    match node:
        case All():
            return everything
        case Global():
            return Not(everything)
        case Has() | Compare() | Among():
            return structs.replace(node, key=prefix + node.key)
        case Not(operand):
            return Not(prefixed(operand, prefix, everything))
        case And(operands) | Or(operands):
            return structs.replace(node, operands=tuple(prefixed(o, prefix, everything) for o in operands))


def select(node: Node, index: LabelIndex) -> int:
    """The things a selector matches, as a mask."""
    match node:
        case All() | Global():
            return index.everything
        case Has(key):
            return index.keys.get(key, 0)
        case Compare(key, "==", value):
            return index.labels.get((key, value), 0)
        case Compare(key, "!=", value):
            return index.everything & ~index.labels.get((key, value), 0)
        case Compare(key, operator, value):
            return _holding(index, key, operator, value)
        case Among(key, values, negated):
            among = _united(index.labels.get((key, value), 0) for value in values)
            return index.everything & ~among if negated else among
        case Not(operand):
            return index.everything & ~select(operand, index)
        case And(operands):
            mask = index.everything
            for operand in operands:
                mask &= select(operand, index)
            return mask
        case Or(operands):
            return _united(select(operand, index) for operand in operands)


def _holding(index: LabelIndex, key: str, operator: str, part: str) -> int:
    holds = {"contains": str.__contains__, "starts with": str.startswith, "ends with": str.endswith}[operator]
    return _united(mask for (name, value), mask in index.labels.items() if name == key and holds(value, part))


def _united(masks: Iterator[int]) -> int:
    united = 0
    for mask in masks:
        united |= mask
    return united
