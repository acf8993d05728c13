"""What Calico's profiles say after the last tier (NET-121).

The profile of a pod's namespace allows everything, unless the first rules of an object say otherwise; then that of its
service account follows, and what neither matches is allowed. With the Kubernetes datastore Calico makes both from the
namespace and the service account and takes no others, so where they cannot be read the default stands.
"""

from collections.abc import Iterator

from msgspec import Struct

from kubeaudit.model.objects.calico import Profile, Rule
from kubeaudit.network.calico.fields import RefusedError
from kubeaudit.network.calico.labels import Labels
from kubeaudit.network.calico.objects import PROFILES, every
from kubeaudit.network.calico.rules import Rules
from kubeaudit.network.calico.tiers import PROFILES as AFTER_TIERS
from kubeaudit.network.compiled import CompiledPolicy, Entry, Half
from kubeaudit.network.masks import Masks
from kubeaudit.network.verdicts import Action, Direction
from kubeaudit.refs import ObjectRef


class _Profile(Struct, frozen=True):
    """A profile as masks; ``place`` is its number among those of a pod."""

    key: str
    ref: ObjectRef
    source: Profile
    selected: int
    halves: tuple[Half, ...]
    faulty: bool

    def as_policy(self, place: float, directions: set[Direction]) -> CompiledPolicy:
        """The profile in the tier of profiles, for some directions."""
        halves = tuple(half for half in self.halves if half.direction in directions)
        faulty = self.selected if self.faulty else 0
        order = (place, self.ref.name)
        return CompiledPolicy(
            self.ref,
            self.key,
            self.source,
            self.selected,
            halves,
            AFTER_TIERS,
            order,
            ("spec",),
            faulty=faulty,
            ordered=True,
        )


def compile_all(masks: Masks, labels: Labels) -> Iterator[CompiledPolicy]:
    """The profiles of namespaces with rules that do not allow everything at once, and those of service accounts."""
    listed = {ref.name: (key, ref, profile) for key, ref, profile in every(masks.held, PROFILES, "Profile", Profile)}
    for space, members in masks.universe.members.items():
        found = listed.get(f"kns.{space}")
        if found is None:
            continue
        first = _compiled(masks, labels, found, members & labels.pods)
        ruled = {direction for direction in Direction if _rules(found[2], direction)}
        changed = {half.direction for half in first.halves if half.direction in ruled and not _allows_all(half, masks)}
        if not changed:
            continue
        yield first.as_policy(0.0, changed)
        for (inside, account), holders in labels.accounts.items():
            after = listed.get(f"ksa.{space}.{account}") if inside == space else None
            if after is not None:
                yield _compiled(masks, labels, after, holders & labels.pods).as_policy(1.0, changed)


def _compiled(masks: Masks, labels: Labels, found: tuple[str, ObjectRef, Profile], selected: int) -> _Profile:
    key, ref, profile = found
    compiler, halves, reported = Rules(masks, labels, ""), list[Half](), len(masks.problems)
    for direction in Direction:
        entries = list[Entry]()
        for number, rule in enumerate(_rules(profile, direction)):
            try:
                if rule.action == "Pass":
                    place = ("spec", str(direction), number, "action")
                    raise RefusedError(place, "action Pass stands in a profile, after which there is no tier")
                entries += compiler.entries(direction, number, rule, selected)
            except RefusedError as error:
                masks.report(ref, error.place, str(error))
        halves.append(Half(direction, tuple(entries), isolates=False))
    return _Profile(key, ref, profile, selected, tuple(halves), len(masks.problems) > reported)


def _rules(profile: Profile, direction: Direction) -> tuple[Rule, ...]:
    return profile.spec.ingress if direction is Direction.INGRESS else profile.spec.egress


def _allows_all(half: Half, masks: Masks) -> bool:
    """Whether the first rule lets everything pass, as that of a namespace's own profile does."""
    for entry in half.entries[:1]:
        whole = entry.peers == masks.universe.everything and entry.ports == masks.ports.everything
        return whole and entry.action is Action.ALLOW and not entry.condition
    return False
