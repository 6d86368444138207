"""Whether tonight's recordings will arrive: what Twilio's upload needs to be allowed, over every layer of policies."""

from collections.abc import Iterable, Iterator

from recordscan.estate.access import may_on_key
from recordscan.estate.bucket import Bucket
from recordscan.estate.key import key_region
from recordscan.estate.privileges import writer_lacks
from recordscan.estate.target import Target, bucket_of, key_of, location_of, writer_of
from recordscan.estate.upload import ACL_HEADERS, NETWORK_KEYS, SSE_HEADERS, object_names, require_read, upload
from recordscan.estate.user import IamUser
from recordscan.facts import Reason, Source, need, places, remark, unavailable
from recordscan.mending import (
    AS_THE_GUIDE,
    add_statement,
    allow_uploads,
    edit_bucket_policy,
    edit_key_policy,
    set_condition,
    spare_missing_header,
    writer_statement,
)
from recordscan.policy.actions import expand
from recordscan.policy.authorize import Decision
from recordscan.policy.documents import PolicyDocument, Statement
from recordscan.policy.rows import Row
from recordscan.policy.template import KEY_ACTIONS, NEEDED_KEY_ACTIONS
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Finding, Findings, Severity, finding, proposal, rule

_GUIDE = "https://www.twilio.com/docs/video/tutorials/storing-aws-s3"
_LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
_SSE_KMS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"


def allow_upload(target: Target, profile: Profile) -> Iterator[Step]:
    """Gives the writer a policy for its prefix, where none allows the upload and nothing denies it."""
    writer = writer_of(target)
    rows = [row for name in object_names(target) for row in upload(target, name=name).rows]
    denying = next((row for row in rows if row.effect == "Deny" and row.applies is not False), None)
    if denying is not None:
        by_hand(f"{denying.where} denies the upload, and a person must say for whom it was meant")
    if need(writer.principal.boundary) is not None:
        by_hand("the permissions boundary must allow the upload, too, and a person must say what else it allows")
    yield allow_uploads(target, profile)


def let_writer_use_key(target: Target) -> Iterator[Step]:
    """Names the writer in the key policy, which is enough whatever its own policies say, unless one denies it."""
    key, writer, bucket = key_of(target), writer_of(target), bucket_of(target)
    region = need(bucket.region)
    if key_region(key.reference, region) != region or not need(key.exists):
        by_hand("the bucket needs another key first")
    if need(key.arn).split(":")[4] != writer.account:
        by_hand("the key is of another account, whose key policy and the user's own policy must both allow its use")
    for action in NEEDED_KEY_ACTIONS:
        for row in need(may_on_key(writer.principal, action, target)).rows:
            if row.effect == "Deny" and row.applies is not False:
                by_hand(f"{row.where} denies {action}, and a person must say for whom it was meant")
    yield edit_key_policy(
        key,
        [add_statement(need(key.policy), writer_statement(writer.arn))],
        f"lets {writer.user_name} encrypt uploads",
        Order.GRANT,
        "Whoever has the access key of this user can ask KMS to decrypt what it may read.",
        AS_THE_GUIDE,
    )


def spare_missing_encryption_header(target: Target) -> Iterator[Step]:
    """Lets uploads without encryption headers through; those that state another encryption stay denied."""
    yield _spare_missing(target, SSE_HEADERS, "encryption", "they get the bucket's default encryption")


def spare_missing_acl_header(target: Target) -> Iterator[Step]:
    """Lets uploads without an ACL header through; those that state another ACL stay denied."""
    yield _spare_missing(
        target, ACL_HEADERS, "ACL", "objects that another account writes so are its own until ACLs are disabled"
    )


def _spare_missing(target: Target, headers: Iterable[str], what: str, then: str) -> Step:
    family = frozenset(key.lower() for key in headers)
    bucket = bucket_of(target)
    policy = need(bucket.policy)
    edits = [
        edit
        for row, statement in _in_bucket_policy(policy, family, upload(target, without=family).rows)
        if row.effect == "Deny"
        for edit in spare_missing_header(statement, family)
    ]
    if not edits:
        by_hand("the condition stands in a policy of the user or the organization, whose purpose a person must know")
    does = f"lets uploads without {what} header through"
    return edit_bucket_policy(bucket, edits, does, Order.GRANT, f"Uploads without the header are accepted: {then}.")


