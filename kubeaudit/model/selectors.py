"""Label selectors as bit masks (architecture.md, idea 3; network.md A-5, A-6).

A set of things (workload classes, namespaces) is a Python int, one bit each. One mask per label and per key makes any
selector a few ANDs.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress

from msgspec import Struct

from kubeaudit.model.objects.meta import LabelSelector, Requirement

_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_DOMAIN = 253
_BITS = bytes.maketrans(b"01", b"\x00\x01")
_SPARSE = 16
"""Taking one bit off a mask costs about what reading so many digits costs."""


class InvalidSelectorError(ValueError):
    """A selector the API server refuses; in files it matches nothing and is reported (NET-20)."""


class LabelIndex(Struct, frozen=True):
    """Masks of the things that carry a label, and that carry a key; ``everything`` has one bit per thing."""

    labels: dict[tuple[str, str], int]
    keys: dict[str, int]
    everything: int

    def select(self, selector: LabelSelector) -> int:
        """The things a selector matches. Raises :class:`InvalidSelectorError`.

        matchLabels and matchExpressions are ANDed (NET-18); NotIn and DoesNotExist also match an absent key (NET-19).
        """
        mask = self.everything
        for requirement in selector.match_expressions:
            mask &= self._requirement(requirement)
        for pair in selector.match_labels.items():
            mask &= self.labels.get(pair, 0)
        return mask

    def _requirement(self, requirement: Requirement) -> int:
        key, values = requirement.key, requirement.values
        has = self.keys.get(key, 0)
        match requirement.operator:
            case "In" | "NotIn" if values:
                among = 0
                for value in values:
                    among |= self.labels.get((key, value), 0)
                return among if requirement.operator == "In" else self.everything & ~among
            case "Exists" if not values:
                return has
            case "DoesNotExist" if not values:
                return self.everything & ~has
            case "In" | "NotIn":
                raise InvalidSelectorError(f"operator {requirement.operator} on key {key} needs values")
            case "Exists" | "DoesNotExist":
                raise InvalidSelectorError(f"operator {requirement.operator} on key {key} takes no values")
            case other:
                raise InvalidSelectorError(
                    f"operator {other or '(empty)'} on key {key} is not In, NotIn, Exists or DoesNotExist"
                )


def index(things: Sequence[Mapping[str, str]]) -> LabelIndex:
    """Index the labels of things; bit i stands for ``things[i]``."""
    labels: dict[tuple[str, str], list[int]] = {}
    for position, mapping in enumerate(things):
        for pair in mapping.items():
            labels.setdefault(pair, []).append(position)
    masks = {pair: mask_of(positions) for pair, positions in labels.items()}
    keys: dict[str, int] = {}
    for (key, _), mask in masks.items():
        keys[key] = keys.get(key, 0) | mask
    return LabelIndex(masks, keys, (1 << len(things)) - 1)


def keys_of(selector: LabelSelector) -> set[str]:
    """Label keys a selector looks at."""
    return set(selector.match_labels) | {requirement.key for requirement in selector.match_expressions}


def check(selector: LabelSelector) -> None:
    """Raise :class:`InvalidSelectorError` for a key or value that no label may have (NET-20)."""
    terms = [(r.key, r.values) for r in selector.match_expressions]
    terms += [(key, (value,)) for key, value in selector.match_labels.items()]
    for key, found in terms:
        domain, slash, name = key.rpartition("/")
        if not _WORD.fullmatch(name) or (slash and not (_DOMAIN.fullmatch(domain) and len(domain) <= _LONGEST_DOMAIN)):
            raise InvalidSelectorError(f"{key!r} is no label key")
        for value in found:
            if value and not _WORD.fullmatch(value):
                raise InvalidSelectorError(f"{value!r} is no label value")


def mask_of(positions: Iterable[int]) -> int:
    """The mask with these bits set. Built through bytes: ORing single bits one by one is quadratic in the width."""
    found = list(positions)
    if not found:
        return 0
    bits = bytearray(max(found) // 8 + 1)
    for position in found:
        bits[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(bits, "little")


def bits_of(mask: int) -> list[int]:
    """Positions of the set bits, ascending. A few are taken off one by one; many are read off the written number."""
    if mask.bit_count() * _SPARSE > mask.bit_length():
        return list(compress(range(mask.bit_length()), f"{mask:b}"[::-1].encode().translate(_BITS)))
    found: list[int] = []
    while mask:
        found.append(mask.bit_length() - 1)
        mask ^= 1 << found[-1]
    found.reverse()
    return found
