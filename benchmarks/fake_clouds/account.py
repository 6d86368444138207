"""A made-up account of any size: the sound estate of `recordscan.testing`, over and over under other names.

A question about bucket 17 is turned into the same question about the sound estate's bucket, answered, and turned back.
So answers are serialised once for each kind of bucket, and an account of 5,000 buckets takes no more memory than one.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fake_clouds import wire
from recordscan.collect.call import Call
from recordscan.collect.session import CALLS
from recordscan.demo.aws_faults import Reply, access_denied, error_reply
from recordscan.demo.aws_requests import AwsRequest
from recordscan.facts import Json
from recordscan.observation import ObservationOutcome, canonical_json
from recordscan.testing import (
    ACCESS_KEY,
    AWS_ACCOUNT,
    BUCKET,
    KEY_ARN,
    LOG_BUCKET,
    PREFIX,
    REGION,
    REVIEWERS,
    TRAIL_ARN,
    TRAIL_BUCKET,
    WRITER,
    Case,
    credential_report,
    report_line,
    role_details,
    sound,
)

REGIONS = (REGION, "eu-central-1", "us-east-1")
"""Where buckets and keys are, in turn."""

PAGE = 100
"""Items of one page of a list."""

_KEY = KEY_ARN.rpartition("/")[2]
_NUMBERED = re.compile(
    r"acme-data-(?P<bucket>\d{5})|0000abcd-12ab-34cd-56ef-(?P<key>\d{12})|data-user-(?P<user>\d{5})"
    rf"|AKIA(?P<access>\d{{16}})|(?:{LOG_BUCKET}|{TRAIL_BUCKET})-(?P<region>[a-z0-9-]+)"
)
_CALLS: Mapping[str, Call] = {call.operation: call for call in CALLS}
_STATUSES = {"NoSuchEntity": 404}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How much there is: besides the sound estate, so many numbered buckets, and keys, users and roles in proportion.

    One bucket in twenty has a key, and there is a user for as many, and a role for ten. Of twelve buckets nine are
    sound, one has hardly any settings, one is shared with another account, and one has the standard encryption.
    """

    buckets: int

    @property
    def keys(self) -> int:
        """KMS keys, over all Regions."""
        return len(REGIONS) * max(1, self.buckets // 60)  # so that each bucket's is in its Region

    @property
    def users(self) -> int:
        """IAM users."""
        return max(1, self.buckets // 20)

    @property
    def roles(self) -> int:
        """IAM roles."""
        return max(1, self.buckets // 10)


def bucket_name(number: int) -> str:
    """The name of a numbered bucket."""
    return f"acme-data-{number:05}"


def user_name(number: int) -> str:
    """The name of a numbered user."""
    return f"data-user-{number:05}"


class Answers:
    """What the account answers."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._kinds = [_Book(case) for case in _kinds()]
        self._whole = _whole_account(account)
        self._written: dict[tuple[int, str, str], Reply] = {}

    def reply(self, request: AwsRequest, headers: Mapping[str, str], body: bytes) -> tuple[str, Reply]:
        """The text that tells the question from every other, and the answer on the wire."""
        asked = wire.parameters(request, headers, body)
        call = _CALLS.get(request.operation)
        token = None if call is None or call.pages is None else asked.pop(call.pages.send, None)
        size = PAGE
        if call is not None and call.pages is not None and call.pages.size is not None:
            # Without a size everything comes at once, as Prowler expects of ListBuckets.
            size = int(asked.pop(call.pages.size[0], None) or sys.maxsize)
        question = canonical_json([request.operation, request.region, asked, token])
        if request.service == "ec2":
            return question, _regions()
        if request.operation == "s3:GetBucketLocation":
            return question, _location(str(asked.get("Bucket")))
        whole = self._whole.get(request.operation)
        if whole is not None:
            value = whole.get(request.region, {}) if call is None or call.regional else whole[REGION]
            return question, self._paged(request, call, value, token, size)
        return question, self._templated(request, call, asked)

    def _templated(self, request: AwsRequest, call: Call | None, asked: dict[str, Json]) -> Reply:
        text = canonical_json(asked)
        kind, names = self._names(text, request.region)
        for name, own in names:
            text = text.replace(own, name)
        memo = (kind, request.operation, text)
        if memo not in self._written:
            found, value = self._kinds[kind].find(request.operation, json.loads(text))
            self._written[memo] = _write(request, call, value) if found else _unknown(request, call)
        reply = self._written[memo]
        written, own_names = reply.body, dict(names)
        for name, own in names:
            written = written.replace(name.encode(), own.encode())
        headers = tuple((header, own_names.get(value, value)) for header, value in reply.headers)
        return Reply(status=reply.status, headers=headers, body=written)

    def _names(self, text: str, region: str) -> tuple[int, list[tuple[str, str]]]:
        """The kind of bucket that a question is about, and pairs of names: of the sound estate, and of what it asks."""
        names: list[tuple[str, str]] = []
        kind = 0
        match = _NUMBERED.search(text)
        if match is not None and match.lastgroup == "region":
            region = match["region"]
        elif match is not None:
            number = int(match[match.lastgroup or 0])
            if match.lastgroup == "bucket":
                kind = number % 12
                region = REGIONS[number % len(REGIONS)]
                names.append((BUCKET, bucket_name(number)))
                names.append((_KEY, key_id(number % self._account.keys)))
            elif match.lastgroup == "key":
                region = REGIONS[number % len(REGIONS)]
                names.append((_KEY, key_id(number)))
            else:
                names += [(WRITER, user_name(number)), (ACCESS_KEY, access_key_id(number))]
        elif region not in REGIONS:
            return kind, names
        if region != REGION:
            names += [(LOG_BUCKET, f"{LOG_BUCKET}-{region}"), (TRAIL_BUCKET, f"{TRAIL_BUCKET}-{region}")]
            names.append((REGION, region))
        return kind, names

    def _paged(self, request: AwsRequest, call: Call | None, value: dict[str, Json], token: Json, size: int) -> Reply:
        if call is None or call.pages is None:
            return _write(request, call, value)
        begin = int(token or 0)
        cut = {name: value[name][begin : begin + size] for name in call.pages.members if name in value}
        more = any(len(value[name]) > begin + size for name in cut)
        page = {**{name: member for name, member in value.items() if name != "truncated"}, **cut}
        if more:
            page[call.pages.receive] = str(begin + size)
        page |= dict.fromkeys(("IsTruncated", "Truncated"), more)
        return _write(request, call, page)


def key_id(number: int) -> str:
    """The id of a numbered key."""
    return f"0000abcd-12ab-34cd-56ef-{number:012}"


def access_key_id(number: int) -> str:
    """The id of a numbered user's access key."""
    return f"AKIA{number:016}"


class _Book:
    """The answers of a case: exact questions, else those that contradict nothing that is asked."""

    def __init__(self, case: Case) -> None:
        self._exact: dict[str, Json] = {}
        self._of: dict[str, list[tuple[Mapping[str, Json], Json]]] = {}
        for observation in case.snapshot().observations:
            value = observation.answer if observation.outcome is ObservationOutcome.ANSWERED else None
            self._exact[canonical_json([observation.operation, dict(observation.request)])] = value
            self._of.setdefault(observation.operation, []).append((observation.request, value))

    def find(self, operation: str, asked: Mapping[str, Json]) -> tuple[bool, Json]:
        """Whether there is an answer, and which; None for the definitive "there is none"."""
        exact = canonical_json([operation, dict(asked)])
        if exact in self._exact:
            return True, self._exact[exact]
        for request, value in self._of.get(operation, ()):
            if all(asked.get(name, wanted) == wanted for name, wanted in request.items()):
                return True, value
        return False, None


def _kinds() -> Sequence[Case]:
    """The twelve kinds of buckets."""
    cases = [_with_whole_prefix() for _ in range(12)]
    bare, open_, standard = cases[3], cases[7], cases[11]
    for operation in ("s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "s3:GetBucketLifecycleConfiguration"):
        bare.answer(operation, None)
    bare.answer("s3:GetBucketVersioning", {})
    bare.answer("s3:GetBucketLogging", {})
    open_.answer("s3:GetPublicAccessBlock", None)
    other = {"AWS": "arn:aws:iam::444455556666:root"}
    shared = {"Effect": "Allow", "Principal": other, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = {"Version": "2012-10-17", "Statement": [shared]}
    open_.answer("s3:GetBucketPolicy", {"Policy": json.dumps(policy)})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    standard.answer("s3:GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    return cases


def _with_whole_prefix() -> Case:
    case = sound()
    listed = case.find("s3:ListObjectsV2", Prefix=PREFIX)
    case.add("s3:ListObjectsV2", listed, Bucket=BUCKET, ExpectedBucketOwner=AWS_ACCOUNT, Prefix="")
    case.add("s3:GetBucketTagging", None, Bucket=BUCKET, ExpectedBucketOwner=AWS_ACCOUNT)
    case.add("s3:GetBucketLocation", {"LocationConstraint": REGION}, Bucket=BUCKET)
    case.add("kms:ListAliases", {"Aliases": []}, region=REGION, KeyId=KEY_ARN)
    backed_up = [{"ResourceArn": f"arn:aws:s3:::{BUCKET}", "ResourceType": "S3"}]
    case.answer("backup:ListProtectedResources", {"Results": backed_up})
    case.add("sts:GetAccessKeyInfo", {"Account": AWS_ACCOUNT}, AccessKeyId=ACCESS_KEY)
    case.set("cloudtrail:GetEventSelectors", "/TrailARN", TRAIL_ARN)
    return case


def _whole_account(account: Account) -> dict[str, dict[str, dict[str, Json]]]:
    """Answers that name everything, by operation and Region."""
    case = sound()
    logs = [f"{name}{suffix}" for name in (LOG_BUCKET, TRAIL_BUCKET) for suffix in _suffixes()]
    buckets = [BUCKET, *logs, *(bucket_name(number) for number in range(account.buckets))]
    details = case.find("iam:GetAccountAuthorizationDetails")
    (writer,) = details["UserDetailList"]
    created = "2025-06-01T00:00:00Z"
    users = [
        {**writer, "UserName": name, "Arn": writer["Arn"].replace(WRITER, name), "UserId": f"AIDA{name[-5:]}"}
        for name in (WRITER, *(user_name(number) for number in range(account.users)))
    ]
    roles = [details["RoleDetailList"][0], *(_role(number) for number in range(account.roles))]
    for row in (*users, *roles):
        row |= {"Path": "/", "CreateDate": created}
    for row in roles:
        row.setdefault("RoleId", f"AROA{row['RoleName']}")
        row.setdefault("AssumeRolePolicyDocument", _TRUST)
    report = credential_report(*(report_line(user["UserName"], mfa_active="false") for user in users))
    keys: dict[str, dict[str, Json]] = {region: {"Keys": []} for region in REGIONS}
    for number in range(account.keys):
        region = REGIONS[number % len(REGIONS)]
        arn = KEY_ARN.replace(_KEY, key_id(number)).replace(REGION, region)
        keys[region]["Keys"].append({"KeyId": key_id(number), "KeyArn": arn})
    whole: dict[str, dict[str, Json]] = {
        "s3:ListBuckets": {
            "Buckets": [{"Name": name, "CreationDate": created} for name in buckets],
            "Owner": case.find("s3:GetBucketAcl")["Owner"],
        },
        "iam:GetAccountAuthorizationDetails": {**details, "UserDetailList": users, "RoleDetailList": roles},
        "iam:GetCredentialReport": report,
        "iam:ListUsers": {"Users": users},
        "iam:ListRoles": {"Roles": roles},
    }
    return {**{operation: {REGION: value} for operation, value in whole.items()}, "kms:ListKeys": keys}


def _regions() -> Reply:
    """ec2:DescribeRegions, which is all that anybody asks EC2 here. recordscan does not."""
    items = "".join(
        f"<item><regionName>{region}</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
        for region in REGIONS
    )
    body = f"<DescribeRegionsResponse><regionInfo>{items}</regionInfo></DescribeRegionsResponse>"
    return Reply(status=200, headers=(("content-type", "text/xml"),), body=body.encode())


def _location(bucket: str) -> Reply:
    """Where a bucket is, which botocore reads from the text of the outermost element. recordscan does not ask that."""
    found = _NUMBERED.search(bucket)
    numbered = found is not None and found.lastgroup == "bucket"
    region = REGIONS[int(found["bucket"]) % len(REGIONS)] if found is not None and numbered else REGION
    body = f'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{region}</LocationConstraint>'
    return Reply(status=200, headers=(("content-type", "application/xml"),), body=body.encode())


def _suffixes() -> list[str]:
    return ["" if region == REGION else f"-{region}" for region in REGIONS]


_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _role(number: int) -> dict[str, Json]:
    """A role that reads one bucket."""
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket_name(number)}", f"arn:aws:s3:::{bucket_name(number)}/*"],
    }
    return role_details(f"{REVIEWERS}-{number:05}", {"Version": "2012-10-17", "Statement": [statement]})


def _write(request: AwsRequest, call: Call | None, value: Json) -> Reply:
    if value is not None:
        return wire.answer(request, value)
    if call is not None and call.absent:
        code = sorted(call.absent)[0]
        return error_reply(request, _STATUSES.get(code, 404 if request.service == "s3" else 400), code, "there is none")
    return access_denied(request)


def _unknown(request: AwsRequest, call: Call | None) -> Reply:
    """What the sound estate says nothing about: there is none of it, and nothing in a list."""
    if call is None:
        return wire.answer(request, {})
    if call.absent:
        return _write(request, call, None)
    listed = () if call.pages is None else call.pages.members
    return (
        access_denied(request)
        if set(call.requires) - set(listed)
        else wire.answer(request, {key: [] for key in listed})
    )
