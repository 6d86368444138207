"""How recordings travel to and from the bucket."""

from collections.abc import Iterator

from recordscan.estate.target import Target, bucket_of
from recordscan.facts import Json, if_known, need, places
from recordscan.mending import add_statement, edit_bucket_policy, save_url, widen
from recordscan.policy.denials import insecure_transport_denied, old_tls_denied
from recordscan.policy.documents import Statement
from recordscan.remedy import Order, Step
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule


def deny_plain_http(target: Target) -> Iterator[Step]:
    """Adds the Deny that the remediation quotes; where the URL saved at Twilio is of http, saves it with https first.

    Raises:
        ByHand: The URL is of http, and cannot be mended by a call.
    """
    location = if_known(target.location)
    first = "While a URL saved at Twilio begins with http://, uploads may be refused: save it with https:// first."
    if target.setting is not None and location is not None and location.scheme != "https":
        yield from save_url(target)
        first = (
            "The URL saved at Twilio begins with http://, with which uploads may be refused from then on: an earlier "
            "step saves it with https://; see its test file arrive before this one."
        )
    yield _deny(
        target,
        "DenyInsecureTransport",
        ("Bool", "aws:SecureTransport", "false"),
        "refuses every request without TLS",
        first,
        "Whoever else speaks plain HTTP to the bucket is refused, too; access logs show who does.",
    )


def deny_old_tls(target: Target) -> Iterator[Step]:
    """Adds the Deny that the remediation quotes."""
    yield _deny(
        target,
        "DenyOldTls",
        ("NumericLessThan", "s3:TlsVersion", "1.2"),
        "refuses TLS older than 1.2",
        "Clients that know no TLS 1.2 are refused.",
    )


def _deny(target: Target, sid: str, test: tuple[str, str, str], does: str, *warnings: str) -> Step:
    """Denies everybody everything where a test of a condition holds: a statement that does so in part is widened."""
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    operator, key, value = test
    statement: dict[str, Json] = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.arn, f"{bucket.arn}/*"],
        "Condition": {operator: {key: value}},
    }
    for partial in () if policy is None else policy.statements:
        if _denies_a_part(partial, bucket.arn, test):
            edits = widen(partial, actions=statement["Action"], resources=statement["Resource"])
            return edit_bucket_policy(bucket, edits, does, Order.DENY, *warnings)
    return edit_bucket_policy(bucket, [add_statement(policy, statement)], does, Order.DENY, *warnings)


def _denies_a_part(statement: Statement, bucket_arn: str, test: tuple[str, str, str]) -> bool:
    """Whether a statement is the Deny for everybody on this one test, of some actions or of a part of the bucket."""
    operator, key, value = test
    tests = [(t.operator.lower(), t.key.lower(), t.values) for t in statement.conditions]
    return (
        statement.valid
        and statement.effect == "Deny"
        and statement.everyone
        and statement.not_actions is None
        and statement.not_resources is None
        and tests == [(operator.lower(), key.lower(), (value,))]
        and all(name == bucket_arn or name.startswith(f"{bucket_arn}/") for name in statement.resources or ("*",))
    )


@rule(
    "bucket-tls-only",
    title="The bucket refuses every request without TLS",
    severity=Severity.HIGH,
    remedy=deny_plain_http,
    remediation="""
        Add this statement to the bucket policy, with the bucket's name and, outside the commercial Regions,
        its partition: `{"Sid":"DenyInsecureTransport","Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"],
        "Condition":{"Bool":{"aws:SecureTransport":"false"}}}`. If the URL saved at Twilio begins with
        `http://`, change it to `https://` first, or uploads may be refused.
    """,
    controls=official(
        security_hub=["S3.5"],
        cis_aws_v3=["2.1.1"],
        cis_aws_v5=["2.1.1"],
        nist_800_53_r5=[
            "AC-17(2)",
            "AC-4",
            "IA-5(1)",
            "SC-8",
            "SC-8(1)",
            "SC-8(2)",
            "SC-13",
            "SC-23",
            "SI-7(6)",
        ],
        pci_dss_4_0_1=["4.2.1"],
    )
    + peer(
        cis_aws_v6=["3.1.1"],
        hipaa=["164.312(c)(1)", "164.312(e)(1)", "164.312(e)(2)(i)", "164.312(e)(2)(ii)"],
        gdpr=["art. 32"],
    )
    + proposal(soc2=["CC6.7"], iso_27001_2022=["A.8.24", "A.5.14"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
    ),
    guide="It will be your responsibility to manage the security and lifecycle of your recorded content",
    peers=(
        "prowler:s3_bucket_secure_transport_policy",
        "steampipe:s3_bucket_enforces_ssl",
        "scoutsuite:s3-bucket-allowing-cleartext",
        "checkov:CKV_AWS_379",
        "custodian:has-statement",
        "config:s3-bucket-ssl-requests-only",
        "securityhub:S3.5",
    ),
)
def tls_only(target: Target) -> Findings:
    """Over plain HTTP anybody on the way sees and changes recordings; S3 answers it unless a policy denies it.

    It takes a Deny for everyone, on every action, on the bucket and on all its objects, whose only condition
    is that `aws:SecureTransport` is false. An Allow with a condition denies nothing, and a demand on
    `s3:TlsVersion` alone is not even looked at for a request without TLS. A policy that denies only a part is
    a medium finding.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    if policy is None:
        yield finding(
            f"the bucket {bucket.name} has no policy, so it answers requests without TLS",
            bucket.arn,
            expected="all requests without TLS denied",
            observed="no bucket policy",
            evidence=places(bucket.policy),
        )
        return
    denial = insecure_transport_denied(policy, bucket.arn)
    if not denial.full:
        partial = denial.level == "partial"
        how_many = "only a part of the" if partial else "no"
        yield finding(
            f"the policy of the bucket {bucket.name} denies {how_many} requests without TLS",
            bucket.arn,
            severity=Severity.MEDIUM if partial else Severity.HIGH,
            expected="all requests without TLS denied",
            observed="; ".join(denial.gaps),
            evidence=places(bucket.policy),
        )


@rule(
    "bucket-tls-minimum",
    title="The bucket refuses TLS older than version 1.2",
    severity=Severity.LOW,
    remedy=deny_old_tls,
    remediation="""
        Add this statement to the bucket policy, beside the one that demands TLS at all:
        `{"Sid":"DenyOldTls","Effect":"Deny","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"],
        "Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}`.
    """,
    controls=proposal(nist_800_53_r5=["SC-8(1)"], pci_dss_4_0_1=["4.2.1"]),
    references=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
    ),
)
def tls_minimum(target: Target) -> Findings:
    """TLS 1.0 and 1.1 have known weaknesses; a statement in the policy proves that recordings never travel by them.

    AWS's endpoints refuse these versions by themselves today, so a failure is a low one. It takes a Deny for
    everyone, on every action, on the bucket and on all its objects, when `s3:TlsVersion` is less than 1.2 (or a later
    version). That TLS is demanded at all is another requirement: a request without TLS has no such key.
    """
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    denial = None if policy is None else old_tls_denied(policy, bucket.arn)
    if denial is None or not denial.full:
        part = "in part only" if denial is not None and denial.level == "partial" else "nowhere"
        yield finding(
            f"the policy of the bucket {bucket.name} denies requests with TLS older than 1.2 {part}"
            if denial is not None
            else f"the bucket {bucket.name} has no policy that denies requests with TLS older than 1.2",
            bucket.arn,
            expected="requests with TLS older than 1.2 denied",
            observed="no bucket policy" if denial is None else "; ".join(denial.gaps),
            evidence=places(bucket.policy),
        )
