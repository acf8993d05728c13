"""The HTML report (REP-30..42), read the way a browser without style and script reads it."""

import base64
import hashlib
import re
from collections import Counter
from itertools import pairwise

import pytest
from msgspec.structs import replace

from kubeaudit import findings
from kubeaudit.findings import ScanResult
from kubeaudit.proof import dotted
from kubeaudit.report import html
from kubeaudit.report.visible import visible
from kubeaudit.settings import Severity

from .names import LONG, MARKUP
from .page import Page, parse
from .sample import empty, many, sample


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(html.render(sample()).decode())


def test_rep_39_one_h1_landmarks_language_and_charset(page: Page) -> None:
    counts = Counter(element.tag for element in page.elements)
    assert {tag: counts[tag] for tag in ("h1", "main", "nav", "footer")} == {"h1": 1, "main": 1, "nav": 1, "footer": 1}
    assert page.first("html").attributes["lang"] == "en"
    assert page.first("meta").attributes == {"charset": "utf-8"}


def test_the_file_begins_with_its_doctype() -> None:
    assert html.render(empty()).startswith(b'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset')


def test_rep_39_headings_do_not_skip_a_level(page: Page) -> None:
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_rep_39_tables_have_caption_and_scoped_headers(page: Page) -> None:
    counts = Counter(element.tag for element in page.elements)
    assert counts["table"] == counts["caption"] > 5
    assert all(element.attributes.get("scope") in {"col", "row"} for element in page.elements if element.tag == "th")


def test_elements_are_closed_and_ids_unique(page: Page) -> None:
    assert page.mistakes == []
    ids = Counter(element.attributes["id"] for element in page.elements if "id" in element.attributes)
    assert [name for name, number in ids.items() if number > 1] == []


def test_every_link_leads_to_a_place_on_the_page(page: Page) -> None:
    ids = {element.attributes.get("id") for element in page.elements}
    links = [element.attributes["href"] for element in page.elements if element.tag == "a"]
    assert len(links) > 20
    assert [link for link in links if not link.startswith("#") or link[1:] not in ids] == []


def test_rep_30_no_element_fetches_anything(page: Page) -> None:
    fetching = {"src", "srcset", "action", "data", "poster", "background", "cite", "ping", "formaction", "xlink:href"}
    assert [e for e in page.elements if fetching & set(e.attributes)] == []
    assert not {"link", "img", "iframe", "object", "embed", "base", "audio", "video"} & {e.tag for e in page.elements}
    for element in page.elements:
        for name, value in element.attributes.items():
            assert "://" not in value or name == "content", (element.tag, name, value)
    assert "url(" not in page.first("style").text
    assert "@import" not in page.first("style").text


def test_rep_30_content_policy_allows_only_this_style_and_script(page: Page) -> None:
    (policy,) = [e.attributes["content"] for e in page.elements if "http-equiv" in e.attributes]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.first(tag).text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert sum(element.tag == tag for element in page.elements) == 1


def test_rep_30_no_style_or_event_attribute(page: Page) -> None:
    found = {name for e in page.elements for name in e.attributes if name == "style" or name.startswith("on")}
    assert found == set()


def test_rep_41_names_are_text(page: Page) -> None:
    assert MARKUP in page.text
    assert "<b>.yaml" in page.text
    assert all(element.text != "alert(1)" for element in page.elements)


def test_rep_41_a_long_value_is_folded_and_whole(page: Page) -> None:
    assert LONG in page.text.replace("\n", "")
    assert "65,538 characters" in page.text


def test_report_order_is_that_of_the_design(page: Page) -> None:
    ids = [e.attributes.get("id") for e in page.elements if e.tag == "section" and e.attributes.get("class") is None]
    assert ids == [
        "answer",
        "not-seen",
        "changes",
        "overview",
        "paths",
        "findings",
        "undecided",
        "exposed",
        "access",
        "checks",
        "reads",
        "input",
        "method",
    ]


def test_rep_33_every_gap_stands_before_the_findings(page: Page) -> None:
    before = page.text[: page.text.index("Findings by theme")]
    for gap in sample().coverage.gaps:
        assert gap.resource in before
    assert "(403)" in before
    for check in ("meta-pod-egress", "net-namespace-no-policy", "net-cni-enforces", "cp-anonymous-auth"):
        assert check in before
    for grant in sample().coverage.grants.values():
        assert grant in before


