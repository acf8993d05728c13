"""Policies: what they are, how they are loaded and compiled, and the verdicts they give."""
