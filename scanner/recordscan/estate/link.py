"""The link from a Twilio AWS credential (`CR…`) to the IAM access key that it holds.

Twilio never shows the access key id, so the link is either told by the owner or inferred, and always carries the class
of its evidence:

    A  the owner's configuration names the access key or the user
    B  CloudTrail shows one access key, and no other, asking KMS for data keys for objects under the target's prefix
    C  CloudTrail shows one access key doing so, but it may be another credential's, or not the only one
    D  one user carries the statements of Twilio's policy template
    E  the credential's friendly name contains the name of one user

A and B are evidence. The others are hints: they are shown, and no rule about the writer passes on them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recordscan.estate.answers import Answers, mapping, rows, text
from recordscan.estate.arn import Arn, parse_arn
from recordscan.estate.s3url import in_folder
from recordscan.estate.user import access_key_ids, key_owner
from recordscan.facts import Fact, Json, Known, Reason, derive, if_known, need, pluck, unavailable

EvidenceClass = Literal["A", "B", "C", "D", "E"]

TEMPLATE_SIDS = frozenset({"UploadUserDenyEverything", "UploadUserAllowPutObject"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a Twilio credential is believed to hold.

    Attributes:
        evidence: Class of the evidence, see the module.
        access_key_id: `AKIA…`; None where the evidence names only a user, and that user has not just one key.
        user_arn: ARN of the IAM user, or of the account's root; None where the access key was deleted.
        why: One sentence for the report.
    """

    evidence: EvidenceClass
    access_key_id: str | None
    user_arn: str | None
    why: str

    @property
    def proven(self) -> bool:
        """Whether rules about the writer may rest on it."""
        return self.evidence in ("A", "B") and self.user_arn is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkQuestion:
    """What is needed to link one credential.

    Attributes:
        credential_sid: `CR…`.
        configured: What the configuration says: an access key id or a user ARN; None where it says nothing.
        taken: What the configuration says of other credentials.
        friendly_name: Of the credential; None where unset or unreadable.
        account: Id of the AWS account in which the credential's user is looked for.
        partition: Its partition.
        caller: Id of the AWS account that is asked whose an access key is.
        bucket: Name of the target's bucket.
        prefix: Key prefix of the target.
        shared: Whether a setting with another credential stores in the bucket.
        region: Region in which KMS events of the bucket are recorded; None where unknown.
    """

    credential_sid: str
    configured: str | None
    taken: frozenset[str]
    friendly_name: str | None
    account: str
    partition: str
    caller: str
    bucket: str
    prefix: str
    shared: Fact[bool]
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uploads:
    """IAM users that CloudTrail shows asking for data keys: access key id → user ARN.

    Attributes:
        here: For objects under the target's prefix.
        bucket: For the bucket as a whole: with S3 Bucket Keys an event does not name the object.
        elsewhere: For other objects of the bucket.
        whole: Whether all events were read.
    """

    here: Mapping[str, str]
    bucket: Mapping[str, str]
    elsewhere: Mapping[str, str]
    whole: bool

    @property
    def candidates(self) -> Mapping[str, str]:
        return {**self.bucket, **self.here}


def link_credential(answers: Answers, question: LinkQuestion) -> Fact[Link]:
    """Link one credential, or say why that cannot be done."""
    return derive(lambda: _link(answers, question))


def lookup_request() -> dict[str, Json]:
    """The CloudTrail question whose answer can prove a link."""
    return {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]}


def credential_account(answers: Answers, configured: str | None, caller: str) -> str | None:
    """Id of the AWS account in which a credential's user lies, as far as the configuration leads there.

    Args:
        answers: The scan's observations.
        configured: An access key id or a user ARN; None where the configuration says nothing.
        caller: Id of the AWS account that is asked whose an access key is.
    """
    if configured is None:
        return None
    arn = parse_arn(configured)
    if arn is not None:
        return arn.account
    account = if_known(pluck(answers.read("sts:GetAccessKeyInfo", caller, AccessKeyId=configured), "Account"))
    return account if isinstance(account, str) else None


def _link(answers: Answers, question: LinkQuestion) -> Link:
    seen = derive(lambda: _uploads(answers, question))
    if question.configured is not None:
        return _checked(_told(answers, question, question.configured), seen, question)
    uploads = if_known(seen)
    if uploads is None or not uploads.candidates:
        return _hint(answers, question)
    if len(uploads.candidates) > 1:
        users = ", ".join(sorted(set(uploads.candidates.values())))
        unavailable(Reason.UNDECIDABLE, f"CloudTrail shows several access keys writing under the prefix: {users}")
    [(access_key_id, user_arn)] = uploads.candidates.items()
    doubt = _doubt(uploads, question, access_key_id, user_arn)
    shown = "in CloudTrail only this access key asks for data keys for objects under the prefix"
    return Link(
        evidence="B" if doubt is None else "C",
        access_key_id=access_key_id,
        user_arn=user_arn,
        why=shown if doubt is None else f"{shown}, but {doubt}",
    )


