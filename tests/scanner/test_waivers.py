"""Accepted failures: what a waiver covers, for how long, and which entries are refused."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from recordscan.cli.scan import waiver_warnings
from recordscan.consistency import disagreements
from recordscan.document import dump_result, load_result
from recordscan.engine import assess_snapshot
from recordscan.errors import ConfigError
from recordscan.plugins import load_rules
from recordscan.result import Assessment, Outcome, ScanResult, Verdict, WaiverState
from recordscan.rule import Severity, current_ids
from recordscan.testing import BUCKET, NOW, Case, sound
from recordscan.waiver import Waiver, Waivers
from recordscan.waiver_file import load_waivers, pruned
from recordscan_reports import terminal
from recordscan_reports.wording import waivers_by_state

RULES = load_rules()
TODAY = NOW.date()
ARN = f"arn:aws:s3:::{BUCKET}"

SUSPENDED: Callable[[Case], None] = lambda case: case.set("s3:GetBucketVersioning", "/Status", "Suspended")  # noqa: E731


def waiver(**members: object) -> Waiver:
    values: dict[str, object] = {
        "id": "WV-1",
        "rule": "bucket-versioning",
        "match": {"resource": ARN},
        "kind": "risk_accepted",
        "reason": "the bucket is moved next quarter",
        "owner": "video@example.org",
        "approved_by": "ciso@example.org",
        "created": TODAY - timedelta(days=10),
        "expires": TODAY + timedelta(days=60),
    }
    return Waiver(**{**values, **members})  # type: ignore[arg-type]


def scan(*waivers: Waiver, spoil: Callable[[Case], None] = SUSPENDED, only: Collection[str] = ()) -> ScanResult:
    case = sound()
    spoil(case)
    rules = [rule for rule in RULES if not only or rule.id in only]
    accepted = Waivers(entries=waivers, file="w.toml")
    result = assess_snapshot(case.snapshot(), rules, fail_on=Severity.HIGH, waivers=accepted)
    assert list(disagreements(result)) == []
    assert load_result(dump_result(result)) == result
    return result


def about(result: ScanResult, rule: str = "bucket-versioning") -> Assessment:
    [found] = [
        a for a in result.assessments if a.rule_id == rule and a.outcome not in (Outcome.NOT_APPLICABLE, Outcome.PASS)
    ]
    return found


def test_without_a_waiver_the_failure_breaks_the_gate() -> None:
    assert (scan().gate.verdict, scan().gate.exit_status) == (Verdict.FAIL, 1)


def test_a_waived_failure_keeps_findings_and_evidence_and_does_not_count() -> None:
    result, plain = scan(waiver()), scan()
    found = about(result)
    assert found.outcome is Outcome.WAIVED
    assert found.evidence == about(plain).evidence != ()
    assert [replace(f, waiver=None) for f in found.findings] == list(about(plain).findings)
    assert found.findings[0].waiver == "WV-1"
    assert (result.gate.verdict, result.gate.exit_status) == (Verdict.PASS, 0)
    [record] = result.waivers
    assert (record.state, record.matched, record.applied) == (WaiverState.ACTIVE, 1, 1)


@pytest.mark.parametrize(
    ("left", "state", "outcome"),
    [
        (-1, WaiverState.EXPIRED, Outcome.FAIL),
        (0, WaiverState.EXPIRING, Outcome.WAIVED),
        (10, WaiverState.EXPIRING, Outcome.WAIVED),
        (30, WaiverState.EXPIRING, Outcome.WAIVED),
        (31, WaiverState.ACTIVE, Outcome.WAIVED),
    ],
)
def test_a43_a_waiver_holds_to_the_end_of_its_last_day(left: int, state: WaiverState, outcome: Outcome) -> None:
    """Expired yesterday counts again, expiring in ten days still holds. (A43)"""
    result = scan(waiver(expires=TODAY + timedelta(days=left)))
    assert about(result).outcome is outcome
    assert result.waivers[0].state is state
    assert result.gate.exit_status == (outcome is Outcome.FAIL)


def test_what_has_ended_or_is_about_to_is_told_the_first_first() -> None:
    """As warnings on stderr, and in this order in reports. (A43)"""
    states: dict[str, dict[str, object]] = {
        "active": {"expires": TODAY + timedelta(days=60)},
        "unmatched": {"match": {"fingerprint": "0" * 64}},
        "pending": {"approved_by": None},
        "expiring": {"expires": TODAY + timedelta(days=10)},
        "expired": {"expires": TODAY - timedelta(days=1)},
    }
    result = scan(*(waiver(id=f"WV-{state}", **parts) for state, parts in states.items()))
    ends = {state: (TODAY + timedelta(days=days)).isoformat() for state, days in (("expired", -1), ("expiring", 10))}
    assert sorted(waiver_warnings(result)) == [
        f"the waiver WV-expired of bucket-versioning ended on {ends['expired']}: what it covered counts again",
        f"the waiver WV-expiring of bucket-versioning ends on {ends['expiring']}",
        "the waiver WV-pending of bucket-versioning has no effect: nobody has approved it",
        "the waiver WV-unmatched of bucket-versioning covers nothing that this scan found",
    ]
    order = ["WV-expired", "WV-expiring", "WV-pending", "WV-unmatched", "WV-active"]
    assert [record.id for record in waivers_by_state(result)] == order
    shown = terminal.render(result)
    assert re.findall(r"^~ [A-Z]+ +(WV-\w+)", shown[shown.index("WAIVERS") :], re.M) == order


def test_a_waiver_that_nobody_approved_has_no_effect() -> None:
    result = scan(waiver(approved_by=None))
    assert about(result).outcome is Outcome.FAIL
    assert [found.pending for found in about(result).findings] == ["WV-1"]
    assert result.waivers[0].state is WaiverState.PENDING
    worse = scan(waiver(approved_by=None, severity_at_most=Severity.LOW))
    assert [found.pending for found in about(worse).findings] == [None]


@pytest.mark.parametrize(
    ("match", "covered"),
    [
        ({"resource": ARN}, True),
        ({"resource": ARN[:-1]}, False),
        ({"resource": ARN + "-2"}, False),
        ({"resource": BUCKET}, False),
        ({"resource": f"arn:aws:s3:::{BUCKET.partition('-')[2]}"}, False),
        ({"resource": ARN, "region": "eu-west-1"}, False),
        ({"subject": f"twilio:AC{'a' * 32}/recordings"}, True),
        ({"account": f"AC{'a' * 32}"}, True),
        ({"account": "999988887777"}, False),
        ({"fingerprint": "0" * 64}, False),
    ],
)
def test_a45_everything_that_match_says_must_be_equal(match: Mapping[str, str], covered: bool) -> None:
    """A waiver of one bucket covers none whose name holds that one's. (A45)"""
    result = scan(waiver(match=match))
    assert (about(result).outcome is Outcome.WAIVED) is covered
    assert (result.waivers[0].state is WaiverState.UNMATCHED) is not covered


