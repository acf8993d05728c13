"""What a lint is."""

from msgspec import Struct

from kubeaudit.proof import Evidence
from kubeaudit.refs import ObjectRef


class Lint(Struct, frozen=True, order=True):
    """One thing that is wrong with a policy. ``name`` is its kind, ``text`` a sentence, ``number`` the statement of
    network.md behind it.
    """

    name: str
    object: ObjectRef
    text: str
    number: str
    evidence: tuple[Evidence, ...] = ()
