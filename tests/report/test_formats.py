"""What holds for every output: the registry, REP-02, REP-04, and what names may not do (REP-41)."""

import subprocess
import sys

import pytest

from kubeaudit.report import FORMATS

from .names import ANSI, RTL
from .sample import empty, many, sample

NAMES = sorted(FORMATS)


def test_registry_names_match() -> None:
    assert NAMES == ["html", "json", "sarif", "text"]
    assert all(name == item.name for name, item in FORMATS.items())
    assert [name for name in NAMES if not FORMATS[name].text] == ["html"]


@pytest.mark.parametrize("name", NAMES)
def test_rep_04_same_document_gives_same_bytes(name: str) -> None:
    assert FORMATS[name].render(sample()) == FORMATS[name].render(sample())


@pytest.mark.parametrize("name", NAMES)
def test_rep_04_bytes_do_not_depend_on_the_hash_seed(name: str) -> None:
    program = (
        "import hashlib, sys; from report.sample import sample; from kubeaudit.report import FORMATS;"
        "print(hashlib.sha256(FORMATS[sys.argv[1]].render(sample())).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program, name],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path for path in sys.path if path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["html", "sarif", "text"])
def test_rep_02_states_what_was_not_seen(name: str) -> None:
    text = FORMATS[name].render(sample()).decode()
    flat = " ".join(text.split())
    assert "78 %" in flat
    for resource in ("configmaps", "networkpolicies.networking.k8s.io", "pods"):
        assert resource in flat
    assert "403" in flat
    for check in ("net-namespace-no-policy", "net-cni-enforces", "cp-anonymous-auth"):
        assert check in flat


@pytest.mark.parametrize("name", ["html", "sarif", "text"])
def test_rep_41_no_control_or_bidirectional_character_gets_out(name: str) -> None:
    text = FORMATS[name].render(sample()).decode()
    assert not {char for char in text if not char.isprintable()} - {"\n"}
    assert RTL.replace("\u202e", "\\u202e" if name != "sarif" else "\\\\u202e") in text
    assert ANSI not in text


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_dropped_in_a_large_result(name: str) -> None:
    result = many(300)
    text = FORMATS[name].render(result).decode()
    if name == "text":
        assert "300" in text
    else:
        assert all(finding.fingerprint in text for finding in result.findings)


@pytest.mark.parametrize("name", NAMES)
def test_a_clean_run_renders(name: str) -> None:
    assert FORMATS[name].render(empty())


def test_importing_the_registry_loads_no_renderer() -> None:
    program = "import sys, kubeaudit.report; print([m for m in ('jinja2', 'rich') if m in sys.modules])"
    path = ":".join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
