"""Kubernetes objects by API group: Structs that name only the fields that are read."""
