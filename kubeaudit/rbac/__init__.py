"""The exact RBAC engine: what rules, roles and bindings allow, to whom, with proof. ``access.build`` is the door."""