@pytest.mark.parametrize("part", ["check", "finding"])
def test_a_fingerprint_of_the_check_or_of_a_finding_matches(part: str) -> None:
    found = about(scan())
    digits = found.fingerprint if part == "check" else found.findings[0].fingerprint
    assert about(scan(waiver(match={"fingerprint": digits}))).outcome is Outcome.WAIVED


def test_a_pattern_matches_only_where_it_is_said_to_be_one() -> None:
    match = {"resource": "arn:aws:s3:::acme-*"}
    assert about(scan(waiver(match=match))).outcome is Outcome.FAIL
    assert about(scan(waiver(match=match, globs=frozenset({"resource"})))).outcome is Outcome.WAIVED


def test_a46_a_failure_that_has_become_worse_is_not_covered_and_the_waiver_says_why() -> None:
    """Above `severity_at_most` a waiver stops applying. (A46)"""
    result = scan(waiver(severity_at_most=Severity.MEDIUM))
    assert about(result).outcome is Outcome.FAIL
    assert result.waivers[0].notes == ("what it covers is high now, worse than medium",)
    assert (result.waivers[0].matched, result.waivers[0].applied) == (1, 0)


def test_a_failure_of_which_one_finding_is_not_covered_fails_as_bad_as_what_is_left() -> None:
    def two_faults(case: Case) -> None:
        grants = [
            {"GrantId": c * 64, "GranteePrincipal": f"arn:aws:iam::99998888777{c}:role/r", "Operations": ["Decrypt"]}
            for c in "12"
        ]
        case.set("kms:ListGrants", "/Grants", grants)

    plain = about(scan(spoil=two_faults), "key-grants")
    assert len(plain.findings) == 2
    covering = [
        waiver(id=f"WV-{n}", rule="key-grants", match={"fingerprint": f.fingerprint})
        for n, f in enumerate(plain.findings)
    ]
    half = about(scan(covering[0], spoil=two_faults), "key-grants")
    assert half.outcome is Outcome.FAIL
    assert [f.waiver for f in half.findings] == ["WV-0", None]
    assert half.severity is half.findings[1].severity
    assert about(scan(*covering, spoil=two_faults), "key-grants").outcome is Outcome.WAIVED


