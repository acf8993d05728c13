"""Tests of reading clusters and files."""
