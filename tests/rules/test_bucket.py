"""What lies in the bucket beside media."""

from dataclasses import replace

import pytest

from recordscan.facts import Json
from recordscan.result import Outcome
from recordscan.rule import Severity
from recordscan.testing import BUCKET, PREFIX, Case, ago, bucket_url, judge, judge_all, sound
from recordscan_rules.bucket import test_file as no_test_file

LIST = "s3:ListObjectsV2"


def stored(*keys: str, size: int = 12, truncated: bool = False) -> Case:
    case = sound()
    rows: list[Json] = [{"Key": key, "Size": size, "LastModified": ago(days=30)} for key in keys]
    case.answer(LIST, {"Contents": rows, "KeyCount": len(rows), "truncated": truncated}, Prefix=PREFIX)
    return case


def test_a_prefix_without_test_files_passes_and_without_storage_there_is_none() -> None:
    outcomes = {uid.rpartition("/")[2]: a.outcome for uid, a in judge_all(no_test_file, sound()).items()}
    assert outcomes == {"recordings": Outcome.PASS, "compositions": Outcome.NOT_APPLICABLE}


def test_a_test_file_is_an_informative_finding_that_names_it() -> None:
    assessment = judge(no_test_file, stored(f"{PREFIX}RT1.mkv", f"{PREFIX}test.txt"))
    assert (assessment.outcome, assessment.severity) == (Outcome.FAIL, Severity.INFO)
    assert assessment.findings[0].resources == (f"s3://{BUCKET}/{PREFIX}test.txt",)


@pytest.mark.parametrize("name", ["TEST.TXT", "notes/a.txt", "AC1/RT1.Txt", ".txt"])
def test_a_small_text_file_anywhere_under_the_prefix_may_be_a_test_file(name: str) -> None:
    assert judge(no_test_file, stored(f"{PREFIX}{name}")).outcome is Outcome.FAIL


def test_many_test_files_are_one_finding_that_names_five() -> None:
    assessment = judge(no_test_file, stored(*(f"{PREFIX}test-{number}.txt" for number in range(9))))
    [found] = assessment.findings
    assert found.message.endswith("9")
    assert len(found.resources) == 5


def test_a_finding_stays_the_same_when_another_file_appears() -> None:
    one = judge(no_test_file, stored(f"{PREFIX}b.txt")).findings[0]
    two = judge(no_test_file, stored(f"{PREFIX}a.txt", f"{PREFIX}b.txt")).findings[0]
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(stored(f"{PREFIX}RT1.mkv"), id="media"),
        pytest.param(stored(f"{PREFIX}minutes.txt", size=1025), id="too large"),
        pytest.param(stored(f"{PREFIX}test.txt.gpg"), id="another kind of file"),
    ],
)
def test_what_is_no_test_file_passes(case: Case) -> None:
    assert judge(no_test_file, case).outcome is Outcome.PASS


def test_a_known_test_file_passes_and_another_one_fails() -> None:
    case = stored(f"{PREFIX}known.txt")
    case.profile = replace(case.profile, test_files=(f"{PREFIX}known.txt",))
    assert judge(no_test_file, case).outcome is Outcome.PASS
    case.set(LIST, "/Contents/-", {"Key": f"{PREFIX}other.txt", "Size": 1, "LastModified": ago(days=1)}, Prefix=PREFIX)
    assert judge(no_test_file, case).findings[0].observed == f"{PREFIX}other.txt"


def test_a_file_in_the_root_of_a_bucket_without_prefix_fails() -> None:
    case = sound()
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(""))
    request = {"Bucket": BUCKET, "ExpectedBucketOwner": "111122223333", "Prefix": ""}
    case.add(LIST, {"Contents": [{"Key": "t.txt", "Size": 4, "LastModified": ago(days=1)}]}, **request)
    assert judge(no_test_file, case).outcome is Outcome.FAIL


@pytest.mark.parametrize("prefix", ["/", "./"])
def test_slashes_and_dots_name_no_folder_so_that_the_whole_bucket_is_looked_at(prefix: str) -> None:
    case = sound()
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url(prefix))
    request = {"Bucket": BUCKET, "ExpectedBucketOwner": "111122223333", "Prefix": ""}
    case.add(LIST, {"Contents": [{"Key": "notes/t.txt", "Size": 4, "LastModified": ago(days=1)}]}, **request)
    assert judge(no_test_file, case).findings[0].observed == "notes/t.txt"


def test_a_prefix_without_slash_has_its_test_file_below_or_beside() -> None:
    case = sound()
    case.set("twilio:FetchRecordingSettings", "/aws_s3_url", bucket_url("video"))
    rows = [
        {"Key": key, "Size": 4, "LastModified": ago(days=1)} for key in ("video/a.txt", "video-b.txt", "videos/c.txt")
    ]
    request = {"Bucket": BUCKET, "ExpectedBucketOwner": "111122223333", "Prefix": "video"}
    case.add(LIST, {"Contents": rows}, **request)
    assert judge(no_test_file, case).findings[0].observed == "video-b.txt, video/a.txt"


def test_a_list_that_was_cut_proves_nothing_when_it_shows_none() -> None:
    assert judge(no_test_file, stored(f"{PREFIX}RT1.mkv", truncated=True)).outcome is Outcome.UNKNOWN


def test_a_list_that_was_cut_fails_when_it_shows_one() -> None:
    assert judge(no_test_file, stored(f"{PREFIX}test.txt", truncated=True)).outcome is Outcome.FAIL


def test_objects_that_may_not_be_listed_are_unknown() -> None:
    case = sound()
    case.deny(LIST)
    assert judge(no_test_file, case).outcome is Outcome.UNKNOWN
