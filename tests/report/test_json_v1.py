"""The JSON output and its schema (REP-08, REP-10)."""

from pathlib import Path

import jsonschema
import msgspec
import pytest

from kubeaudit import data, findings
from kubeaudit.report import json_v1

from . import golden
from .sample import empty, many, sample

EXAMPLES = {"sample": sample, "empty": empty, "many": lambda: many(60)}


def test_rep_08_a_saved_document_gives_the_same_result() -> None:
    assert findings.decode(json_v1.render(sample())) == sample()


def test_rep_10_shipped_schema_is_the_one_of_the_code() -> None:
    golden.check(json_v1.SCHEMA_FILE, json_v1.schema_text(), data_folder())


def test_rep_10_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_v1.schema())


@pytest.mark.parametrize("name", EXAMPLES)
def test_rep_10_examples_validate(name: str) -> None:
    validator().validate(msgspec.json.decode(json_v1.render(EXAMPLES[name]())))


def test_rep_10_schema_refuses_what_is_no_document() -> None:
    document = msgspec.json.decode(json_v1.render(sample()))
    document["findings"][0]["severity"] = "catastrophic"
    document["schema"] = "kubeaudit.result/2"
    places = {"/".join(map(str, error.absolute_path)) for error in validator().iter_errors(document)}
    assert places == {"findings/0/severity", "schema"}


def test_rep_10_additions_keep_the_version() -> None:
    document = msgspec.json.decode(json_v1.render(sample()))
    document["later"] = {"added": True}
    validator().validate(document)
    assert findings.decode(msgspec.json.encode(document)) == sample()


def test_sample_document_is_the_fixture_other_tests_read() -> None:
    golden.check("result.json", json_v1.render(sample()).decode())


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(msgspec.json.decode(data.file(json_v1.SCHEMA_FILE).read_bytes()))


def data_folder() -> Path:
    return Path(str(data.file(json_v1.SCHEMA_FILE))).parent


def test_unknown_document_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        findings.decode(b'{"run": 1}')
