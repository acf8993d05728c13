"""Reads a cluster or files into a snapshot: `client` is the door to the API server, `live` and `manifests` the two ways
in.
"""