def _doubt(uploads: _Uploads, question: LinkQuestion, access_key_id: str, user_arn: str) -> str | None:
    """Why the only access key that was seen may be another credential's; None where it cannot."""
    if not uploads.whole:
        return "not all events could be read"
    if uploads.here:
        return None
    if {access_key_id, user_arn} & question.taken:
        return "the configuration says that another credential holds it"
    if set(uploads.elsewhere) - {access_key_id} or if_known(question.shared) is not False:
        return "the events name only the bucket, in which it may not be the only one"
    return None


def _told(answers: Answers, question: LinkQuestion, configured: str) -> Link:
    arn = parse_arn(configured)
    if arn is not None:
        return _told_user(answers, question, arn)
    account = question.account
    owner = need(key_owner(answers, configured, account))
    if owner is not None:
        user_arn = user_arn_of(answers, owner, account, question.partition)
        return Link(
            evidence="A", access_key_id=configured, user_arn=user_arn, why="the configuration names the access key"
        )
    info = answers.read("sts:GetAccessKeyInfo", question.caller, AccessKeyId=configured)
    if if_known(pluck(info, "Account")) == account:
        why = f"the configuration names an access key of account {account} that was deleted"
        return Link(evidence="A", access_key_id=configured, user_arn=None, why=why)
    unavailable(
        Reason.NOT_FOUND,
        f"the configuration links {question.credential_sid} to an access key that account {account} does not have",
    )


def _told_user(answers: Answers, question: LinkQuestion, arn: Arn) -> Link:
    access_key_id = None
    if arn.account == question.account and arn.resource.startswith("user/"):
        name = arn.resource.rpartition("/")[2]
        found = answers.read("iam:GetUser", question.account, UserName=name)
        if isinstance(found, Known) and need(found) is None:
            unavailable(
                Reason.NOT_FOUND, f"the configuration links {question.credential_sid} to {arn}, which does not exist"
            )
        keys = if_known(access_key_ids(answers, name, question.account)) or ()
        access_key_id = keys[0] if len(keys) == 1 else None
    return Link(
        evidence="A", access_key_id=access_key_id, user_arn=str(arn), why="the configuration names the IAM user"
    )


def user_arn_of(answers: Answers, user_name: str, account: str, partition: str) -> str:
    """The ARN of a user by its name, path included where GetUser tells it."""
    found = answers.read("iam:GetUser", account, UserName=user_name)
    if isinstance(found, Known) and found.value is not None:
        return str(need(pluck(found, "User", "Arn")))
    return f"arn:{partition}:iam::{account}:user/{user_name}"


def _checked(link: Link, seen: Fact[_Uploads], question: LinkQuestion) -> Link:
    """A told link, unless CloudTrail shows that other keys, and not this one, write under the prefix."""
    uploads = if_known(seen)
    if uploads is None:
        return link
    if link.access_key_id is not None:
        confirmed = link.access_key_id in uploads.candidates
    else:
        confirmed = link.user_arn in uploads.candidates.values()
    of_others = {key for key, user in uploads.bucket.items() if {key, user} & question.taken} - set(uploads.here)
    rivals = {user for key, user in uploads.candidates.items() if key not in of_others}
    if confirmed or not rivals:
        return link
    unavailable(
        Reason.UNDECIDABLE,
        f"the configuration names {_named(link)}, but CloudTrail shows uploads with other access keys only, of "
        + ", ".join(sorted(rivals)),
    )


def _named(link: Link) -> str:
    key = f"the access key {link.access_key_id[:4]}…{link.access_key_id[-4:]}" if link.access_key_id else ""
    return " of ".join(part for part in (key, link.user_arn) if part)


def _uploads(answers: Answers, question: LinkQuestion) -> _Uploads:
    answer = answers.read("cloudtrail:LookupEvents", question.account, region=question.region, **lookup_request())
    bucket = f"arn:{question.partition}:s3:::{question.bucket}"
    found: dict[str, dict[str, str]] = {"here": {}, "bucket": {}, "elsewhere": {}}
    for row in rows(answer, "Events"):
        event = _event(need(text(pluck(row, "CloudTrailEvent"))))
        identity = event.get("userIdentity") or {}
        context = (event.get("requestParameters") or {}).get("encryptionContext") or {}
        about, _, key = str(context.get("aws:s3:arn", "")).partition("/")
        by_user = identity.get("type") == "IAMUser" and identity.get("accessKeyId")
        if about != bucket or not by_user or event.get("errorCode"):
            continue
        place = "bucket" if not key else "here" if in_folder(key, question.prefix) else "elsewhere"
        found[place][str(identity["accessKeyId"])] = str(identity.get("arn", ""))
    return _Uploads(**found, whole=not need(pluck(answer, "truncated")))


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
