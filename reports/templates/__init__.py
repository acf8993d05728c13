"""Templates of the HTML report, installed as kubeaudit.data.templates."""
