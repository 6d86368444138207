"""Side doors: what leads to the objects of a bucket beside its own name, and the copies that AWS Backup keeps.

Access points, Object Lambda access points and Multi-Region Access Points have policies and Block Public Access of their
own; S3 Access Grants hands out credentials for prefixes. Access points that other accounts made on the bucket cannot be
listed by its owner.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recordscan.estate.answers import Answers, Listing, listing, moment, read_policy, rows, text
from recordscan.estate.bucket import Bucket, PublicAccessBlock, read_public_access_block
from recordscan.facts import Fact, Json, Known, Reason, derive, need, pluck, unavailable
from recordscan.policy.documents import PolicyDocument

MULTI_REGION_HOME = "us-west-2"
"""The Region that answers for Multi-Region Access Points, which only the partition `aws` has."""

DoorKind = Literal["access point", "Object Lambda access point", "Multi-Region Access Point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPoint:
    """One access point of any kind.

    Attributes:
        kind: Which.
        name: Its name.
        network: Internet or VPC; None where the kind has none, which is the internet.
        public_access_block: Its own four switches.
        policy: Its policy; None for none.
    """

    kind: DoorKind
    name: str
    network: Fact[str | None]
    public_access_block: PublicAccessBlock
    policy: Fact[PolicyDocument | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGrant:
    """One grant of S3 Access Grants.

    Attributes:
        id: Its id.
        kind: IAM, DIRECTORY_USER or DIRECTORY_GROUP.
        grantee: ARN of the principal, or id in the directory.
        permission: READ, WRITE or READWRITE.
        scope: Such as `s3://bucket/prefix*`.
    """

    id: str
    kind: str
    grantee: str
    permission: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedResource:
    """A resource that AWS Backup has backed up: its ARN, and when it did so last."""

    arn: str
    last: Fact[datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideDoors:
    """The side doors of one bucket.

    Attributes:
        access_points: Of every kind; unavailable where one kind could not be listed.
        grants: Grants of the account in the bucket's Region; None where Access Grants was never set up.
        grants_policy: Which other accounts may ask for what the grants give; None for none.
        backups: What AWS Backup protects in the account and Region; unavailable for a bucket of another account.
    """

    access_points: Fact[tuple[AccessPoint, ...]]
    grants: Fact[Listing[AccessGrant] | None]
    grants_policy: Fact[PolicyDocument | None]
    backups: Fact[Listing[ProtectedResource]]


def read_side_doors(answers: Answers, bucket: Bucket, *, account: str) -> SideDoors:
    """Read the side doors of a bucket.

    Args:
        answers: The scan's observations.
        bucket: The bucket.
        account: Account id of the caller.
    """
    reader = _Reader(answers, bucket, account)
    return SideDoors(
        access_points=derive(lambda: tuple(reader.access_points())),
        grants=derive(reader.grants),
        grants_policy=derive(lambda: read_policy(reader.ask("s3control:GetAccessGrantsInstanceResourcePolicy"))),
        backups=derive(reader.backups),
    )


def spans(row: Json, bucket: str, owner: str) -> bool:
    """Whether a Multi-Region Access Point, a row of ListMultiRegionAccessPoints, leads to a bucket."""
    regions = row.get("Regions") if isinstance(row, dict) else None
    return any(
        isinstance(region, dict)
        and region.get("Bucket") == bucket
        and region.get("BucketAccountId") in (None, "", owner)
        for region in (regions if isinstance(regions, list) else ())
    )


class _Reader:
    """Asks about one bucket."""

    def __init__(self, answers: Answers, bucket: Bucket, account: str) -> None:
        self._answers = answers
        self._bucket = bucket
        self._account = account

    def ask(self, operation: str, *, region: str | None = None, **request: Json) -> Fact[Json]:
        """An answer about the owner's account, in the bucket's Region unless another is given.

        Raises:
            Missing: Owner or Region of the bucket is not known.
        """
        where, owner = need(self._bucket.region), need(self._bucket.owner)
        return self._answers.read(operation, self._account, region=region or where, AccountId=owner, **request)

    def access_points(self) -> Iterator[AccessPoint]:
        own = list(self._own())
        yield from own
        yield from self._object_lambda(frozenset(point.name for point in own))
        if self._bucket.arn.split(":")[1] == "aws":
            yield from self._multi_region()

    def _own(self) -> Iterator[AccessPoint]:
        answer = self.ask("s3control:ListAccessPoints", Bucket=self._bucket.name)
        for name in _names(answer, "AccessPointList"):
            described = self.ask("s3control:GetAccessPoint", Name=name)
            yield AccessPoint(
                kind="access point",
                name=name,
                network=text(pluck(described, "NetworkOrigin")),
                public_access_block=read_public_access_block(described),
                policy=self._policy("s3control:GetAccessPointPolicy", name),
            )

    def _object_lambda(self, own: frozenset[str]) -> Iterator[AccessPoint]:
        """Those that stand before an access point of the bucket."""
        answer = self.ask("s3control:ListAccessPointsForObjectLambda")
        for name in _names(answer, "ObjectLambdaAccessPointList"):
            configuration = self.ask("s3control:GetAccessPointConfigurationForObjectLambda", Name=name)
            supporting = need(text(pluck(configuration, "Configuration", "SupportingAccessPoint")))
            if supporting is None:
                unavailable(
                    Reason.MALFORMED, f"the access point behind the Object Lambda access point {name} is missing"
                )
            if supporting.rpartition("accesspoint/")[2] in own:
                yield AccessPoint(
                    kind="Object Lambda access point",
                    name=name,
                    network=Known(None),
                    public_access_block=read_public_access_block(
                        self.ask("s3control:GetAccessPointForObjectLambda", Name=name)
                    ),
                    policy=self._policy("s3control:GetAccessPointPolicyForObjectLambda", name),
                )

    def _multi_region(self) -> Iterator[AccessPoint]:
        answer = self.ask("s3control:ListMultiRegionAccessPoints", region=MULTI_REGION_HOME)
        owner = need(self._bucket.owner)
        for row in _whole(answer, "AccessPoints"):
            if spans(need(row), self._bucket.name, owner):
                name = str(need(pluck(row, "Name")))
                yield AccessPoint(
                    kind="Multi-Region Access Point",
                    name=name,
                    network=Known(None),
                    public_access_block=read_public_access_block(_renamed(row)),
                    policy=self._established_policy(name),
                )

    def _policy(self, operation: str, name: str) -> Fact[PolicyDocument | None]:
        answer = self.ask(operation, Name=name)
        return derive(lambda: read_policy(answer))

    def _established_policy(self, name: str) -> Fact[PolicyDocument | None]:
        answer = self.ask("s3control:GetMultiRegionAccessPointPolicy", region=MULTI_REGION_HOME, Name=name)
        return derive(lambda: _established(answer))

    def grants(self) -> Listing[AccessGrant] | None:
        answer = self.ask("s3control:ListAccessGrants")
        return None if need(answer) is None else need(listing(answer, "AccessGrantsList", _grant))

    def backups(self) -> Listing[ProtectedResource]:
        owner = need(self._bucket.owner)
        if owner != self._account:
            unavailable(Reason.UNDECIDABLE, f"backups of the account {owner}, which owns the bucket, are not read")
        answer = self._answers.read("backup:ListProtectedResources", owner, region=need(self._bucket.region))
        return need(listing(answer, "Results", _protected))


def _names(answer: Fact[Json], member: str) -> list[str]:
    return [str(need(pluck(row, "Name"))) for row in _whole(answer, member)]


def _whole(answer: Fact[Json], member: str) -> list[Fact[Json]]:
    """The rows of a list, or end the computation: it was cut, so that a row may be missing."""
    if need(pluck(answer, "truncated")):
        unavailable(Reason.UNDECIDABLE, f"the list of {member} was cut at the page limit")
    return rows(answer, member)


def _renamed(row: Fact[Json]) -> Fact[Json]:
    """Block Public Access of a Multi-Region Access Point, under the name that it has everywhere else."""
    inner = pluck(row, "PublicAccessBlock")
    return derive(lambda: {"PublicAccessBlockConfiguration": need(inner)})


def _established(answer: Fact[Json]) -> PolicyDocument | None:
    """The policy that is in force everywhere, where one is."""
    if need(answer) is None or need(text(pluck(answer, "Policy", "Established", "Policy"))) is None:
        return None
    return read_policy(pluck(answer, "Policy", "Established"))


def _grant(row: Fact[Json]) -> AccessGrant:
    return AccessGrant(
        id=str(need(pluck(row, "AccessGrantId"))),
        kind=need(text(pluck(row, "Grantee", "GranteeType"))) or "unknown",
        grantee=need(text(pluck(row, "Grantee", "GranteeIdentifier"))) or "unknown",
        permission=need(text(pluck(row, "Permission"))) or "unknown",
        scope=need(text(pluck(row, "GrantScope"))) or "",
    )


def _protected(row: Fact[Json]) -> ProtectedResource:
    return ProtectedResource(arn=str(need(pluck(row, "ResourceArn"))), last=moment(pluck(row, "LastBackupTime")))
