"""The graph of all edges, cheapest paths in it, and how paths are shown."""