def exempt_writer(target: Target) -> Iterator[Step]:
    """Exempts the writer from the statements of the bucket policy that deny by network or organization."""
    writer, bucket = writer_of(target), bucket_of(target)
    family = frozenset(NETWORK_KEYS) | {"aws:principalorgid", "aws:principalorgpaths"}
    policy = need(bucket.policy)
    edits = [
        set_condition(statement, "ArnNotEquals", "aws:PrincipalArn", writer.arn)
        for row, statement in _in_bucket_policy(policy, family, upload(target).rows)
        if row.effect == "Deny"
    ]
    if not edits:
        by_hand("the condition stands in a policy of the user or the organization, whose purpose a person must know")
    yield edit_bucket_policy(
        bucket,
        edits,
        f"exempts {writer.user_name} from what it denies by network",
        Order.GRANT,
        "Whoever has the access key of this user gets past the network rule from anywhere: confine the user to "
        "s3:PutObject under its prefix.",
    )


def _in_bucket_policy(
    policy: PolicyDocument | None, family: frozenset[str], rows: Iterable[Row]
) -> Iterator[tuple[Row, Statement]]:
    """The rows of the bucket policy that test one of these keys and may bear on the upload, with their statements."""
    for row in rows:
        if row.layer == "resource" and row.keys & family and row.applies is not False and policy is not None:
            yield from ((row, statement) for statement in policy.statements if statement.label == row.label)


