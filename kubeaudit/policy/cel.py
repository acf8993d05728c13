"""The door to CEL: compiles expressions, evaluates them, and tells which fields they read.

The engine is cel-expr-python, the official C++ runtime; it is loaded when the first expression is compiled. Expressions
use what a ValidatingAdmissionPolicy may use of the standard library, strings and optional values (kubernetes.io,
"Common Expression Language in Kubernetes").
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from kubeaudit.policy.fields import fields_of
from kubeaudit.policy.schema import PARAMS, Field

_PROBLEM = re.compile(
    r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[INVALID_ARGUMENT\])?$", re.MULTILINE
)
_STATUS = re.compile(r"^[A-Z_]+: ")


class Fault(Struct, frozen=True):
    """One thing wrong with an expression; line and column count from 1 within it."""

    line: int
    column: int
    text: str


class CompileError(Exception):
    """An expression that is no CEL, names an unknown variable or function, or yields no bool."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


class Answer(Struct, frozen=True):
    """What an expression yields: true or false, or None and the ``error`` (CHK-06: never a verdict)."""

    value: bool | None
    error: str = ""


class Program:
    """A compiled expression and the ``fields`` it reads."""

    def __init__(self, compiled: Any, environment: Any, fields: tuple[Field, ...]) -> None:
        self._compiled = compiled
        self._environment = environment
        self.fields = fields

    def evaluate(self, bindings: Mapping[str, object]) -> Answer:
        """Evaluate over JSON values, one for each variable the program was compiled with."""
        try:
            value = self._compiled.eval(self._environment.Activation(bindings))
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            return Answer(None, _STATUS.sub("", str(error)))
        plain = value.plain_value()
        # An error is a value of type ERROR whose text is truthy, so the type is asked before the value.
        if value.type().name() == "ERROR":
            return Answer(None, _STATUS.sub("", str(plain)))
        if not isinstance(plain, bool):
            return Answer(None, f"yields {value.type().name().lower()}, not bool")
        return Answer(plain)


def compile_expression(expression: str, variables: tuple[str, ...]) -> Program:
    """Compile and check an expression over the named variables and ``params``. Raises :class:`CompileError`."""
    names = (*variables, PARAMS)
    environment = _environment(names)
    try:
        compiled = environment.compile(expression)
    except RuntimeError as error:
        raise CompileError(_faults(str(error))) from error
    result = compiled.return_type().name()
    if result not in ("BOOL", "DYN"):
        raise CompileError((Fault(1, 1, f"yields {result.lower()}, not bool"),))
    return Program(compiled, environment, fields_of(compiled.serialize(), names))


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional, ext_strings

    extensions = [ext_strings.ExtStrings(), ext_optional.ExtOptional()]
    return cel.NewEnv(variables=dict.fromkeys(variables, cel.Type.DYN), extensions=extensions)


def _faults(text: str) -> tuple[Fault, ...]:
    found = tuple(Fault(max(int(line), 1), max(int(column), 1), told) for line, column, told in _PROBLEM.findall(text))
    return found or (Fault(1, 1, _STATUS.sub("", text)),)
