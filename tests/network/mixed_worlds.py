"""Random clusters in which every dialect stands that one network plugin implements, and some that it does not."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from hypothesis import strategies as st

from .calico_worlds import calico_objects
from .cilium_worlds import API_SERVERS, around, cilium_objects
from .clusters import Object
from .mesh_worlds import meshed
from .naive.world import NO, UNKNOWN, YES, Plugin, World
from .tier_worlds import tier_policies
from .worlds import place, places, plugins, policies

_rarely = st.integers(0, 4).map(lambda found: found == 0)
_booleans, _never = st.booleans(), st.just(False)
_some_of_mesh = st.sampled_from((0, 3))
_at_most_two = st.integers(0, 2)
_TIERS_OF_CALICO = ((YES, NO), (YES, NO), (NO, YES), (UNKNOWN, UNKNOWN), (NO, NO))
"""AdminNetworkPolicy from 3.29, ClusterNetworkPolicy in its place from 3.32; of an unknown version, and before."""

_calico = st.builds(
    lambda tiers, drops: Plugin("calico", exempt_to=False, drops_to=drops, implements=(*tiers, YES, NO)),
    st.sampled_from(_TIERS_OF_CALICO),
    st.sampled_from((YES, NO, NO, UNKNOWN)),
)
_cilium = st.builds(
    lambda nodes, exempt, isolates: Plugin(
        "cilium",
        pods=NO,
        nodes=nodes,
        exempt_from=exempt,
        exempt_to=False,
        implements=(NO, NO, NO, YES),
        isolates_all=isolates,
    ),
    st.sampled_from((YES, NO)),
    st.booleans(),
    _rarely,
)
_knp = st.just(Plugin("kube-network-policies", implements=(YES, YES, NO, NO)))
_none = st.just(Plugin("flannel", NO, UNKNOWN))
_unknown = st.just(Plugin("", UNKNOWN, UNKNOWN, implements=(UNKNOWN,) * 4))


@st.composite
def _mixed(
    draw: st.DrawFn,
    plugin: st.SearchStrategy[Plugin],
    tiers: st.SearchStrategy[bool],
    calico: st.SearchStrategy[bool],
    cilium: st.SearchStrategy[bool],
    mesh: st.SearchStrategy[int] = _some_of_mesh,
) -> World:
    """``tiers``, ``calico`` and ``cilium`` say whether there are objects of the dialect, ``mesh`` how many at most."""
    world = draw(places(4))
    listed: list[Object] = [draw(policies(number)) for number in range(draw(st.integers(0, 2)))]
    others, api_server = list[Object](), draw(API_SERVERS)
    if draw(tiers):
        listed += draw(tier_policies(3))
    if draw(calico):
        listed += draw(calico_objects(3))
    if draw(cilium):
        listed += draw(cilium_objects(3))
        others += around(api_server)
    if most := draw(mesh):
        of_mesh, beside = draw(meshed(world, most))
        listed, others = listed + of_mesh, others + beside
    pods = [*world.pods, *(draw(_replicas(draw(st.sampled_from(world.pods)), n)) for n in range(draw(_at_most_two)))]
    return replace(world, plugin=draw(plugin), pods=pods, policies=listed, others=others, api_server=api_server)


@st.composite
def _replicas(draw: st.DrawFn, of: Object, number: int) -> Object:
    """A pod of the same workload, perhaps at another place."""
    made = deepcopy(of)
    made["metadata"]["name"] = f"r{number}"
    place(draw, made)
    return made


_always: st.SearchStrategy[bool] = st.just(True)
MIXED: dict[str, Callable[[], st.SearchStrategy[World]]] = {
    "calico": lambda: _mixed(_calico, _booleans, _always, _rarely),
    "cilium": lambda: _mixed(_cilium, _rarely, _rarely, _always),
    "kube-network-policies": lambda: _mixed(_knp, _always, _rarely, _rarely),
    "no plugin": lambda: _mixed(_none, _rarely, _rarely, _rarely, st.just(6)),
    "unknown plugin": lambda: _mixed(_unknown, _booleans, _booleans, _booleans),
    "plugins of no table": lambda: _mixed(plugins(), _booleans, _never, _never),
}
"""By profile."""
