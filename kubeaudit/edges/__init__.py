"""What an attacker can do next: one module a family, each a generator of edges from the model and the two engines."""
