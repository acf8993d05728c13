"""kubeaudit: what can be reached from where in a Kubernetes cluster, what can be done from there, and which changes
close it.
"""

__version__ = "0.1.0"
