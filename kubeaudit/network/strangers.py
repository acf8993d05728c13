"""Pods that do not exist yet, as the selectors of rules name them: who could come and be let in.

A stranger stands for every pod that one peer of a rule matches. Of its labels only what that peer asks for is known, so
a rule holds for it where its selectors follow from that. It has no policies of its own, no ports and no address.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct, structs

from kubeaudit.model.cluster import METADATA_NAME, Cluster
from kubeaudit.model.implied import Form, Known, form, implies, known
from kubeaudit.model.objects.admin import AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy
from kubeaudit.model.objects.meta import LabelSelector, Requirement
from kubeaudit.model.objects.pods import PodSpec
from kubeaudit.model.selectors import InvalidSelectorError, LabelIndex, index
from kubeaudit.model.workloads import Workload, WorkloadClass
from kubeaudit.network import adminfields, fields
from kubeaudit.network.universe import Universe
from kubeaudit.network.verdicts import Direction
from kubeaudit.refs import ObjectRef