def test_rep_35_every_hop_reads_as_text_and_is_drawn(page: Page) -> None:
    drawings = [element for element in page.elements if element.tag == "svg"]
    assert len(drawings) == len(sample().paths)
    for path in sample().paths:
        for hop in path.hops:
            assert hop.sentence in page.text
            assert hop.verb in page.text
            assert all(line in page.text for line in hop.rechecks)
            assert all(dotted(item.path) in page.text for item in hop.evidence)
            assert hop.fix in page.text
    described = [element.text for element in page.elements if element.tag == "desc"]
    assert any(
        "3. Deployment payments/gateway may connect to" in text and "(not decided)" in text for text in described
    )


def test_rep_35_unknown_hops_are_dashed_and_said(page: Page) -> None:
    assert len([e for e in page.elements if "stroke-dasharray" in e.attributes]) == 1
    assert "not decided" in page.text


def test_rep_34_a_finding_has_its_proof(page: Page) -> None:
    for finding in sample().findings:
        assert visible(finding.message) in page.text
        assert finding.fingerprint in page.text
        assert any(e.attributes.get("id") == f"f-{finding.fingerprint[:16]}" for e in page.elements)
        assert all(dotted(item.path) in page.text for item in finding.evidence)
        if finding.patch:
            assert finding.patch.after in page.text


def test_rep_31_the_hash_is_that_of_the_json_document(page: Page) -> None:
    assert hashlib.sha256(findings.encode(sample())).hexdigest() in page.text
    for word in ("Prepared by", "Reviewed by", "Date", "Statement"):
        assert word in page.text


def test_chk_01_every_selected_check_stands_with_its_counts(page: Page) -> None:
    part = page.text[page.text.index("Every selected check with its counts") :]
    assert all(check.id in part for check in sample().checks)


def test_answer_numbers_lead_to_their_sections() -> None:
    page = parse(html.render(sample()).decode())
    links = [(e.text, e.attributes["href"]) for e in page.elements if e.tag == "a" and e.text.isdigit()]
    assert links[:3] == [("1", "#paths"), ("1", "#paths"), ("5", "#undecided")]


def test_nothing_empty_sections_say_so() -> None:
    text = parse(html.render(empty()).decode()).text
    for sentence in (
        "Every kind that the selected checks need was read to its end.",
        "No path from an entry to a crown jewel was found.",
        "No object of the cluster's users fails a selected check.",
        "Every selected check that applies was decided on every object.",
        "No entry point was found.",
        "No subject of the cluster's users is cluster-admin in effect.",
        "No input was left out.",
        "Failed: no check.",
    ):
        assert sentence in text


def test_never_a_false_pass_absence_is_qualified_where_reads_are_missing() -> None:
    result = replace(sample(), entry_points=(), admins=())
    text = parse(html.render(result).decode()).text
    assert "No entry point was found in what was read; see Not seen." in text
    assert "is cluster-admin in effect, as far as was read; see Not seen." in text


def test_a_stopped_run_says_so() -> None:
    result = sample()
    text = parse(html.render(replace(result, run=replace(result.run, complete=False))).decode()).text
    assert text.index("stopped before its end") < text.index("Not seen")


def test_rep_42_five_thousand_findings_stay_under_8_mb_with_every_proof() -> None:
    rendered = html.render(many(5_000))
    assert len(rendered) < 8_000_000
    assert rendered.count(b"kubectl get deployment.apps service-") == 10_000
    assert b"leaves the proof" not in rendered


def test_rep_42_low_findings_above_two_thousand_keep_a_line_and_the_page_says_so() -> None:
    result = many(2_100, Severity.LOW)
    rendered = html.render(result).decode()
    assert "This page lists all 2,100 findings." in rendered
    assert "leaves the proof of 2,100, those of severity low and info first, to the JSON document" in rendered
    assert_all_listed(result, rendered)


def test_rep_09_beyond_five_thousand_the_rest_keeps_a_line() -> None:
    result = many(5_100)
    rendered = html.render(result).decode()
    assert "leaves the proof of 100," in rendered
    assert_all_listed(result, rendered)


def assert_all_listed(result: ScanResult, rendered: str) -> None:
    missing = [f for f in result.findings if f'id="f-{f.fingerprint[:16]}"' not in rendered]
    assert missing == []


def test_findings_that_share_a_fingerprint_have_their_own_anchor() -> None:
    result = sample()
    twin = replace(result, findings=(result.findings[0], result.findings[0]))
    ids = [e.attributes.get("id", "") for e in parse(html.render(twin).decode()).elements]
    base = f"f-{result.findings[0].fingerprint[:16]}"
    assert [name for name in ids if name.startswith(base)] == [base, f"{base}-2"]
