"""How long the network engine takes, and how much memory: PERF-1, PERF-2 and PERF-3 of network.md, and how it grows.

    python -m benchmarks.network

The clusters are synthetic: applications in namespaces with tier and team labels, half of the policies with an egress ipBlock and an
exception. Computing is compiling the policies and turning the rows round until the sources of every class on every port stand as masks.
Decoding the snapshot is not part of it and is printed apart. The baseline asks every rule for every pair of pods, as the tools that are
compared in network.md do; it runs on a small cluster, where its answers are also compared with the engine's.
"""

import gc
import json
import math
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