def test_of_two_waivers_the_narrower_is_taken_and_the_other_says_so() -> None:
    broad = waiver(id="broad", match={"account": f"AC{'a' * 32}"})
    narrow = waiver(id="narrow", match={"account": f"AC{'a' * 32}", "resource": ARN})
    result = scan(broad, narrow)
    assert about(result).findings[0].waiver == "narrow"
    assert [record.notes for record in result.waivers] == [("narrow is narrower and covers the same",), ()]


def test_of_two_waivers_that_are_as_narrow_the_first_is_taken() -> None:
    result = scan(waiver(id="second"), waiver(id="first"))
    assert about(result).findings[0].waiver == "second"
    assert [record.notes for record in result.waivers] == [(), ("second stands before it and covers the same",)]


def test_a_pass_is_never_waived_and_the_waiver_is_told_to_be_unmatched() -> None:
    result = scan(waiver(), spoil=lambda _case: None)
    assert result.count(Outcome.WAIVED) == 0
    assert result.waivers[0].state is WaiverState.UNMATCHED


FEW = ("bucket-public-access-block", "bucket-versioning")


def unread(case: Case) -> None:
    case.deny("s3:GetBucketVersioning")


def test_what_is_unknown_is_not_waived_into_silence_but_a_gap_can_be_accepted_at_the_gate() -> None:
    uid = f"twilio:AC{'a' * 32}/recordings"
    assert scan(waiver(match={"subject": uid}), spoil=unread, only=FEW).gate.exit_status == 3
    result = scan(waiver(match={"subject": uid}, kind="accept_gap"), spoil=unread, only=FEW)
    found = about(result)
    assert (found.outcome, found.waiver) == (Outcome.UNKNOWN, "WV-1")
    assert (result.gate.verdict, result.gate.exit_status) == (Verdict.PASS, 0)
    assert result.coverage == scan(spoil=unread, only=FEW).coverage


def test_a_result_that_was_edited_to_be_waived_does_not_agree_with_itself() -> None:
    result = scan(waiver())
    for forged in (
        replace(result, waivers=()),
        replace(result, waivers=(replace(result.waivers[0], state=WaiverState.EXPIRED),)),
        replace(scan(), assessments=result.assessments),
    ):
        assert list(disagreements(forged))


# The file.

ENTRY = """
version = 1

# who may do what
[[waivers]]
id = "WV-1"
rule = "bucket-versioning"
match = { resource = "arn:aws:s3:::acme" }
kind = "risk_accepted"
reason = "the bucket is moved next quarter"
owner = "video@example.org"
requested_by = "ito@example.org"
approved_by = "ciso@example.org"
created = 2026-11-01
expires = 2027-01-31
"""
KNOWN = current_ids(RULES)


