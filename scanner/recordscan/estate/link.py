"""The link from a Twilio AWS credential (`CR…`) to the IAM access key that it holds.

Twilio never shows the access key id, so the link is either told by the owner or inferred, and always carries the class
of its evidence:

    A  the owner's configuration names the access key or the user
    B  CloudTrail shows one access key asking KMS for data keys for objects under the target's prefix
    D  one user carries the statements of Twilio's policy template
    E  the credential's friendly name contains the name of one user

A and B are evidence. D and E are hints: they are shown, and no rule about the writer passes on them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.estate.arn import parse_arn
from recordscan.estate.user import key_owner
from recordscan.facts import Fact, Json, Known, Reason, Unavailable, derive, need, pluck, unavailable

EvidenceClass = Literal["A", "B", "D", "E"]

TEMPLATE_SIDS = frozenset({"UploadUserDenyEverything", "UploadUserAllowPutObject"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a Twilio credential is believed to hold.

    Attributes:
        evidence: Class of the evidence, see the module.
        access_key_id: `AKIA…`; None where the evidence names only a user.
        user_arn: ARN of the IAM user, or of the account's root.
        why: One sentence for the report.
    """

    evidence: EvidenceClass
    access_key_id: str | None
    user_arn: str
    why: str

    @property
    def proven(self) -> bool:
        """Whether rules about the writer may rest on it."""
        return self.evidence in ("A", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuestion:
    """What is needed to link one credential.

    Attributes:
        credential_sid: `CR…`.
        configured: What the configuration says: an access key id or a user ARN; None where it says nothing.
        friendly_name: Of the credential; None where unset or unreadable.
        account: AWS account id of the caller.
        partition: Its partition.
        bucket: Name of the target's bucket.
        prefix: Key prefix of the target.
        region: Region in which KMS events of the bucket are recorded; None where unknown.
    """

    credential_sid: str
    configured: str | None
    friendly_name: str | None
    account: str
    partition: str
    bucket: str
    prefix: str
    region: str | None


def link_credential(answers: Answers, question: LinkQuestion) -> Fact[Link]:
    """Link one credential, or say why that cannot be done."""
    return derive(lambda: _link(answers, question))


def lookup_request() -> dict[str, Json]:
    """The CloudTrail question whose answer can prove a link."""
    return {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]}


def _link(answers: Answers, question: LinkQuestion) -> Link:
    seen = derive(lambda: dict(_uploads(answers, question)))
    if question.configured is not None:
        return _checked(_told(answers, question, question.configured), seen)
    if isinstance(seen, Known) and len(seen.value) == 1:
        [(access_key_id, user_arn)] = need(seen).items()
        return Link(
            evidence="B",
            access_key_id=access_key_id,
            user_arn=user_arn,
            why="in CloudTrail's latest events only this access key asks for data keys for objects under the prefix",
        )
    if isinstance(seen, Known) and len(seen.value) > 1:
        users = ", ".join(sorted(set(need(seen).values())))
        unavailable(Reason.UNDECIDABLE, f"CloudTrail shows several access keys writing under the prefix: {users}")
    return _hint(answers, question)


def _told(answers: Answers, question: LinkQuestion, configured: str) -> Link:
    arn = parse_arn(configured)
    if arn is not None:
        return Link(evidence="A", access_key_id=None, user_arn=configured, why="the configuration names the IAM user")
    owner = need(key_owner(answers, configured, question.account))
    if owner is None:
        unavailable(
            Reason.NOT_FOUND,
            f"the configuration links {question.credential_sid} to an access key that account {question.account} "
            "does not have",
        )
    user_arn = user_arn_of(answers, owner, question.account, question.partition)
    return Link(evidence="A", access_key_id=configured, user_arn=user_arn, why="the configuration names the access key")


def user_arn_of(answers: Answers, user_name: str, account: str, partition: str) -> str:
    """The ARN of a user by its name, path included where GetUser tells it."""
    found = answers.read("iam:GetUser", account, UserName=user_name)
    if isinstance(found, Known) and found.value is not None:
        return str(need(pluck(found, "User", "Arn")))
    return f"arn:{partition}:iam::{account}:user/{user_name}"


def _checked(link: Link, seen: Fact[dict[str, str]]) -> Link:
    """A told link, unless CloudTrail shows that other keys, and not this one, write under the prefix."""
    if isinstance(seen, Unavailable) or not seen.value:
        return link
    uploads = need(seen)
    if link.access_key_id in uploads or link.user_arn in uploads.values():
        return link
    users = ", ".join(sorted(set(uploads.values())))
    unavailable(
        Reason.UNDECIDABLE, f"the configuration names {link.user_arn}, but CloudTrail shows uploads by {users} only"
    )


def _uploads(answers: Answers, question: LinkQuestion) -> Iterator[tuple[str, str]]:
    """Access key id and user ARN of each IAM user seen writing under the prefix."""
    answer = answers.read("cloudtrail:LookupEvents", question.account, region=question.region, **lookup_request())
    bucket = f"arn:{question.partition}:s3:::{question.bucket}"
    for row in rows(answer, "Events"):
        event = _event(need(text(pluck(row, "CloudTrailEvent"))))
        identity = event.get("userIdentity") or {}
        context = (event.get("requestParameters") or {}).get("encryptionContext") or {}
        about = str(context.get("aws:s3:arn", ""))
        if identity.get("type") != "IAMUser" or not identity.get("accessKeyId"):
            continue
        if about == bucket or about.startswith(f"{bucket}/{question.prefix}"):
            yield str(identity["accessKeyId"]), str(identity.get("arn", ""))


def _event(body: str | None) -> Mapping[str, Json]:
    try:
        event = json.loads(body or "{}")
    except ValueError:
        unavailable(Reason.MALFORMED, "a CloudTrail event is no JSON")
    return event if isinstance(event, dict) else {}


def _hint(answers: Answers, question: LinkQuestion) -> Link:
    details = answers.read("iam:GetAccountAuthorizationDetails", question.account)
    users = [mapping(row) for row in rows(details, "UserDetailList")]
    policies = {str(p.get("Arn")): p for p in need(pluck(details, "Policies")) or []}
    templated = [user for user in users if _carries_template(user, policies)]
    if len(templated) == 1:
        return _hinted("D", templated[0], "it is the only user with the statements of Twilio's policy template")
    name = (question.friendly_name or "").lower()
    named = [user for user in users if str(user.get("UserName", "")).lower() in name and user.get("UserName")]
    if len(named) == 1:
        return _hinted("E", named[0], "the credential's friendly name contains the user's name")
    unavailable(Reason.UNDECIDABLE, f"nothing shows which access key {question.credential_sid} holds")


def _hinted(evidence: EvidenceClass, user: Mapping[str, Json], why: str) -> Link:
    return Link(evidence=evidence, access_key_id=None, user_arn=str(user.get("Arn")), why=why)


def _carries_template(user: Mapping[str, Json], policies: Mapping[str, Mapping[str, Json]]) -> bool:
    documents = [policy.get("PolicyDocument") for policy in user.get("UserPolicyList") or []]
    for attached in user.get("AttachedManagedPolicies") or []:
        versions = policies.get(str(attached.get("PolicyArn")), {}).get("PolicyVersionList") or []
        documents += [version.get("Document") for version in versions if version.get("IsDefaultVersion")]
    return any(_sids(document) & TEMPLATE_SIDS for document in documents)


def _sids(document: Json) -> frozenset[str]:
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    return frozenset(str(s.get("Sid")) for s in listed if isinstance(s, dict))
