"""Cilium: deny precedence, entities, L7 and FQDN conditions into masks (NET-100..115)."""
