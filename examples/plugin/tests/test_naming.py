"""Acme's rules, each judged with `judge()`, which also withholds every observation in turn."""

from recordscan_acme.naming import acme_bucket_name, acme_prefix_depth

from recordscan.plugins import load_rules
from recordscan.result import Outcome
from recordscan.testing import bucket_url, judge, sound


def test_a_bucket_of_the_video_team_passes() -> None:
    assert judge(acme_bucket_name, sound()).outcome is Outcome.PASS


def test_a_bucket_with_another_name_fails() -> None:
    case = sound()
    case.rename_bucket("legacy-media")
    assessment = judge(acme_bucket_name, case)
    assert assessment.outcome is Outcome.FAIL
    assert assessment.findings[0].observed == "legacy-media"


def test_an_unreadable_setting_leaves_the_rule_unknown() -> None:
    case = sound()
    case.deny("twilio:FetchRecordingSettings")
    case.deny("twilio:FetchCompositionSettings")
    assert judge(acme_bucket_name, case, "twilio:AC" + "a" * 32 + "/recordings").outcome is Outcome.UNKNOWN


def test_depth_is_counted_in_folders() -> None:
    case = sound()
    assert judge(acme_prefix_depth, case).outcome is Outcome.PASS
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url("recordings/"))
    assert judge(acme_prefix_depth, case).outcome is Outcome.FAIL


def test_recordscan_finds_the_rules_by_their_entry_point() -> None:
    assert {"acme-bucket-name", "acme-prefix-depth"} <= {rule.id for rule in load_rules()}
