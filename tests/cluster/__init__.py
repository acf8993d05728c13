"""Tests against a real kube-apiserver on loopback, and the harness that builds, starts and breaks one."""