@rule(
    "url-prefix-in-iam",
    title="The user that Twilio writes as may upload under the prefix",
    severity=Severity.HIGH,
    remedy=allow_upload,
    remediation="""
        `recordscan policy minimal --bucket BUCKET --prefix PREFIX` prints the policy to attach to the user. Where a
        statement denies the upload, narrow that statement. A slash too many in the URL makes other keys than those that
        the policy names.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "AC-3"], soc2=["A1.2"]),
    references=(_GUIDE, _LOGIC, "https://www.twilio.com/docs/api/errors/53615"),
    guide="an AWS Identity and Access Management (IAM) user with write access to the bucket",
)
def prefix_in_iam(target: Target) -> Findings:
    """An upload that is denied waits (53615, 53625), and is lost when Twilio gives up (53616).

    Decided over the user's policies and groups, its boundary, the bucket policy, organization policies and Block
    Public Access, as AWS decides it.
    """
    writer = writer_of(target)
    decisions = [upload(target, name=name) for name in object_names(target)]
    if target.organization.assumed:
        remark("organization policies could not be read; the configuration says to take them as allowing")
    if all(decision.allowed is False for decision in decisions):
        because = "; ".join(decisions[0].because)
        yield finding(
            f"{writer.arn} may not put objects under {_place(target)}: {because}",
            writer.arn,
            expected=f"s3:PutObject allowed on {bucket_of(target).arn}/{location_of(target).key_prefix}*",
            observed=because,
            evidence=_policies(writer, bucket_of(target)),
        )
        return
    prefix = location_of(target).key_prefix
    # Without a slash at its end it is not known which names begin with it.
    for lack in need(writer_lacks(target)) if not prefix or prefix.endswith("/") else ():
        if lack.action == "s3:PutObject":
            yield finding(
                f"{writer.arn} may not put {lack.resource}, which is under the prefix",
                writer.arn,
                lack.resource,
                expected=f"s3:PutObject allowed on {bucket_of(target).arn}/{location_of(target).key_prefix}*",
                observed="; ".join(lack.because),
                evidence=_policies(writer, bucket_of(target)),
                discriminator="part of the prefix",
            )
    if not all(decision.allowed for decision in decisions):
        bare = [upload(target, name=name, without=SSE_HEADERS + ACL_HEADERS) for name in object_names(target)]
        if not all(decision.allowed for decision in bare):
            _require_certainty(target, decisions)
        remark("uploads are taken to carry no encryption and no ACL headers, for which Twilio has no setting")


_PLAIN_URL = (
    ": the URL begins with http://, and whether Twilio uploads without TLS then is documented nowhere; "
    "let the URL begin with https://"
)


def _require_certainty(target: Target, decisions: Iterable[Decision]) -> None:
    for decision in decisions:
        for gap in decision.gaps:
            need(gap)
        if decision.allowed is None:
            plain = "aws:securetransport" in {key.lower() for key in decision.depends_on}
            unavailable(
                Reason.UNDECIDABLE,
                f"whether the upload is allowed depends on {_open(decision)}" + (_PLAIN_URL if plain else ""),
            )
    unavailable(
        Reason.UNDECIDABLE,
        f"the upload is allowed only with a slash after {location_of(target).key_prefix}, or only without; "
        "let the URL end in a slash",
    )


@rule(
    "enc-kms-grant",
    title="The user that Twilio writes as may use the bucket's KMS key",
    severity=Severity.HIGH,
    remedy=let_writer_use_key,
    remediation="""
        `recordscan policy minimal --bucket BUCKET --prefix PREFIX --key KEY_ARN --full-template` prints the statement
        to add to the user's policy. The key policy must name the user or delegate to the account
        (`"Principal": {"AWS": "arn:aws:iam::ACCOUNT:root"}`). With S3 Bucket Keys the encryption context is the
        bucket's ARN, so that conditions on an object's ARN never hold.
    """,
    controls=proposal(nist_800_53_r5=["SC-12", "CP-10"], iso_27001_2022=["A.8.24"]),
    references=(_GUIDE, _SSE_KMS, "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"),
    guide="In order to make SSE-KMS to work with Twilio, you must grant access to the KMS key in your policy document",
)
def kms_grant(target: Target) -> Findings:
    """S3 asks KMS in the writer's name: for a data key, and for multipart uploads to decrypt what was begun.

    Without these two, uploads fail. The rest of what the guide grants is not known to be needed, and its lack is a low
    finding. Asked through S3 in the bucket's Region, so that a grant limited to that is enough.
    """
    key, writer = key_of(target), writer_of(target)
    lacking: dict[bool, dict[str, tuple[str, ...]]] = {True: {}, False: {}}
    open_actions: list[str] = []
    for action in (name for pattern in KEY_ACTIONS for name in expand(pattern)):
        decision = need(may_on_key(writer.principal, action, target))
        if decision.allowed is False:
            lacking[action in NEEDED_KEY_ACTIONS][action] = decision.because
        elif decision.allowed is None:
            open_actions.append(f"{action} on {_open(decision)}")
    for needed, lacks in lacking.items():
        if lacks:
            because = "; ".join(dict.fromkeys(reason for reasons in lacks.values() for reason in reasons))
            yield finding(
                f"{writer.arn} may not ask the key {key.reference} for {', '.join(lacks)}: {because}",
                writer.arn,
                key.reference,
                severity=Severity.HIGH if needed else Severity.LOW,
                expected=", ".join(NEEDED_KEY_ACTIONS if needed else KEY_ACTIONS),
                observed=f"not {', '.join(lacks)}",
                evidence=places(writer.principal.policies) + places(key.policy),
                discriminator="needed" if needed else "template",
            )
    if open_actions:
        unavailable(Reason.UNDECIDABLE, f"whether the key may be used depends: {'; '.join(open_actions)}")


@rule(
    "enc-no-header-condition",
    title="No policy asks uploads for encryption headers",
    severity=Severity.HIGH,
    remedy=spare_missing_encryption_header,
    remediation="""
        Let the bucket's default encryption do the work. Beside `StringNotEquals` on `s3:x-amz-server-side-encryption`
        add `"Null": {"s3:x-amz-server-side-encryption": "false"}`, so that only uploads that ask for something else are
        denied; `StringNotEqualsIfExists` is no help, as it holds where the header is missing. Remove statements with
        `"Null": {"s3:x-amz-server-side-encryption": "true"}`.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "SC-28"], iso_27001_2022=["A.8.24"]),
    references=(_SSE_KMS, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html", _GUIDE),
    guide="the only option we support is SSE-KMS (SSE with AWS KMS-Managed Keys)",
    peers=("custodian:no-encryption-statement",),
)
def no_header_condition(target: Target) -> Findings:
    """Twilio has no setting for encryption headers, so its uploads rely on the bucket's default encryption.

    S3 holds policies against the request before it applies the default. A policy that demands the header then denies
    every upload that relies on it.
    """
    yield from _demands(target, SSE_HEADERS, "a header for server-side encryption")


