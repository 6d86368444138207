import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.result import ScanResult
from recordscan_reports import csv_checks, csv_coverage
from recordscan_reports.csv_checks import CELL_LENGTH, COLUMNS, defused, write_table
from reports.results import RESULTS, accepted, empty, hostile, varied

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("before", ["", " ", "   ", "\u3000", "\t "])
def test_a18_a_cell_that_begins_like_a_formula_gets_an_apostrophe(before: str, start: str) -> None:
    """Also behind blanks, and in full-width forms. (A18)"""
    assert defused(f"{before}{start}1+1") == f"'{before}{start}1+1"


@pytest.mark.parametrize("cell", ["", "a=b", "arn:aws:s3:::b", "1-2", "会議室", " a"])
def test_a18_other_cells_stay(cell: str) -> None:
    assert defused(cell) == cell


@pytest.mark.parametrize("made", RESULTS)
@pytest.mark.parametrize("render", [csv_checks.render, csv_coverage.render])
def test_a18_no_cell_is_a_formula(made: Callable[[], ScanResult], render: Callable[[ScanResult], str]) -> None:
    """In no result, hostile ones included. (A18)"""
    for row in rows(render(made())):
        for cell in row.values():
            assert not cell.strip().startswith(tuple(STARTS)) or cell.startswith("'")
            assert len(cell) <= CELL_LENGTH + 1


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=3, max_size=3))
def test_any_cells_come_back_from_a_reader(cells: list[str]) -> None:
    text = write_table(("a", "b", "c"), [cells])
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True))[1] == [defused(cell) for cell in cells]


@pytest.mark.parametrize("made", RESULTS)
def test_lines_end_with_crlf_and_the_header_is_always_there(made: Callable[[], ScanResult]) -> None:
    text = csv_checks.render(made())
    assert text.startswith(",".join(COLUMNS) + "\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert len(rows(text)) == len(made().assessments)


def test_a_failed_check_has_what_was_expected_and_observed() -> None:
    [row] = [r for r in rows(csv_checks.render(varied())) if r["rule_id"] == "writer-least-privilege"]
    assert row["message"] == (
        "The writer twilio-writer may read and delete every object of the account.; "
        "The writer twilio-writer may upload outside of the prefix."
    )
    assert (row["expected"], row["observed"]) == ("s3:PutObject below the prefix only", "s3:* on *")
    assert row["resource_uid"] == "arn:aws:iam::123456789012:user/twilio-writer arn:aws:s3:::acme-recordings/*"
    assert row["controls"] == "AWS Security Hub S3.14; SOC 2 CC6.1 (our proposal)"
    assert (row["waiver_id"], row["first_seen"]) == ("", "")


def test_waivers_and_the_age_of_findings_have_columns() -> None:
    found = {(r["rule_id"], r["status"]): r for r in rows(csv_checks.render(accepted()))}
    waived = found["bucket-lifecycle", "waived"]
    assert waived["raw_status"] == "fail"
    assert (waived["waiver_id"], waived["waiver_state"], waived["waiver_owner"]) == (
        "WV-2026-014",
        "active",
        "video@example.org",
    )
    assert (waived["waiver_approver"], waived["waiver_expires"]) == ("ciso@example.org", "2026-04-30")
    failed = found["key-region", "fail"]
    assert (failed["lifecycle"], failed["first_seen"]) == ("existing", "2026-01-05T03:00:00Z")
    assert failed["last_seen"] == accepted().scan.ended
    assert found["bucket-versioning", "fail"]["lifecycle"] == "new"


def test_coverage_tells_what_was_not_checked_and_why() -> None:
    told = [(r["kind"], r["reason_code"], r["permission"], r["rule_ids"]) for r in rows(csv_coverage.render(varied()))]
    assert told == [
        ("unknown", "access_denied", "kms:DescribeKey", "key-region"),
        ("unknown", "undecidable", "", "bucket-logging"),
        ("not_listed", "", "", ""),
        ("not_selected", "not_selected", "", "bucket-replication"),
    ]
    assert rows(csv_coverage.render(empty())) == []
    assert {row["kind"] for row in rows(csv_coverage.render(hostile()))} == {"unknown", "not_listed", "not_selected"}
