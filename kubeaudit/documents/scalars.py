"""What an unquoted YAML scalar stands for, as go-yaml 2.4 has it (resolve.go), which sigs.k8s.io/yaml reads with."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal

Scalar = str | bool | int | float | None

_WORDS: Mapping[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(?:0[bB]([01]+)|0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SEPARATOR = re.compile(r"(?<=[0-9])_(?=[0-9])")
_NUMERIC = frozenset("+-.0123456789")
_BASES = (2, 16, 8, 10)


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar; not-a-number and the infinities are floats, which JSON cannot hold."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    # Underscores go anywhere in a number, but between digits where it begins with a point (strconv.ParseFloat).
    digits = _SEPARATOR.sub("", text) if text[0] == "." else text.replace("_", "")
    if (found := _INTEGER.fullmatch(digits)) is not None:
        sign, *numerals = found.groups()
        size = next(int(numeral, base) for numeral, base in zip(numerals, _BASES, strict=True) if numeral)
        # Beyond 64 bits go-yaml takes a decimal numeral for a float and any other for a string.
        if size <= 1 << 63 if sign == "-" else size < 1 << (63 if sign else 64):
            return -size if sign == "-" else size
    if _FLOAT.fullmatch(digits) is not None and math.isfinite(number := float(digits)):
        # Go writes such a float in its shortest digits and without a fraction, so the server sees an integer.
        return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number
    return text


def finite(value: Scalar) -> bool:
    """Whether JSON can hold the value."""
    return not isinstance(value, float) or math.isfinite(value)
