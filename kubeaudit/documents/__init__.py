"""YAML and JSON documents with file, number and line: the only door to PyYAML.

Scalars mean what they mean to the API machinery, not to PyYAML: sigs.k8s.io/yaml reads with go-yaml 2, where ``y``,
``on`` and ``no`` are booleans, ``017`` is fifteen, ``1:20`` and dates are strings, and every key becomes a string. A
key given twice is an error here, where the API machinery keeps the last one without a word.
"""

from kubeaudit.documents.compose import Marks, compose_marked, place
from kubeaudit.documents.read import HELM, Document, Problem, parse
from kubeaudit.documents.write import drop_nulls, dump

__all__ = ["HELM", "Document", "Marks", "Problem", "compose_marked", "drop_nulls", "dump", "parse", "place"]
