"""The door to CEL: errors are no verdicts, faults have places, nothing is loaded before it is used."""

import subprocess
import sys

import pytest

from kubeaudit.policy.cel import Answer, CompileError, Fault, compile_expression

VARIABLES = ("podSpec", "container")


def evaluate(expression: str, pod_spec: object = None, container: object = None) -> Answer:
    program = compile_expression(expression, VARIABLES)
    return program.evaluate({"podSpec": pod_spec or {}, "container": container or {}, "params": {}})


def faults(expression: str) -> tuple[Fault, ...]:
    with pytest.raises(CompileError) as caught:
        compile_expression(expression, VARIABLES)
    return caught.value.faults


def test_true_and_false() -> None:
    assert evaluate("podSpec.hostPID", {"hostPID": True}) == Answer(True)
    assert evaluate("podSpec.hostPID", {"hostPID": False}) == Answer(False)


def test_a_missing_field_is_an_error_and_no_verdict() -> None:
    """CHK-06: the text of an error is truthy, its answer is not."""
    answer = evaluate("podSpec.hostPID")
    assert answer.value is None
    assert answer.error == 'Key not found in map : "hostPID"'


def test_a_value_of_the_wrong_type_is_an_error() -> None:
    assert evaluate("!container.privileged", container={"privileged": "false"}).value is None
    assert evaluate("podSpec.a.startsWith('x')", {"a": 1}).value is None


def test_a_result_that_is_no_bool_is_an_error() -> None:
    assert evaluate("podSpec.a", {"a": "false"}) == Answer(None, "yields string, not bool")
    assert [fault.text for fault in faults("podSpec.?a")] == ["yields optional_type<dyn>, not bool"]


def test_a_number_that_does_not_fit_is_an_error() -> None:
    assert evaluate("podSpec.a == 1", {"a": 2**70}).value is None


def test_an_error_that_does_not_matter_is_absorbed() -> None:
    assert evaluate("podSpec.missing == 1 || true") == Answer(True)


@pytest.mark.parametrize(
    ("expression", "line", "column", "text"),
    [
        ("podSpec.a ==", 1, 13, "Syntax error"),
        ("podSpec.a\n&& pod.b", 2, 7, "undeclared reference to 'pod.b'"),
        ("object.kind == 'Pod'", 1, 7, "undeclared reference to 'object.kind'"),
        ("podSpec.a.quantity() == 1", 1, 19, "undeclared reference to 'quantity'"),
        ("'a' + 1 == 'b'", 1, 5, "no matching overload"),
        ("'text'", 1, 1, "yields string, not bool"),
    ],
)
def test_faults_have_a_place(expression: str, line: int, column: int, text: str) -> None:
    (fault,) = faults(expression)
    assert (fault.line, fault.column) == (line, column)
    assert text in fault.text
    assert "INVALID_ARGUMENT" not in fault.text


def test_all_faults_of_an_expression_are_told() -> None:
    assert [fault.column for fault in faults("first.a && second.b")] == [6, 18]


def test_nothing_is_loaded_before_the_first_expression() -> None:
    code = "import sys, kubeaudit.policy.load as _; sys.exit('cel_expr_python' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
