"""What one AWS account shows to the credentials that read it. With several accounts there are several views."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from recordscan.estate.answers import Answers, Listing
from recordscan.estate.arn import parse_arn
from recordscan.estate.bucket import Bucket, list_buckets, read_bucket
from recordscan.estate.key import KmsKey, read_key
from recordscan.estate.organization import Organization, asker_of, read_organization
from recordscan.estate.principal import Principal, read_principals
from recordscan.estate.trail import EventDataStore, Trail, read_event_data_stores, read_trails
from recordscan.estate.user import IamUser, read_user
from recordscan.estate.watch import Watch
from recordscan.facts import Fact, Known, Unavailable, derive, if_known, need, pluck
from recordscan.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An AWS identity that the scan ran as."""

    account: str
    arn: str
    partition: str


def read_caller(answers: Answers, account: str | None = None) -> Fact[Caller]:
    """The AWS identity that the observations were asked with.

    Args:
        answers: The scan's observations.
        account: Account id of a further account; None for the one that the scan runs in.
    """
    answer = answers.read("sts:GetCallerIdentity", account)

    def compute() -> Caller:
        arn = str(need(pluck(answer, "Arn")))
        parsed = parse_arn(arn)
        return Caller(
            account=str(need(pluck(answer, "Account"))), arn=arn, partition=parsed.partition if parsed else "aws"
        )

    return derive(compute)


class AccountView:
    """What one AWS account shows. Everything is read on first use and then kept.

    Attributes:
        caller: The identity that it is read as; unavailable where no role there could be taken on, and then so is
            everything else, for that reason.
        label: What reports call it; None for the account that the scan runs in.
        answers: The scan's observations, as far as they are about this account.
    """

    def __init__(
        self,
        answers: Answers,
        scope: Scope,
        *,
        account: str | None = None,
        label: str | None = None,
        home: "AccountView | None" = None,
    ) -> None:
        """Look at an account; nothing is read yet.

        Args:
            answers: The scan's observations.
            scope: What the scan looks at.
            account: Account id; None for the account that the scan runs in.
            label: What reports call it.
            home: The account that the scan runs in; None for this one.
        """
        self.caller = read_caller(answers, account)
        self.label = label
        closed = self.caller if account is not None and isinstance(self.caller, Unavailable) else None
        self.answers = replace(answers, closed=closed)
        self._scope = scope
        self._stated = account
        self._home = home
        self._buckets: dict[str, Bucket] = {}
        self._keys: dict[tuple[str, str], KmsKey] = {}
        self._trails: dict[str, Fact[tuple[Trail, ...]]] = {}
        self._watches: dict[str, Fact[Watch]] = {}

    @cached_property
    def account(self) -> Fact[str]:
        """The account id."""
        return Known(self._stated) if self._stated is not None else derive(lambda: need(self.caller).account)

    @property
    def partition(self) -> str:
        """Its partition; `aws` where that is not known."""
        return self.caller.value.partition if isinstance(self.caller, Known) else "aws"

    @cached_property
    def listed(self) -> Fact[Listing[str]]:
        """Names of the account's buckets."""
        return derive(lambda: need(list_buckets(self.answers, need(self.account))))

    def lists(self, bucket: str) -> bool:
        """Whether a bucket is known to be one of the account's own."""
        return isinstance(self.listed, Known) and bucket in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.listed.value.items) if isinstance(self.listed, Known) else frozenset()

    @cached_property
    def principals(self) -> Fact[tuple[Principal, ...]]:
        """All users and roles of the account."""
        return derive(lambda: need(read_principals(self.answers, need(self.account))))

    @cached_property
    def organization(self) -> Organization:
        """What an organization does to the account."""
        if isinstance(self.caller, Unavailable):
            account = self.account.value if isinstance(self.account, Known) else None
            return Organization(id=self.caller, scps=self.caller, rcps=self.caller, account=account)
        return self.organization_of(self.caller.value.account)

    def organization_of(self, account: str) -> Organization:
        """What an organization does to an account, as far as the answers of this one tell it."""
        home = None if self._home is None else if_known(self._home.account)
        asker = account if home is None else asker_of(self.answers, account, home)
        read = read_organization(self.answers, account, asker=asker)
        return read.taken_as_allowing() if self._scope.assume_organization_allows else read

    def bucket(self, name: str, expected: tuple[str, ...], readers: tuple[str, ...]) -> Fact[Bucket]:
        """One bucket by name; see `read_bucket`."""

        def compute() -> Bucket:
            caller = need(self.caller)
            if name not in self._buckets:
                self._buckets[name] = read_bucket(
                    self.answers,
                    name,
                    account=caller.account,
                    partition=caller.partition,
                    expected=expected,
                    readers=readers,
                )
            return self._buckets[name]

        return derive(compute)

    def key(self, reference: str, region: str) -> Fact[KmsKey]:
        """One KMS key by what names it and the Region to look in."""

        def compute() -> KmsKey:
            account = need(self.caller).account
            if (reference, region) not in self._keys:
                self._keys[reference, region] = read_key(self.answers, reference, account=account, region=region)
            return self._keys[reference, region]

        return derive(compute)

    def user(self, arn: str) -> Fact[IamUser]:
        """One IAM user of the account by its ARN."""
        name = arn.rpartition("/")[2]
        return derive(lambda: read_user(self.answers, name, arn, account=need(self.caller).account))

    def trails(self, region: str, bucket: Callable[[str], Fact[Bucket]]) -> Fact[tuple[Trail, ...]]:
        """The CloudTrail trails that record in a Region."""
        if region not in self._trails:
            self._trails[region] = derive(
                lambda: need(read_trails(self.answers, account=need(self.account), region=region, bucket=bucket))
            )
        return self._trails[region]

    def watch(self, region: str, bucket: Callable[[str], Fact[Bucket]]) -> Fact[Watch]:
        """What tells somebody of changes in a Region."""
        if region not in self._watches:
            self._watches[region] = derive(
                lambda: Watch(self.answers, need(self.account), need(self.trails(region, bucket)))
            )
        return self._watches[region]

    def event_data_stores(self, region: str) -> Fact[tuple[EventDataStore, ...]]:
        """The event data stores of CloudTrail Lake in a Region."""
        return derive(lambda: need(read_event_data_stores(self.answers, account=need(self.account), region=region)))


def view_that_lists(bucket: str, views: Iterable[AccountView], home: AccountView) -> AccountView:
    """Whose answers tell of a bucket: those of the account that lists it as its own, else those of `home`."""
    return next((view for view in views if view.lists(bucket)), home)
