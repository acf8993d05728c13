"""Policies of nodes, whatever dialect they are of: what they say of traffic of nodes and of host-network pods."""
