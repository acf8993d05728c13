"""Network plugins: which one runs, what it enforces, and what it makes of what Kubernetes leaves open."""
