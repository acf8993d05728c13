"""Values on their way out: without nulls, and as YAML text."""

from typing import TYPE_CHECKING

import yaml

from kubeaudit.documents.scalars import resolve

if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeDumper as _Base
else:  # libyaml writes five times as fast
    from yaml import CSafeDumper as _Base

_STRING = "tag:yaml.org,2002:str"
_BREAKS = frozenset("\x85\u2028\u2029")
"""Characters that YAML 1.1 takes for line ends, and that only double quotes keep."""


def drop_nulls(value: object, text_maps: frozenset[str] = frozenset()) -> object:
    """The value without fields that are null, as the API machinery decodes it into its types. Items of lists stay.

    ``text_maps`` names fields that are maps of strings: a null in one is an empty string (``matchLabels: {app: null}``
    selects ``app=""``, not everything).
    """
    if isinstance(value, dict):
        kept: dict[str, object] = {}
        for key, item in value.items():
            if key in text_maps and isinstance(item, dict):
                kept[key] = {name: "" if text is None else text for name, text in item.items()}
            elif item is not None:
                kept[key] = drop_nulls(item, text_maps)
        return kept
    if isinstance(value, list):
        return [drop_nulls(item, text_maps) for item in value]
    return value


def dump(value: object) -> str:
    """YAML text in block style, keys in the order given; reads back as the same value."""
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1 << 16
    )


class _Dumper(_Base):
    """Writes what go-yaml reads back: strings that it would take for something else are quoted; nothing is an alias."""

    def ignore_aliases(self, data: object) -> bool:
        """Every value is written in full."""
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        """A string: in a block where it has lines, quoted where it has to be."""
        if not _BREAKS.isdisjoint(data):
            return self.represent_scalar(_STRING, data, style='"')
        if "\n" in data:
            return self.represent_scalar(_STRING, data, style="|")
        return self.represent_scalar(_STRING, data, style=None if isinstance(resolve(data), str) else "'")


_Dumper.add_representer(str, _Dumper.text)
