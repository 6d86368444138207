import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from recordscan.facts import Citation, Json
from recordscan.result import ScanResult
from recordscan_reports.asff import HOME_REGION, NO_ACCOUNT, render
from reports.results import ACCOUNT, RESULTS, accepted, clean, empty, evidence, hostile, varied

SHAPE = (
    ServiceModel(Loader().load_service_model("securityhub", "service-2"))
    .operation_model("BatchImportFindings")
    .input_shape
)

LENGTHS = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024, "ProductArn": 2048}
"""Of https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html; the model lacks them."""


def findings(result: ScanResult) -> list[Json]:
    found: list[Json] = json.loads(render(result))
    return found


def faults(shape: Shape, value: Json, path: str = "") -> Iterator[str]:
    """Values that are not of an enumeration or pattern, which botocore's validator does not look at."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from faults(shape.members[name], inner, f"{path}/{name}")
    elif shape.type_name == "list":
        for inner in value:
            yield from faults(shape.member, inner, path)
    elif shape.type_name == "string":
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{path}: {value} is none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(pattern, value):
            yield f"{path}: {value!r} is blank"


@pytest.mark.parametrize("made", RESULTS)
def test_a15_botocore_takes_the_findings_with_their_enumerations(made: Callable[[], ScanResult]) -> None:
    """As `BatchImportFindings` would. (A15)"""
    for finding in findings(made()):
        report = ParamValidator().validate({"Findings": [finding]}, SHAPE)
        assert not report.has_errors(), report.generate_report()
        assert list(faults(SHAPE, {"Findings": [finding]})) == []


@pytest.mark.parametrize("made", RESULTS)
def test_a15_texts_are_as_long_as_security_hub_takes(made: Callable[[], ScanResult]) -> None:
    """Its limits are in the documentation only. (A15)"""
    for finding in findings(made()):
        for name, length in LENGTHS.items():
            assert 0 < len(finding[name]) <= length
        assert re.fullmatch(r"\d{12}", finding["AwsAccountId"])
        assert len(finding["Remediation"]["Recommendation"]["Text"]) <= 512
        compliance = finding["Compliance"]
        requirements = compliance.get("RelatedRequirements", [])
        assert len(requirements) <= 32
        assert max(map(len, requirements), default=0) <= 64
        assert len(compliance.get("AssociatedStandards", [])) <= 20
        assert len(finding["ProductFields"]) <= 50
        assert all(len(k) <= 128 and 0 < len(v) < 1024 for k, v in finding["ProductFields"].items())
        assert 0 < len(finding["Resources"]) <= 32
        for resource in finding["Resources"]:
            assert 0 < len(resource["Id"]) <= 512
            other = resource.get("Details", {}).get("Other", {})
            assert all(len(key) < 128 and 0 < len(value) < 1024 for key, value in other.items())
        assert len(json.dumps(finding)) < 240_000


def test_a15_ids_stay_and_times_are_those_of_the_scan() -> None:
    """Without a baseline nothing is known of earlier scans. (A15)"""
    later = replace(varied(), scan=replace(varied().scan, scan_id="other", ended="2026-03-03T21:06:11Z"))
    before, after = findings(varied()), findings(later)
    assert [f["Id"] for f in before] == [f["Id"] for f in after]
    assert len({f["Id"] for f in before}) == len(before)
    assert {f["UpdatedAt"] for f in before} == {"2026-03-02T21:06:11Z"}
    assert {f["UpdatedAt"] for f in after} == {"2026-03-03T21:06:11Z"}


def test_a15_with_a_baseline_the_first_time_stays() -> None:
    """And the last one moves. (A15)"""
    later = replace(accepted(), scan=replace(accepted().scan, ended="2026-03-03T21:06:11Z"))
    for result, ended in ((accepted(), "2026-03-02T21:06:11Z"), (later, "2026-03-03T21:06:11Z")):
        [found] = [
            f for f in findings(result) if f["GeneratorId"] == "recordscan/key-region" and "FirstObservedAt" in f
        ]
        assert found["CreatedAt"] == found["FirstObservedAt"] == "2026-01-05T03:00:00Z"
        assert found["UpdatedAt"] == found["LastObservedAt"] == ended


def test_a15_statuses_and_labels() -> None:
    """Unknown is a warning with its reason. (A15)"""
    found = {f["ProductFields"]["recordscan/status"]: f for f in findings(varied())}
    assert {name: f["Compliance"]["Status"] for name, f in found.items()} == {
        "pass": "PASSED",
        "fail": "FAILED",
        "unknown": "WARNING",
        "not_applicable": "NOT_AVAILABLE",
        "waived": "FAILED",
    }
    assert found["pass"]["FindingProviderFields"]["Severity"]["Label"] == "INFORMATIONAL"
    assert found["unknown"]["Compliance"]["StatusReasons"][0]["ReasonCode"] in ("ACCESS_DENIED", "UNDECIDABLE")
    assert found["waived"]["Workflow"] == {"Status": "SUPPRESSED"}


def test_a15_resources_have_the_types_of_security_hub() -> None:
    types = {resource["Id"]: resource["Type"] for f in findings(varied()) for resource in f["Resources"]}
    assert types["arn:aws:s3:::acme-recordings"] == "AwsS3Bucket"
    assert types[f"arn:aws:iam::{ACCOUNT}:user/twilio-writer"] == "AwsIamUser"
    assert types[f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/7c9e6679-7425-40de-944b-e07fc1f90ae7"] == "AwsKmsKey"
    assert types["RT" + "0" * 31 + "7"] == "Other"


def test_findings_belong_to_the_account_and_region_of_the_bucket() -> None:
    bucket = evidence("s3:HeadBucket", {"BucketRegion": "eu-north-1"}, {"Bucket": "b"}, account="210987654321")
    [assessment] = clean().assessments
    made = replace(
        clean(),
        evidence=(*clean().evidence, bucket),
        assessments=(replace(assessment, evidence=(*assessment.evidence, Citation(bucket.id, "/BucketRegion"))),),
    )
    [finding] = findings(made)
    assert finding["ProductArn"] == "arn:aws:securityhub:eu-north-1:210987654321:product/210987654321/default"
    assert finding["Id"].startswith("eu-north-1/210987654321/transport-tls/")
    [finding] = findings(clean())
    assert finding["ProductArn"].startswith(f"arn:aws:securityhub:{HOME_REGION}:{ACCOUNT}:")


def test_nothing_found_is_an_empty_list_and_no_account_is_said_by_zeros() -> None:
    assert findings(empty()) == []
    assert {f["AwsAccountId"] for f in findings(hostile())} == {NO_ACCOUNT}
