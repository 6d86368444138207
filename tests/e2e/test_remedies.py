"""The proof of the remedies: faults are made, the plan's own script is run, and the next scan finds them all mended.

The script runs in a real shell with the real AWS CLI, so that quoting and names of commands and options are proven,
too. Nothing may be worse in the end than it was without the faults.
"""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recordscan.cli.scan import collect
from recordscan.config import Config, load_config
from recordscan.demo import aws_state, company
from recordscan.demo.company_aws import (
    AWS_ACCOUNT,
    RECORDINGS_BUCKET,
    RECORDINGS_KEY_ID,
    RECORDINGS_PREFIX,
    RECORDINGS_WRITER,
    REGION,
    TRAIL,
    UPLOADERS,
    upload_policy,
)
from recordscan.demo.company_twilio import (
    PRODUCTION,
    PRODUCTION_KEY,
    PRODUCTION_SECRET,
    RESEARCH,
    RESEARCH_KEY,
    RESEARCH_SECRET,
)
from recordscan.demo.run import Company, scan_environment
from recordscan.engine import assess_snapshot
from recordscan.plugins import load_rules
from recordscan.remedies.commands import render_commands
from recordscan.remedies.plan import make_plan
from recordscan.result import Assessment, Outcome, ScanResult

pytestmark = pytest.mark.usefixtures("furnished")

RULES = load_rules()
FOREIGN = "999988887777"
PUBLIC_KEY_TEXT = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7vbqajDw4o6gJy8UtmIbkcpnkO3Kwc4qsEnSZp/TR+fQi62F79RHWmwKOtFmwteURgLbj7D/WG"
    "uNLGOfa/2vse3G2eHnHl5CB8ruRX9fBl/KgwCVr2JaEuUm66bBQeP5XeBotdR4cvX38uPYivCDdPjJ1QWPdspTBKcxeFbccDw== made-up"
)


