"""Which pod may open a connection to which, and what decides it (network.md)."""