def load(folder: Path, text: str) -> Waivers:
    path = folder / "recordscan-waivers.toml"
    path.write_text(text, encoding="utf-8")
    return load_waivers(path, KNOWN)


def test_a_file_is_read_with_its_lines_and_hash(tmp_path: Path) -> None:
    found = load(tmp_path, ENTRY)
    [entry] = found.entries
    assert (entry.line, entry.expires, entry.match) == (5, date(2027, 1, 31), {"resource": "arn:aws:s3:::acme"})
    assert (found.file, len(found.sha256)) == ("recordscan-waivers.toml", 64)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('approved_by = "ciso@example.org"\n', "", "approved_by is missing"),
        ("ciso@", "ito@", "approved_by is who asked for it"),
        ('requested_by = "ito@example.org"\napproved_by = "ciso@', 'approved_by = "video@', "is who asked for it"),
        ("ciso@example.org", "ITO@Example.org ", "approved_by is who asked for it"),
        (
            "created = 2026-11-01\nexpires = 2027-01",
            "created = 2031-01-01\nexpires = 2031-01",
            "created is 2031-01-01, which has not",
        ),
        ("approved_by =", "approved_on = 2031-01-01\napproved_by =", "approved_on is 2031-01-01, which has not come"),
        ("expires = 2027-01-31\n", "", "expires: must be given"),
        ("2027-01-31", "2027-06-01", "it holds for more than max_days, which is 180"),
        ("2027-01-31", "2026-10-01", "expires is before created"),
        ("bucket-versioning", "bucket-*", "there is no rule 'bucket-*'; a waiver names one rule"),
        ("{ resource", "{ resourc", "match: "),
        ('{ resource = "arn:aws:s3:::acme" }', "{}", "match: must name at least one of account, "),
        ('"arn:aws:s3:::acme"', '{ glob = "*" }', "which [defaults] allow_glob = true must allow"),
        ("the bucket is moved next quarter", "because", "reason: must have at least 20 characters"),
        ('owner = "video@example.org"\n', "", "owner: must be given"),
        ("risk_accepted", "whatever", "kind: must be 'risk_accepted'"),
        ("expires =", "expiry =", "expir"),
        ("created = 2026-11-01", 'created = "2026-11-01"', "created: must be a date without quotes"),
    ],
)
def test_a44_what_is_not_sound_is_refused_with_file_and_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    """No approver, self-approval, no end, too long, wildcards and more. (A44)"""
    assert old in ENTRY
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, ENTRY.replace(old, new))
    assert sentence in str(raised.value)
    assert "recordscan-waivers.toml:5: waiver WV-1: " in str(raised.value)


def test_a44_two_waivers_with_one_id_are_refused(tmp_path: Path) -> None:
    """Both would be meant by one name. (A44)"""
    with pytest.raises(ConfigError, match=r"toml:5: waiver WV-1: another waiver has the same id"):
        load(tmp_path, ENTRY + ENTRY.replace("version = 1", ""))


@pytest.mark.parametrize("text", ["version = 2", "version = 1\nwaivers = 3", "waivers = [3]\nversion = 1", "version ="])
def test_a_file_of_another_shape_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"recordscan-waivers\.toml"):
        load(tmp_path, text)


def test_a_pruned_file_keeps_everything_else(tmp_path: Path) -> None:
    second = ENTRY.replace("version = 1", "# the second").replace("WV-1", "WV-2")
    assert pruned(ENTRY + second, {5}) == "\nversion = 1\n\n# who may do what\n" + second[second.index("[[") :]
    assert pruned(ENTRY, set()) == ENTRY
    assert load(tmp_path, pruned(ENTRY + second, {5})).entries[0].id == "WV-2"
