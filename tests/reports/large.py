"""A result as an account of very many buckets has it, for budgets and benchmarks."""

from recordscan.facts import Citation, Json, Reason
from recordscan.result import Assessment, Evidence, Outcome, ScanResult, SubjectRecord, Verdict, fingerprint
from recordscan.rule import Severity, official, proposal
from reports.results import ACCOUNT, evidence, finding, result, rule

RULES = 40


def bucket(number: int) -> SubjectRecord:
    """One of the subjects."""
    name = f"acme-recordings-{number:04}"
    region = ("us-east-1", "eu-west-1", "ap-southeast-2")[number % 3]
    return SubjectRecord(
        uid=f"arn:aws:s3:::{name}", kind="bucket", name=name, provider="aws", account=ACCOUNT, region=region
    )


def policy(name: str) -> Json:
    """An answer of about 3.4 KB."""
    statements = [
        {
            "Sid": f"Statement{at}",
            "Effect": "Allow" if at % 2 else "Deny",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{name}-{at}"},
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/prefix-{at}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        for at in range(11)
    ]
    return {"Policy": {"Version": "2012-10-17", "Statement": statements}}


def large(buckets: int = 1250) -> ScanResult:
    """40 rules on each bucket: of 25 checks two fail, one is unknown, two do not apply and the others pass."""
    rules = tuple(
        rule(
            f"bucket-rule-{at:02}",
            f"The bucket meets requirement {at}",
            list(Severity)[at % 5],
            f"chapter-{at % 6}",
            controls=(*official(security_hub=[f"S3.{at % 20 + 1}"]), *proposal(soc2=["CC6.1"])),
        )
        for at in range(RULES)
    )
    subjects = [bucket(number) for number in range(buckets)]
    observed = [evidence("s3:GetBucketPolicy", policy(s.name), {"Bucket": s.name}, region=s.region) for s in subjects]
    checks = tuple(
        _check(number * RULES + at, rules[at].id, rules[at].severity, subject, observed[number])
        for number, subject in enumerate(subjects)
        for at in range(RULES)
    )
    return result(
        checks, rules, tuple(observed), verdict=Verdict.FAIL_INCOMPLETE, exit_status=1, exit_reason="checks failed"
    )


def _check(number: int, rule_id: str, severity: Severity, subject: SubjectRecord, seen: Evidence) -> Assessment:
    kind = number * 7 % 25
    places = (Citation(seen.id, f"/Policy/Statement/{number % 11}/Effect"), Citation(seen.id, "/Policy/Version"))
    outcome = Outcome.PASS
    if kind < 5:
        outcome = (Outcome.FAIL, Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE)[kind]
    found = finding(f"{subject.name} does not meet {rule_id}", severity, subject.uid, expected="Deny", observed="Allow")
    return Assessment(
        rule_id=rule_id,
        subject=subject,
        outcome=outcome,
        severity=severity,
        reason=Reason.ACCESS_DENIED if outcome is Outcome.UNKNOWN else None,
        detail={Outcome.UNKNOWN: "the policy may not be read", Outcome.NOT_APPLICABLE: "nothing is stored"}.get(
            outcome
        ),
        permission="s3:GetBucketPolicy" if outcome is Outcome.UNKNOWN else None,
        findings=(found,) if outcome is Outcome.FAIL else (),
        evidence=places if outcome is not Outcome.NOT_APPLICABLE else (),
        fingerprint=fingerprint(rule_id, subject.uid),
    )
