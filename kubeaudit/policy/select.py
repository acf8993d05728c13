"""Which policies a run was asked for (CHK-09)."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from kubeaudit.errors import UsageError
from kubeaudit.policy.problems import near
from kubeaudit.policy.schema import Default, Policy


def select(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """Policies by ids, themes and globs of ids, e.g. ``pod-*``; those that are on by default where ``select`` is empty.

    Raises :class:`UsageError` for words that name no policy, all at once, and where nothing is left.
    """
    unknown = [word for word in (*select, *ignore) if not any(_names(word, policy) for policy in policies)]
    if unknown:
        known = sorted({name for policy in policies for name in (policy.id, policy.theme)})
        told = "\n".join(f"  {word} names no check{near(word, known)}" for word in unknown)
        raise UsageError(f"unknown checks:\n{told}", "a word is the id of a check, a theme, or a glob such as pod-*")
    chosen = [
        policy
        for policy in policies
        if (any(_names(word, policy) for word in select) if select else policy.default is Default.ON)
        and not any(_names(word, policy) for word in ignore)
    ]
    if not chosen:
        raise UsageError("no check is selected", "select ids, themes or globs, and ignore fewer")
    return tuple(chosen)


def _names(word: str, policy: Policy) -> bool:
    return word in (policy.id, policy.theme) or fnmatchcase(policy.id, word)