@pytest.fixture(scope="module")
def whole(estate: Company, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The configuration of the company."""
    path = tmp_path_factory.mktemp("config") / "recordscan.toml"
    path.write_text(estate.config, encoding="utf-8")
    return load_config(path)


@pytest.fixture(scope="module")
def config(whole: Config) -> Config:
    """The same for production alone, which takes fewer questions."""
    accounts = [account for account in whole.twilio.accounts if account.sid == PRODUCTION]
    return whole.model_copy(update={"twilio": whole.twilio.model_copy(update={"accounts": accounts})})


@pytest.fixture
def furnished(estate: Company, clouds: Company, refurnish: None) -> Iterator[None]:
    estate.twilio.writable = True
    yield
    estate.twilio.writable = False


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `aws`, the AWS CLI of this environment, and a `curl` that reaches the embedded Twilio."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "aws").symlink_to(Path(sys.executable).with_name("aws"))
    fake = Path(__file__).with_name("fake_curl.py")
    (folder / "curl").write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n', encoding="utf-8")
    (folder / "curl").chmod(0o755)
    return folder


def scan(estate: Company, config: Config, monkeypatch: pytest.MonkeyPatch) -> ScanResult:
    with monkeypatch.context() as patched:
        for name in [name for name in os.environ if name.startswith(("AWS_", "TWILIO_", "RECORDSCAN_"))]:
            patched.delenv(name)
        for name, value in estate.environment.items():
            patched.setenv(name, value)
        return assess_snapshot(collect(config, (), fail_on="critical", quiet=True), RULES, fail_on=None)


def run_script(text: str, estate: Company, tools: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **scan_environment(estate),
        "PATH": f"{tools}:/usr/bin:/bin",
        f"TWILIO_API_KEY_{PRODUCTION}": PRODUCTION_KEY,
        f"TWILIO_API_SECRET_{PRODUCTION}": PRODUCTION_SECRET,
        f"TWILIO_API_KEY_{RESEARCH}": RESEARCH_KEY,
        f"TWILIO_API_SECRET_{RESEARCH}": RESEARCH_SECRET,
        "AWS_PAGER": "",
        # Hosts of S3 Control begin with the account, even at an endpoint of one's own, and nothing resolves them.
        "http_proxy": estate.environment["AWS_ENDPOINT_URL"],
        "no_proxy": "",
    }
    return subprocess.run(
        ["/bin/sh"], input=text, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


RANK = {Outcome.PASS: 0, Outcome.NOT_APPLICABLE: 0, Outcome.UNKNOWN: 1, Outcome.FAIL: 2}


def worse(befores: Iterable[ScanResult], after: ScanResult) -> set[str]:
    """Rules that say worse of a subject than in every scan before."""
    ranks: dict[tuple[str, str], int] = {}
    for before in befores:
        for a in before.assessments:
            ranks[a.rule_id, a.subject.uid] = max(RANK[a.outcome], ranks.get((a.rule_id, a.subject.uid), 0))
    found = {(a.rule_id, a.subject.uid): RANK[a.outcome] for a in after.assessments}
    return {check[0] for check, rank in found.items() if rank > ranks.get(check, rank)}


@pytest.fixture(scope="module")
def ordinary(estate: Company, config: Config) -> ScanResult:
    """The company without any fault made."""
    now = datetime.now(UTC)
    company.furnish_aws(estate.aws, now)
    for account in company.twilio_accounts(now):
        estate.twilio.set_account(account)
    with pytest.MonkeyPatch.context() as patched:
        return scan(estate, config, patched)


class Faults:
    """Makes faults of the recordings of production, which are in good order otherwise."""

    def __init__(self, estate: Company) -> None:
        self.estate = estate
        self.now = datetime.now(UTC)
        self.s3 = estate.aws.client("s3")
        self.kms = estate.aws.client("kms")
        self.iam = estate.aws.client("iam")
        self.named = {"Bucket": RECORDINGS_BUCKET}
        rule = self.encryption["Rules"][0]
        self.key = str(rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"])

    @property
    def key_id(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def encryption(self) -> dict[str, Any]:
        found = self.s3.get_bucket_encryption(**self.named)["ServerSideEncryptionConfiguration"]
        return dict(found)

    def encrypt(self, **default: str) -> None:
        rule = {"ApplyServerSideEncryptionByDefault": default, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
        self.s3.put_bucket_encryption(**self.named, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def state(self, **statement: Any) -> None:
        """Add a statement to the bucket policy."""
        policy = json.loads(self.s3.get_bucket_policy(**self.named)["Policy"])
        arns = [f"arn:aws:s3:::{RECORDINGS_BUCKET}/*"]
        policy["Statement"].append({"Sid": f"Fault{len(policy['Statement'])}", "Resource": arns, **statement})
        self.s3.put_bucket_policy(**self.named, Policy=json.dumps(policy))

    def drop_statement(self, sid: str) -> None:
        policy = json.loads(self.s3.get_bucket_policy(**self.named)["Policy"])
        policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != sid]
        self.s3.put_bucket_policy(**self.named, Policy=json.dumps(policy))

    def state_for_key(self, **statement: Any) -> None:
        """Add a statement to the key policy."""
        policy = json.loads(self.kms.get_key_policy(KeyId=self.key, PolicyName="default")["Policy"])
        sid = f"Fault{len(policy['Statement'])}"
        policy["Statement"].append({"Sid": sid, "Effect": "Allow", "Resource": "*", **statement})
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(policy))

    def own_policy(self, *statements: dict[str, Any], keep_boundary: bool = False) -> None:
        """Give the writer an inline policy of its own."""
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self.iam.put_user_policy(UserName=RECORDINGS_WRITER, PolicyName="own", PolicyDocument=json.dumps(document))
        if not keep_boundary:
            self.iam.delete_user_permissions_boundary(UserName=RECORDINGS_WRITER)

    def second_key(self, *, age_days: int) -> None:
        made = self.iam.create_access_key(UserName=RECORDINGS_WRITER)["AccessKey"]["AccessKeyId"]
        aws_state.set_access_key_created(made, self.now - timedelta(days=age_days))

    def lifecycle(self, **rule: Any) -> None:
        whole = {"ID": "only", "Status": "Enabled", "Filter": {"Prefix": RECORDINGS_PREFIX}, **rule}
        self.s3.put_bucket_lifecycle_configuration(**self.named, LifecycleConfiguration={"Rules": [whole]})

    @property
    def guardduty(self) -> Any:
        return self.estate.aws.client("guardduty", REGION)

    @property
    def trail(self) -> Any:
        return self.estate.aws.client("cloudtrail")

    def select(self, selector: dict[str, Any]) -> None:
        """Have the trail record this and nothing else."""
        self.trail.put_event_selectors(TrailName=TRAIL, EventSelectors=[selector])

    def select_advanced(self, fields: list[dict[str, Any]]) -> None:
        self.trail.put_event_selectors(TrailName=TRAIL, AdvancedEventSelectors=[{"FieldSelectors": fields}])

    def setting(self, **members: Any) -> None:
        account = self.estate.twilio.account(PRODUCTION)
        row = {**(account.recording_settings or {}), **members}
        self.estate.twilio.set_account(replace(account, recording_settings=row))

    def path(self, begin: str, path: str = RECORDINGS_PREFIX) -> None:
        self.setting(aws_s3_url=f"{begin}/{path}")

    def hook(self) -> None:
        account = self.estate.twilio.account(PRODUCTION)
        name = 'quote \' "double" $(touch /tmp/never) `x` \x1b[31m \u202e'
        hooks = [{**row, "enabled": True, "friendly_name": name} for row in account.hooks]
        self.estate.twilio.set_account(replace(account, hooks=hooks))


def public_acl(f: Faults) -> None:
    f.s3.delete_public_access_block(**f.named)
    ownership = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    f.s3.put_bucket_ownership_controls(**f.named, OwnershipControls=ownership)
    f.s3.put_bucket_acl(**f.named, ACL="public-read")


def short_passwords(f: Faults) -> None:
    f.iam.update_account_password_policy(MinimumPasswordLength=8, RequireNumbers=True, MaxPasswordAge=90)


def upload_denied_to_all(f: Faults) -> None:
    f.iam.delete_group_policy(GroupName=UPLOADERS, PolicyName="recordings-uploads")
    f.iam.delete_user_permissions_boundary(UserName=RECORDINGS_WRITER)
    f.own_policy({"Sid": "Other", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/*"})


def no_kms(f: Faults) -> None:
    document = upload_policy(RECORDINGS_BUCKET, RECORDINGS_PREFIX, None)
    uploads = {**document, "Statement": document["Statement"][1:]}
    f.iam.put_group_policy(GroupName=UPLOADERS, PolicyName="recordings-uploads", PolicyDocument=json.dumps(uploads))


def other_region(f: Faults) -> None:
    kms = f.estate.aws.client("kms", "us-east-1")
    f.encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID=kms.create_key()["KeyMetadata"]["Arn"])


def no_encryption_header(f: Faults) -> None:
    f.state(
        Effect="Deny",
        Principal="*",
        Action="s3:PutObject",
        Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    )


def never_versioned(f: Faults) -> None:
    """A bucket that never kept versions, whose lifecycle is in order as long as it does not."""
    f.s3.put_bucket_versioning(**f.named, VersioningConfiguration={"Status": "Suspended"})
    f.lifecycle(Expiration={"Days": 365})


def sid_taken(f: Faults) -> None:
    f.drop_statement("DenyInsecureTransport")
    f.state(Sid="DenyInsecureTransport", Effect="Deny", Principal="*", Action="s3:PutObjectAcl")


def http_allowed(f: Faults) -> None:
    f.drop_statement("DenyInsecureTransport")
    f.path(HOST.replace("https", "http"))


def denied_in_part(f: Faults) -> None:
    f.drop_statement("DenyInsecureTransport")
    f.state(
        Sid="DenyInsecureTransport",
        Effect="Deny",
        Principal={"AWS": "*"},
        Action=["s3:GetObject", "s3:PutObject"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def encrypted(f: Faults) -> None:
    f.hook()
    f.setting(aws_storage_enabled=False, encryption_enabled=True, encryption_key_sid="CR" + "5" * 32)


WHOLE = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
NO_OP = {"Sid": "NoOp", "Effect": "Deny", "NotAction": "*", "Resource": "*"}
OBJECTS = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{RECORDINGS_BUCKET}/"]}]
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject"}
HOST = f"https://{RECORDINGS_BUCKET}.s3.{REGION}.amazonaws.com"

FAULTS: dict[str, Callable[[Faults], object]] = {
    "account-access-analyzer": lambda _: None,
    "account-guardduty-s3": lambda _: None,
    "account-guardduty-s3, S3 left out": lambda f: f.estate.aws.client("guardduty", REGION).create_detector(
        Enable=True
    ),
    "account-guardduty-s3, suspended": lambda f: f.estate.aws.client("guardduty", REGION).create_detector(Enable=False),
    "account-password-policy": short_passwords,
    "account-public-access-block": lambda _: None,
    "account-security-hub": lambda _: None,
    "aws-acl-condition": lambda f: f.state(
        Effect="Deny",
        Principal="*",
        Action="s3:PutObject",
        Condition={"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    ),
    "aws-ip-condition": lambda f: f.state(
        Effect="Deny",
        Principal="*",
        Action="s3:PutObject",
        Condition={"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
    ),
    "aws-multipart": lambda f: f.lifecycle(
        Expiration={"Days": 365}, NoncurrentVersionExpiration={"NoncurrentDays": 30}
    ),
    "bucket-noncurrent-versions": lambda f: f.lifecycle(Expiration={"Days": 365}),
    "bucket-public-access-block-own": lambda f: f.s3.delete_public_access_block(**f.named),
    "bucket-website-off": lambda f: f.s3.put_bucket_website(
        **f.named, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    ),
    "bucket-access-logging": lambda f: f.s3.put_bucket_logging(**f.named, BucketLoggingStatus={}),
    "bucket-acl-disabled": public_acl,
    "bucket-acl-public": public_acl,
    "bucket-policy-cross-account": lambda f: f.state(
        **ALLOW, Principal={"AWS": [f"arn:aws:iam::{FOREIGN}:root", f"arn:aws:iam::{AWS_ACCOUNT}:root"]}
    ),
    "bucket-policy-deputy": lambda f: f.state(
        Effect="Allow", Action="s3:PutObject", Principal={"Service": "cloudtrail.amazonaws.com"}
    ),
    "bucket-policy-hygiene": lambda f: f.state(
        **ALLOW, Principal={"AWS": ["AIDAEXAMPLEGONE00000", f"arn:aws:iam::{AWS_ACCOUNT}:root"]}
    ),
    "bucket-policy-public": lambda f: f.state(**ALLOW, Principal="*"),
    "bucket-public-access-block": lambda f: f.s3.delete_public_access_block(**f.named),
    "bucket-retention": lambda f: f.lifecycle(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
    "bucket-retention, too early": lambda f: f.lifecycle(Expiration={"Days": 3}),
    "bucket-retention, noncurrent": lambda f: f.lifecycle(Expiration={"Days": 400}),
    "bucket-tls-minimum": lambda f: f.drop_statement("DenyOldTls"),
    "bucket-tls-only": lambda f: f.s3.delete_bucket_policy(**f.named),
    "bucket-tls-only, its Sid taken": sid_taken,
    "bucket-tls-only, denied in part": denied_in_part,
    "bucket-tls-only, for an http URL": http_allowed,
    "bucket-versioning": lambda f: f.s3.put_bucket_versioning(
        **f.named, VersioningConfiguration={"Status": "Suspended"}
    ),
    "bucket-versioning, without an end of versions": never_versioned,
    "compose-hooks-vs-encrypted-recordings": encrypted,
    "compose-hooks-vs-external-recordings": Faults.hook,
    "cred-key-active": lambda f: f.iam.update_access_key(
        UserName=RECORDINGS_WRITER, AccessKeyId=RECORDINGS_KEY_ID, Status="Inactive"
    ),
    "cred-name-leak": lambda _: None,
    "cred-name-leak, of a setting": lambda f: f.setting(friendly_name=f"uploads {RECORDINGS_KEY_ID}"),
    "cred-not-root-or-human": lambda f: f.iam.create_login_profile(
        UserName=RECORDINGS_WRITER, Password="Made-up-0nly!"
    ),
    "enc-bucket-sse-kms": lambda f: f.encrypt(SSEAlgorithm="AES256"),
    "enc-customer-key": lambda f: f.encrypt(SSEAlgorithm="aws:kms"),
    "enc-headers-consistent": no_encryption_header,
    "enc-key-arn": lambda f: f.encrypt(SSEAlgorithm="aws:kms", KMSMasterKeyID="alias/hollow-creek-video"),
    "enc-kms-grant": no_kms,
    "enc-kms-region": other_region,
    "enc-no-header-condition": no_encryption_header,
    "enc-no-header-condition, the header demanded": lambda f: f.state(
        Effect="Deny",
        Principal="*",
        Action="s3:PutObject",
        Condition={"Null": {"s3:x-amz-server-side-encryption": "true"}},
    ),
    "enc-sse-c-blocked": lambda f: f.s3.put_bucket_encryption(
        **f.named,
        ServerSideEncryptionConfiguration={
            "Rules": [{**f.encryption["Rules"][0], "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]
        },
    ),
    "key-grants": lambda f: f.kms.create_grant(
        KeyId=f.key, GranteePrincipal=f"arn:aws:iam::{FOREIGN}:role/reader", Operations=["Decrypt"]
    ),
    "key-pending-deletion": lambda f: f.kms.schedule_key_deletion(KeyId=f.key_id, PendingWindowInDays=30),
    "key-policy-cross-account": lambda f: f.state_for_key(
        Action="kms:Decrypt", Principal={"AWS": f"arn:aws:iam::{FOREIGN}:root"}
    ),
    "key-policy-public": lambda f: f.state_for_key(Action="kms:Decrypt", Principal="*"),
    "key-rotation": lambda f: f.kms.disable_key_rotation(KeyId=f.key),
    "key-rotation-period": lambda f: f.kms.enable_key_rotation(KeyId=f.key, RotationPeriodInDays=2000),
    "key-state": lambda f: f.kms.disable_key(KeyId=f.key_id),
    "trail-log-validation": lambda f: f.trail.update_trail(Name=TRAIL, EnableLogFileValidation=False),
    "trail-management-events": lambda f: f.trail.stop_logging(Name=TRAIL),
    "trail-management-events, of one Region": lambda f: f.trail.update_trail(Name=TRAIL, IsMultiRegionTrail=False),
    "trail-management-events, without KMS": lambda f: f.select(
        {"ReadWriteType": "All", "ExcludeManagementEventSources": ["kms.amazonaws.com"]}
    ),
    "trail-management-events, advanced": lambda f: f.select_advanced(
        [
            {"Field": "eventCategory", "Equals": ["Management"]},
            {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
        ]
    ),
    "trail-object-reads": lambda f: f.select({"ReadWriteType": "All"}),
    "trail-object-reads, writes recorded": lambda f: f.select({"ReadWriteType": "WriteOnly", "DataResources": OBJECTS}),
    "trail-object-writes": lambda f: f.select_advanced([{"Field": "eventCategory", "Equals": ["Management"]}]),
    "url-dash-form": lambda f: f.path(f"https://{RECORDINGS_BUCKET}.s3-{REGION}.amazonaws.com"),
    "url-https": lambda f: f.path(HOST.replace("https", "http")),
    "url-no-extras": lambda f: f.setting(aws_s3_url=f"{HOST}/{RECORDINGS_PREFIX}?versionId=1#x"),
    "url-prefix-iam-narrow": lambda f: f.own_policy(
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{RECORDINGS_BUCKET}/*"}
    ),
    "url-prefix-in-iam": upload_denied_to_all,
    "url-prefix-slashes": lambda f: f.path(HOST, RECORDINGS_PREFIX.rstrip("/")),
    "url-region-matches-bucket": lambda f: f.path(HOST.replace(REGION, "us-east-2")),
    "url-region-present": lambda f: f.path(HOST.replace(f".{REGION}", "")),
    "writer-actions": lambda f: f.own_policy(
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{RECORDINGS_BUCKET}/*"}
    ),
    "writer-dedicated": lambda f: f.own_policy({"Effect": "Allow", "Action": "ec2:StartInstances", "Resource": "*"}),
    "writer-key-actions": lambda f: f.own_policy(
        {"Effect": "Allow", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}
    ),
    "writer-privilege-escalation": lambda f: f.own_policy(
        {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"}
    ),
    "writer-boundary": lambda f: f.iam.delete_user_permissions_boundary(UserName=RECORDINGS_WRITER),
    "writer-key-count": lambda f: f.second_key(age_days=20),
    "writer-key-unused": lambda f: f.second_key(age_days=60),
    "writer-no-admin": lambda f: f.own_policy(WHOLE, keep_boundary=True),
    "writer-no-console": lambda f: f.iam.create_login_profile(UserName=RECORDINGS_WRITER, Password="Made-up-0nly!"),
    "writer-no-op-deny": lambda f: f.own_policy(
        NO_OP,
        {
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{RECORDINGS_BUCKET}/{RECORDINGS_PREFIX}*",
        },
        keep_boundary=True,
    ),
    "writer-other-credentials": lambda f: f.iam.upload_ssh_public_key(
        UserName=RECORDINGS_WRITER, SSHPublicKeyBody=PUBLIC_KEY_TEXT
    ),
}
"""Rule, and for several faults of one rule which it is → what makes the fault."""

FORETOLD: dict[str, set[str]] = {
    # The writer's own policies name the old key, which is not the bucket's any more.
    "enc-bucket-sse-kms": {"writer-key-actions"},
    "enc-customer-key": {"writer-key-actions"},
}
"""Rules that get worse, of which the plan warns."""

BATCHES: tuple[tuple[str, ...], ...] = (
    (
        "account-access-analyzer",
        "account-guardduty-s3",
        "aws-acl-condition",
        "aws-multipart",
        "bucket-policy-cross-account",
        "bucket-public-access-block-own",
        "bucket-tls-minimum",
        "compose-hooks-vs-external-recordings",
        "enc-sse-c-blocked",
        "key-grants",
        "key-rotation",
        "trail-management-events",
        "writer-actions",
    ),
    (
        "account-guardduty-s3, S3 left out",
        "account-password-policy",
        "aws-ip-condition",
        "bucket-noncurrent-versions",
        "bucket-policy-deputy",
        "bucket-public-access-block",
        "bucket-website-off",
        "enc-key-arn",
        "enc-kms-grant",
        "key-policy-cross-account",
        "key-rotation-period",
        "trail-management-events, of one Region",
        "url-dash-form",
        "writer-key-count",
        "writer-other-credentials",
    ),
    (
        "account-guardduty-s3, suspended",
        "account-public-access-block",
        "bucket-acl-disabled",
        "bucket-policy-hygiene",
        "bucket-retention",
        "enc-no-header-condition",
        "key-policy-public",
        "trail-management-events, without KMS",
        "url-https",
        "writer-dedicated",
        "writer-key-unused",
    ),
    ("bucket-tls-only, for an http URL", "cred-name-leak", "trail-management-events, advanced"),
    ("url-no-extras",),
    (
        "account-security-hub",
        "bucket-access-logging",
        "bucket-retention, noncurrent",
        "bucket-tls-only",
        "cred-name-leak, of a setting",
        "cred-not-root-or-human",
        "key-pending-deletion",
        "trail-log-validation",
        "trail-object-reads",
        "writer-privilege-escalation",
    ),
    (
        "bucket-versioning, without an end of versions",
        "enc-bucket-sse-kms",
        "trail-object-reads, writes recorded",
        "url-prefix-slashes",
        "writer-boundary",
    ),
    (
        "bucket-versioning",
        "cred-key-active",
        "enc-customer-key",
        "enc-no-header-condition, the header demanded",
        "trail-object-writes",
        "url-region-matches-bucket",
        "writer-no-op-deny",
    ),
    (
        "enc-kms-region",
        "url-region-present",
        "writer-no-admin",
    ),
    (
        "bucket-acl-public",
        "bucket-retention, too early",
        "key-state",
        "url-prefix-iam-narrow",
    ),
    (
        "bucket-tls-only, denied in part",
        "url-prefix-in-iam",
        "writer-no-console",
    ),
    ("compose-hooks-vs-encrypted-recordings",),
    (
        "bucket-policy-public",
        "bucket-tls-only, its Sid taken",
        "enc-headers-consistent",
        "writer-key-actions",
    ),
)
"""Faults that do not touch each other, as no step and no edit mends two of them."""

ON_PRODUCTION = (f"AWS account {AWS_ACCOUNT}", "production", "production recordings", "production compositions")


def rule_of(fault: str) -> str:
    return fault.partition(",")[0]


def mendable(result: ScanResult, fault: str) -> tuple[Assessment, ...]:
    """The failures of a fault's rule on production for which there are steps."""
    return tuple(
        a
        for a in result.assessments
        if a.rule_id == rule_of(fault) and a.outcome is Outcome.FAIL and a.subject.name in ON_PRODUCTION
        if a.remedy is not None and a.remedy.steps
    )


def parts(assessments: Iterable[Assessment]) -> set[str]:
    """What the remedies consist of: steps, or where these edit a document, edits."""
    steps = [step for a in assessments if a.remedy is not None for step in a.remedy.steps]
    return {
        repr((step.operation, step.account, step.region, step.parameters, edit))
        for step in steps
        for edit in (step.document.edits if step.document is not None else (None,))
    }


@pytest.mark.full
@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch[0])
def test_the_plan_mends_all_faults_and_makes_nothing_worse(
    estate: Company,
    config: Config,
    tools: Path,
    ordinary: ScanResult,
    monkeypatch: pytest.MonkeyPatch,
    subtests: pytest.Subtests,
    batch: tuple[str, ...],
) -> None:
    faults = Faults(estate)
    for fault in batch:
        FAULTS[fault](faults)
    before = scan(estate, config, monkeypatch)
    broken = {fault: mendable(before, fault) for fault in batch}
    for fault in batch:
        with subtests.test("the fault is found and has a remedy of its own", fault=fault):
            assert broken[fault], [
                (a.subject.name, a.outcome, a.detail, a.remedy)
                for a in before.assessments
                if a.rule_id == rule_of(fault)
            ]
            others = parts(a for other in batch if other != fault for a in broken[other])
            assert parts(broken[fault]) & others == set()
    plan = make_plan(replace(before, assessments=tuple(a for failed in broken.values() for a in failed)))
    assert plan.by_hand == ()
    script = render_commands(plan)
    done = run_script(script, estate, tools)
    assert done.returncode == 0, f"{done.stderr}\n{script}"
    after = scan(estate, config, monkeypatch)
    found = {(a.rule_id, a.subject.uid): a for a in after.assessments}
    for fault in batch:
        with subtests.test("the fault is mended", fault=fault):
            for a in broken[fault]:
                now = found[a.rule_id, a.subject.uid]
                assert now.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE), (now.findings, now.detail, script)
    # What a fault itself broke besides is no harm of the remedy.
    assert worse([ordinary, before], after) <= set().union(*(FORETOLD.get(fault, set()) for fault in batch))