@rule(
    "aws-acl-condition",
    title="No policy asks uploads for an ACL header",
    severity=Severity.MEDIUM,
    remedy=spare_missing_acl_header,
    remediation="""
        Disable ACLs (`BucketOwnerEnforced`) and remove the condition on `s3:x-amz-acl`: with ACLs disabled the bucket
        owner owns every object, which is what such conditions were for.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "AC-3"]),
    references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html", _GUIDE),
    guide="create a policy document with write permissions",
)
def acl_condition(target: Target) -> Findings:
    """The guide grants PutObject alone, and Twilio has no setting for ACL headers, so that none may be demanded.

    Whether ACLs are disabled is the business of bucket-acl-disabled.
    """
    yield from _demands(target, ACL_HEADERS, "an ACL header")


@rule(
    "aws-ip-condition",
    title="No condition on network or organization stops Twilio's uploads",
    severity=Severity.HIGH,
    remedy=exempt_writer,
    remediation="""
        Exempt the writer from the statement, by `"ArnNotEquals": {"aws:PrincipalArn": "USER_ARN"}` beside the network
        condition, and confine the writer by its own policy instead: `s3:PutObject` under one prefix, nothing else.
    """,
    controls=proposal(nist_800_53_r5=["CP-10", "SC-7"], soc2=["A1.2"]),
    references=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies-vpc-endpoint.html",
        _GUIDE,
    ),
    guide="You can write your Video Recordings and Compositions to your own AWS (Amazon Web Services) S3 bucket",
)
def network_condition(target: Target) -> Findings:
    """Uploads come from Twilio's cloud, over addresses that Twilio does not publish and through none of your endpoints.

    A Deny for all addresses but your own, or for all but your VPC endpoints, stops them; so does an Allow for these
    alone.
    """
    writer, decision = writer_of(target), upload(target)
    family = frozenset(NETWORK_KEYS) | {"aws:principalorgid", "aws:principalorgpaths"}
    doubtful = []
    for row in decision.rows:
        opened = frozenset(key.lower() for key in row.open)
        if row.effect != "Deny" or not row.keys & family or row.applies is False:
            continue
        if row.applies or opened <= frozenset(NETWORK_KEYS):
            yield _stopped(target, row, "denies uploads by where they come from", _tested(row, family))
        else:
            doubtful.append(row)
    if not decision.allowing and decision.allowed is None:
        for row in decision.open:
            if row.effect == "Allow" and row.open and frozenset(key.lower() for key in row.open) <= family:
                yield _stopped(target, row, "allows uploads only from some places", _tested(row, family))
    require_read(decision)
    for row in doubtful:
        unavailable(Reason.UNDECIDABLE, f"whether {row.where} denies {writer.arn} depends on {', '.join(row.open)}")


def _demands(target: Target, keys: Iterable[str], header: str) -> Findings:
    """Statements that stop an upload which has none of these headers, and would not stop one that has."""
    family = frozenset(key.lower() for key in keys)
    decision = upload(target, without=family)
    doubtful = []
    for row in decision.rows:
        if row.effect == "Deny" and row.keys & family and row.applies is not False:
            if row.applies:
                yield _stopped(target, row, f"denies uploads without {header}", _tested(row, family))
            else:
                doubtful.append(row)
    if not decision.allowing:
        for row in decision.rows:
            missed = frozenset(miss.rpartition(" ")[2].lower() for miss in row.misses)
            if row.effect == "Allow" and missed and missed <= family:
                yield _stopped(target, row, f"allows uploads only with {header}", _tested(row, family))
    require_read(decision)
    for row in doubtful:
        unavailable(Reason.UNDECIDABLE, f"whether {row.where} denies the upload depends on {', '.join(row.open)}")


def _stopped(target: Target, row: Row, what: str, keys: str) -> Finding:
    writer, bucket = writer_of(target), bucket_of(target)
    return finding(
        f"{row.where} {what}, and Twilio's do not have it: {keys}",
        bucket.arn,
        writer.arn,
        expected=f"no condition on {keys}",
        observed=f"{row.effect} of {row.where} tests {keys}",
        evidence=_policies(writer, bucket),
        discriminator=f"{row.layer} {row.policy} {row.label}",
    )


def _tested(row: Row, family: frozenset[str]) -> str:
    return ", ".join(sorted(row.keys & family))


def _place(target: Target) -> str:
    return f"{bucket_of(target).name}/{location_of(target).key_prefix}"


def _open(decision: Decision) -> str:
    return ", ".join(decision.depends_on) or "what could not be read"


def _policies(writer: IamUser, bucket: Bucket) -> Source:
    return places(writer.principal.policies) + places(bucket.policy)
