"""Service meshes: what they take away from connections that policies below let pass (NET-135..141)."""