def test_the_plan_of_the_whole_company_runs_in_its_order_and_mends_what_it_names(
    estate: Company, whole: Config, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scan(estate, whole, monkeypatch)
    plan = make_plan(before)
    assert len(plan.steps) >= 30
    # When a setting is saved, Twilio uploads a file to try it: the bucket must be able to take it by then.
    operations = [planned.step.operation for planned in plan.steps]
    last_encryption = max(at for at, name in enumerate(operations) if name == "s3:PutBucketEncryption")
    assert last_encryption < operations.index("twilio:UpdateCompositionSettings")
    done = run_script(render_commands(plan), estate, tools)
    assert done.returncode == 0, done.stderr
    after = scan(estate, whole, monkeypatch)
    names = {mended for planned in plan.steps for mended in planned.mends}
    left = {
        f"{a.rule_id} of {a.subject.name}"
        for a in after.assessments
        if a.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)
    }
    assert names & left == set()
    # Nothing that passed fails.
    passed = {(a.rule_id, a.subject.uid) for a in before.assessments if a.outcome is Outcome.PASS}
    failed = {(a.rule_id, a.subject.uid) for a in after.assessments if a.outcome is Outcome.FAIL}
    assert passed & failed == set()


def test_every_remedy_with_steps_is_proven() -> None:
    batched = [fault for batch in BATCHES for fault in batch]
    assert sorted(batched) == sorted(FAULTS)
    proven = {rule_of(fault) for fault in FAULTS}
    unproven = {rule.id for rule in RULES if rule.mend is not None and not inspect.isgeneratorfunction(rule.mend)}
    assert {rule.id for rule in RULES} - proven == unproven
    assert len(proven) == 66
