"""``python -m kubeaudit``."""

from kubeaudit.cli import main

main()
