from kubeaudit.findings import Certainty, Exposure, ObjectClass, Reason, Unseen, Verdict
from kubeaudit.report import words
from kubeaudit.settings import Severity


def test_every_word_of_the_document_is_explained() -> None:
    assert set(words.MARKS) == set(words.SEVERITIES) == set(Severity)
    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.CERTAINTIES) == set(Certainty)
    assert set(words.EXPOSURES) == set(Exposure)
    assert set(words.CLASSES) == set(ObjectClass)
    assert set(words.REASONS) == set(Reason)


def test_rep_39_every_severity_has_its_own_shape() -> None:
    assert len({*words.MARKS.values(), words.UNKNOWN}) == len(Severity) + 1


def test_chk_08_percent_never_rounds_up() -> None:
    assert words.percent(1.0) == "100 %"
    assert words.percent(0.999) == "99 %"
    assert words.percent(0.29) == "29 %"
    assert words.percent(0.0) == "0 %"


def test_counts_and_times() -> None:
    assert words.count(1, "object") == "1 object"
    assert words.count(1204, "object") == "1,204 objects"
    assert words.count(2, "identity", "identities") == "2 identities"
    assert words.utc("2026-11-24T06:17:00Z") == "2026-11-24 06:17 UTC"
    assert words.utc("") == ""


def test_unseen_names_resource_scope_and_reason() -> None:
    assert words.unseen(Unseen(Reason.FORBIDDEN, "pods", "shop")) == "pods in shop: the API server refused the read"
    assert words.unseen(Unseen(Reason.LIMIT)) == "the search reached a limit of the settings"
    assert words.unseen(Unseen(Reason.UNKNOWN_IMPLEMENTATION, detail="no plugin found")) == "no plugin found"
    assert words.reason("forbidden", 403) == "the API server refused the read (403)"
    assert words.reason("something new") == "something new"
