"""Lifelike cluster objects for the benchmarks: what an API server would return for a cluster of a given size."""
