"""Calico: tiers, profiles, network sets and its selector language into masks (NET-120..131)."""
