"""What was looked at, and by which lists it was found. A list that the scope does not ask for is not mentioned."""

from collections.abc import Iterator, Sequence

from recordscan.estate.answers import Listing, listing
from recordscan.estate.estate import Estate
from recordscan.estate.key import KmsKey
from recordscan.estate.view import AccountView
from recordscan.facts import Fact, Known, Unavailable, derive, need
from recordscan.result import Population


def read_population(estate: Estate) -> tuple[Population, ...]:
    """How the resources of each kind were found, and whether all lists were read to their end."""
    rows = list(_places(estate))
    if estate.accounts:
        rows += _twilio(estate)
    if estate.scope.whole_account:
        rows += _account(estate)
    return tuple(rows)


def _places(estate: Estate) -> Iterator[Population]:
    found_by = []
    if estate.scope.aws_accounts:
        known = all(isinstance(view.caller, Known) for view in estate.views)
        yield Population(kind="AWS accounts", count=len(estate.views), enumerated_by=("configuration",), complete=known)
    if estate.accounts:
        yield Population(
            kind="Twilio accounts", count=len(estate.accounts), enumerated_by=("configuration",), complete=True
        )
        found_by += ["twilio:FetchRecordingSettings", "twilio:FetchCompositionSettings"]
    if estate.scope.buckets:
        found_by.append("configuration")
    listed = True
    if estate.scope.whole_account:
        found_by.append("s3:ListBuckets")
        listed = all(_whole(view.listed) for view in estate.views)
    buckets = [target.bucket for target in estate.targets]
    names = {bucket.value.name for bucket in buckets if isinstance(bucket, Known) and bucket.value is not None}
    # Where buckets could not be listed, one target stands for all of them.
    unlisted = sum(target.name == "buckets not listed" for target in estate.targets)
    yield Population(
        kind="targets", count=len(estate.targets) - unlisted, enumerated_by=tuple(found_by), complete=listed
    )
    read = all(isinstance(bucket, Known) for bucket in buckets)
    yield Population(kind="buckets", count=len(names), enumerated_by=tuple(found_by), complete=listed and read)


def _twilio(estate: Estate) -> Iterator[Population]:
    accounts = estate.accounts
    yield _listed("Recordings", [a.recordings for a in accounts], "twilio:ListRecordings")
    yield _listed("Compositions", [a.compositions for a in accounts], "twilio:ListCompositions")
    yield _listed("Composition Hooks", [a.hooks for a in accounts], "twilio:ListCompositionHooks")
    yield _listed("AWS credentials at Twilio", [a.aws_credentials for a in accounts], "twilio:ListAwsCredentials")


def _account(estate: Estate) -> Iterator[Population]:
    lists = [o for o in estate.snapshot.observations if o.operation == "kms:ListKeys"]
    answers = [estate.answers.read(o.operation, o.account, region=o.region, **o.request) for o in lists]
    if answers or any(not _whole(view.listed) or _count(view.listed) for view in estate.views):
        holders = (holder.key for holder in estate.key_holders())
        keys = {
            key.value.arn.value if isinstance(key.value.arn, Known) else key.value.reference
            for key in holders
            if isinstance(key, Known) and key.value is not None and _is_customers(key.value)
        }
        yield Population(
            kind="customer managed KMS keys in the buckets' Regions",
            count=len(keys),
            enumerated_by=("kms:ListKeys",),
            complete=bool(answers) and all(_whole(listing(answer, "Keys", lambda key: key)) for answer in answers),
        )
    details = [_users(view) for view in estate.views]
    yield _listed("IAM users", details, "iam:GetAccountAuthorizationDetails")


def _users(view: AccountView) -> Fact[Listing[object]]:
    answer = derive(lambda: need(view.answers.read("iam:GetAccountAuthorizationDetails", need(view.account))))
    return listing(answer, "UserDetailList", lambda row: row)


def _is_customers(key: KmsKey) -> bool:
    return isinstance(key.manager, Unavailable) or key.manager.value == "CUSTOMER"


def _listed(kind: str, listings: Sequence[Fact[Listing[object]]], operation: str) -> Population:
    return Population(
        kind=kind,
        count=sum(_count(found) for found in listings),
        enumerated_by=(operation,),
        complete=all(_whole(found) for found in listings),
    )


def _count(found: Fact[Listing[object]]) -> int:
    return len(found.value.items) if isinstance(found, Known) else 0


def _whole(found: Fact[Listing[object]]) -> bool:
    return isinstance(found, Known) and isinstance(found.value.whole, Known)
