"""The estate: everything that one snapshot tells, joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from recordscan.estate.answers import Answers, Listing, parse_moment
from recordscan.estate.arn import parse_arn
from recordscan.estate.aws_account import AwsAccount, asked_account, read_aws_account
from recordscan.estate.bucket import Bucket, StoredObject, list_buckets, read_bucket, read_objects
from recordscan.estate.guards import RegionGuards, read_guards
from recordscan.estate.inventory import AccountKey, AccountUser, not_listed, other_keys, other_users
from recordscan.estate.key import KmsKey, key_region, read_key
from recordscan.estate.link import Link, LinkQuestion, link_credential
from recordscan.estate.organization import Organization, read_organization
from recordscan.estate.principal import Principal, read_principals
from recordscan.estate.privileges import place_of
from recordscan.estate.s3url import S3Location, S3UrlError, parse_s3_url
from recordscan.estate.sample import Sample, read_sample
from recordscan.estate.side_doors import SideDoors, read_side_doors
from recordscan.estate.stored import (
    DeletedMedia,
    Media,
    MediaPlace,
    StoredMedia,
    is_replicated,
    read_deleted,
    read_stored,
)
from recordscan.estate.target import Target
from recordscan.estate.trail import EventDataStore, Trail, read_event_data_stores, read_trails
from recordscan.estate.twilio import PRODUCTS, CredentialResource, StorageSetting, TwilioAccount, read_twilio_account
from recordscan.estate.user import IamUser, read_user
from recordscan.estate.watch import Watch
from recordscan.facts import (
    Fact,
    Known,
    Reason,
    Unavailable,
    all_true,
    any_true,
    derive,
    if_known,
    need,
    pluck,
    unavailable,
)
from recordscan.policy.template import Place
from recordscan.scope import BucketScope, Scope
from recordscan.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The AWS identity that the scan ran as."""

    account: str
    arn: str
    partition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeEstate:
    """Everything at once, for rules that compare targets with each other.

    Attributes:
        targets: All of them.
        accounts: The Twilio accounts in scope.
        accounts_in_use: SIDs of the Twilio accounts in scope and of their subaccounts, less suspended and closed ones.
        subaccounts_in_use: SIDs of the subaccounts among them.
    """

    targets: tuple[Target, ...]
    accounts: tuple[TwilioAccount, ...]
    accounts_in_use: Fact[frozenset[str]]
    subaccounts_in_use: Fact[frozenset[str]]
    uid: str = "estate"
    kind: str = "estate"
    name: str = "all accounts"
    provider: str = "twilio"
    account_id: str | None = None
    region_name: str | None = None


class Estate:
    """The typed view of one snapshot. Everything is read on first use and then kept."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.scope = snapshot.header.scope
        self.answers = Answers(snapshot)
        self.as_of: datetime = parse_moment(snapshot.header.started)
        """The moment that ages are counted to: the start of the scan, so that a replay gives the same verdict."""
        self._buckets: dict[str, Bucket] = {}
        self._keys: dict[tuple[str, str], KmsKey] = {}

    @cached_property
    def caller(self) -> Fact[Caller]:
        """The AWS identity that the scan ran as."""
        return read_caller(self.answers)

    @cached_property
    def accounts(self) -> tuple[TwilioAccount, ...]:
        """The Twilio accounts in scope."""
        return tuple(
            read_twilio_account(
                self.answers,
                account.sid,
                account.label,
                alerts_since=self.scope.alerts_since,
                scanned_with=self.snapshot.header.asked_by.get(f"twilio:{account.sid}"),
                as_of=self.as_of,
            )
            for account in self.scope.twilio_accounts
        )

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """All targets: those of Twilio, then the buckets that were named or found without it."""
        of_twilio = tuple(
            self._twilio_target(account, account.setting(product)) for account in self.accounts for product in PRODUCTS
        )
        named = tuple(self._bucket_target(scope) for scope in self.scope.buckets)
        places = [t.location.value for t in of_twilio + named if isinstance(t.location, Known)]
        found = of_twilio + named + self._other_buckets(frozenset(at.bucket for at in places if at is not None))
        logs = _log_receivers(found)
        return tuple(
            replace(
                target,
                writer_places=_writer_places(target, of_twilio),
                receives_logs=logs.get(_bucket_name(target), Known(False)),
            )
            for target in found
        )

    def all_targets(self) -> tuple[Target, ...]:
        """Subjects of most rules: every target."""
        return self.targets

    def twilio_targets(self) -> tuple[Target, ...]:
        """Subjects of rules about Twilio settings: targets that have one."""
        return tuple(target for target in self.targets if target.setting is not None)

    def recording_targets(self) -> tuple[Target, ...]:
        """Subjects of rules about Recordings."""
        return tuple(t for t in self.targets if t.setting is not None and t.setting.product == "recordings")

    def composition_targets(self) -> tuple[Target, ...]:
        """Subjects of rules about Compositions."""
        return tuple(t for t in self.targets if t.setting is not None and t.setting.product == "compositions")

    def twilio_accounts(self) -> tuple[TwilioAccount, ...]:
        """Subjects of rules about a whole Twilio account."""
        return self.accounts

    def whole(self) -> tuple[WholeEstate]:
        """Subject of rules that compare targets with each other."""
        whole = WholeEstate(
            targets=self.targets,
            accounts=self.accounts,
            accounts_in_use=derive(lambda: _in_use(self.accounts)),
            subaccounts_in_use=derive(lambda: _subaccounts(self.accounts)),
        )
        return (whole,)

    def aws_account(self) -> tuple[AwsAccount]:
        """Subject of rules about the AWS account that the scan runs in."""
        return (self._aws_account,)

    def key_holders(self) -> tuple[Target | AccountKey, ...]:
        """Subjects of rules about keys: every target, and in account scope every other customer managed key."""
        return (*self.targets, *self._other_keys)

    def user_holders(self) -> tuple[Target | AccountUser, ...]:
        """Subjects of rules about users: every target, and in account scope every other IAM user."""
        return (*self.targets, *self._other_users)

    def trails(self, region: str) -> Fact[tuple[Trail, ...]]:
        """The CloudTrail trails that record in a Region."""
        return derive(
            lambda: need(
                read_trails(self.answers, account=need(self.caller).account, region=region, bucket=self.bucket)
            )
        )

    def event_data_stores(self, region: str) -> Fact[tuple[EventDataStore, ...]]:
        """The event data stores of CloudTrail Lake in a Region."""
        return derive(
            lambda: need(read_event_data_stores(self.answers, account=need(self.caller).account, region=region))
        )

    @cached_property
    def organization(self) -> Organization:
        """What an organization does to the caller's account."""
        caller = self.caller
        if isinstance(caller, Unavailable):
            return Organization(id=caller, scps=caller, rcps=caller)
        return self._organization_of(caller.value.account)

    def _organization_of(self, account: str) -> Organization:
        read = read_organization(self.answers, account)
        return read.taken_as_allowing() if self.scope.assume_organization_allows else read

    @cached_property
    def principals(self) -> Fact[tuple[Principal, ...]]:
        """All users and roles of the caller's account."""
        return derive(lambda: need(read_principals(self.answers, need(self.caller).account)))

    def bucket(self, name: str) -> Fact[Bucket]:
        """One bucket by name."""

        def compute() -> Bucket:
            caller = need(self.caller)
            if name not in self._buckets:
                self._buckets[name] = read_bucket(
                    self.answers,
                    name,
                    account=caller.account,
                    partition=caller.partition,
                    expected=self.scope.bucket_owners or (caller.account,),
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
        """One IAM user by ARN; unavailable for the root user and for users of other accounts."""

        def compute() -> IamUser:
            caller = need(self.caller)
            parsed = parse_arn(arn)
            if parsed is None or not parsed.resource.startswith("user/"):
                unavailable(Reason.UNDECIDABLE, f"{arn} is no IAM user")
            if parsed.account != caller.account:
                unavailable(Reason.ACCESS_DENIED, f"{arn} belongs to an account that this scan does not read")
            return read_user(self.answers, parsed.resource.rpartition("/")[2], arn, account=caller.account)

        return derive(compute)

    def _twilio_target(self, account: TwilioAccount, setting: StorageSetting) -> Target:
        location: Fact[S3Location | None] = derive(lambda: _location(setting))
        bucket = derive(lambda: None if (at := need(location)) is None else need(self.bucket(at.bucket)))
        credential = derive(lambda: _credential(account, setting))
        link = derive(lambda: self._link(setting, location, bucket, credential))
        return Target(
            uid=f"twilio:{account.sid}/{setting.product}",
            name=f"{account.label} {setting.product}",
            account=account,
            setting=setting,
            location=location,
            bucket=bucket,
            key=derive(lambda: self._key_of(bucket)),
            credential=credential,
            link=link,
            writer=derive(lambda: self._writer(link)),
            writer_places=Known(()),
            receives_logs=Known(False),
            objects=derive(lambda: self._objects(location, bucket)),
            sample_size=self.scope.sample_objects,
            sample=derive(lambda: self._sample(location, bucket)),
            doors=derive(lambda: self._doors(bucket)),
            stored=derive(lambda: self._stored(account.media(setting.product), bucket)),
            deleted=derive(lambda: self._deleted(account.deleted(setting.product), bucket)),
            replicated=derive(lambda: self._replicated(bucket)),
            trails=derive(lambda: self._trails(bucket)),
            event_data_stores=derive(lambda: self._stores(bucket)),
            watch=derive(lambda: self._watch(bucket)),
            log_target=derive(lambda: self._log_target(bucket)),
            principals=self.principals,
            organization=self.organization,
            as_of=self.as_of,
        )

    def _bucket_target(
        self, scope: BucketScope, *, bucket: Fact[Bucket | None] | None = None, name: str | None = None
    ) -> Target:
        bucket = self.bucket(scope.bucket) if bucket is None else bucket
        location: Fact[S3Location | None] = derive(lambda: _named_location(scope, need(self.caller).partition))
        return Target(
            uid=f"s3://{scope.bucket}/{scope.prefix}",
            name=name or f"{scope.bucket}/{scope.prefix}".rstrip("/"),
            account=None,
            setting=None,
            location=location,
            bucket=bucket,
            key=derive(lambda: self._key_of(bucket)),
            credential=Known(None),
            link=Known(None),
            writer=Known(None),
            writer_places=Known(()),
            receives_logs=Known(False),
            objects=derive(lambda: self._objects(location, bucket)),
            sample_size=self.scope.sample_objects,
            sample=derive(lambda: self._sample(location, bucket)),
            doors=derive(lambda: self._doors(bucket)),
            stored=Known(None),
            deleted=Known(None),
            replicated=derive(lambda: self._replicated(bucket)),
            trails=derive(lambda: self._trails(bucket)),
            event_data_stores=derive(lambda: self._stores(bucket)),
            watch=derive(lambda: self._watch(bucket)),
            log_target=derive(lambda: self._log_target(bucket)),
            principals=self.principals,
            organization=self.organization,
            as_of=self.as_of,
        )

    def _other_buckets(self, taken: frozenset[str]) -> tuple[Target, ...]:
        """In account scope, every other bucket, and one target for all that could not be listed."""
        if not self.scope.whole_account:
            return ()
        listed = derive(lambda: need(list_buckets(self.answers, need(self._account))))
        names = sorted(listed.value.items) if isinstance(listed, Known) else ()
        found = [self._bucket_target(BucketScope(bucket=name)) for name in names if name not in taken]
        gap = not_listed(listed)
        if gap is not None:
            unlisted = BucketScope(bucket="unlisted-buckets")
            found.append(self._bucket_target(unlisted, bucket=gap, name="buckets not listed"))
        return tuple(found)

    @cached_property
    def _aws_account(self) -> AwsAccount:
        account = asked_account(self.snapshot.observations)
        return read_aws_account(
            self.answers,
            account,
            partition=self.caller.value.partition if isinstance(self.caller, Known) else "aws",
            as_of=self.as_of,
            principals=self.principals,
            organization=self.organization if account is None else self._organization_of(account),
            guards=tuple(self._guards(region) for region in sorted(self._media_regions)),
            every_region=all_true(*(derive(partial(_settled, _region_of, target)) for target in self.targets)),
            every_key=all_true(*(derive(partial(_settled, _key_arn_of, target)) for target in self.targets)),
        )

    @property
    def _media_regions(self) -> frozenset[str]:
        regions = [derive(partial(_region_of, target)) for target in self.targets]
        return frozenset(region.value for region in regions if isinstance(region, Known) and region.value is not None)

    def _guards(self, region: str) -> RegionGuards:
        """What guards the account in a Region that holds media."""
        resources: dict[str, None] = {}
        buckets: dict[str, None] = {}
        for target in self.targets:
            bucket, at = if_known(target.bucket), derive(partial(_region_of, target))
            if bucket is None or not isinstance(at, Known) or at.value != region:
                continue
            buckets[bucket.name] = resources[bucket.arn] = None
            arn = derive(partial(_key_arn_of, target))
            if isinstance(arn, Known) and arn.value is not None and arn.value.split(":")[3] == region:
                resources[arn.value] = None
        account = need(self._account)
        return read_guards(self.answers, account, region, buckets=tuple(buckets), resources=tuple(resources))

    @cached_property
    def _account(self) -> Fact[str]:
        return derive(lambda: need(self.caller).account)

    def _key_of(self, bucket: Fact[Bucket | None]) -> KmsKey | None:
        found = need(bucket)
        if found is None:
            return None
        reference = need(found.encryption).kms_key
        if reference is None:
            return None
        return need(self.key(reference, key_region(reference, need(found.region))))

    def _objects(self, location: Fact[S3Location | None], bucket: Fact[Bucket | None]) -> Listing[StoredObject] | None:
        at, found = need(location), need(bucket)
        if at is None or found is None:
            return None
        owner, account = need(found.owner), need(self.caller).account
        return need(read_objects(self.answers, found.name, at.folder, account=account, owner=owner))

    def _sample(self, location: Fact[S3Location | None], bucket: Fact[Bucket | None]) -> Sample | None:
        found, listed = need(bucket), self._objects(location, bucket)
        if found is None or listed is None:
            return None
        return read_sample(
            self.answers,
            found.name,
            listed.items,
            size=self.scope.sample_objects,
            account=need(self.caller).account,
            owner=need(found.owner),
        )

    def _doors(self, bucket: Fact[Bucket | None]) -> SideDoors | None:
        found = need(bucket)
        return None if found is None else read_side_doors(self.answers, found, account=need(self.caller).account)

    def _place(self, bucket: Fact[Bucket | None]) -> MediaPlace | None:
        found = need(bucket)
        if found is None:
            return None
        return MediaPlace(bucket=found.name, account=need(self.caller).account, owner=need(found.owner))

    def _stored(self, media: Fact[Listing[Media]], bucket: Fact[Bucket | None]) -> tuple[StoredMedia, ...] | None:
        place = self._place(bucket)
        return None if place is None else read_stored(self.answers, need(media).items, place)

    def _deleted(self, media: Fact[Listing[Media]], bucket: Fact[Bucket | None]) -> tuple[DeletedMedia, ...] | None:
        place = self._place(bucket)
        return None if place is None else read_deleted(self.answers, need(media).items, place)

    def _replicated(self, bucket: Fact[Bucket | None]) -> bool | None:
        place = self._place(bucket)
        return None if place is None else need(is_replicated(self.answers, place))

    def _trails(self, bucket: Fact[Bucket | None]) -> tuple[Trail, ...] | None:
        found = need(bucket)
        return None if found is None else need(self.trails(need(found.region)))

    def _stores(self, bucket: Fact[Bucket | None]) -> tuple[EventDataStore, ...] | None:
        found = need(bucket)
        return None if found is None else need(self.event_data_stores(need(found.region)))

    def _watch(self, bucket: Fact[Bucket | None]) -> Watch | None:
        trails = self._trails(bucket)
        return None if trails is None else Watch(self.answers, need(self.caller).account, trails)

    def _log_target(self, bucket: Fact[Bucket | None]) -> Bucket | None:
        found = need(bucket)
        logging = None if found is None else need(found.logging)
        return None if logging is None else need(self.bucket(logging.bucket))

    def _link(
        self,
        setting: StorageSetting,
        location: Fact[S3Location | None],
        bucket: Fact[Bucket | None],
        credential: Fact[CredentialResource | None],
    ) -> Link | None:
        at = need(location)
        if at is None:
            return None
        sid = need(setting.credential_sid)
        if sid is None:
            unavailable(Reason.NOT_CONFIGURED, "the setting names no AWS credential")
        caller = need(self.caller)
        resource, found = if_known(credential), if_known(bucket)
        question = LinkQuestion(
            credential_sid=sid,
            configured=self.scope.credential_links.get(sid),
            taken=links_of_others(self.scope, sid),
            friendly_name=resource.friendly_name if resource is not None else None,
            account=caller.account,
            partition=caller.partition,
            bucket=at.bucket,
            prefix=at.key_prefix,
            shared=any_true(*(_stores_in(at.bucket, other, sid) for a in self.accounts for other in a.settings)),
            region=if_known(found.region) if found is not None else None,
        )
        return need(link_credential(self.answers, question))

    def _writer(self, link: Fact[Link | None]) -> IamUser | None:
        found = need(link)
        if found is None:
            return None
        if found.user_arn is None:
            unavailable(Reason.NOT_FOUND, found.why)
        if not found.proven:
            unavailable(
                Reason.UNDECIDABLE,
                f"only a hint of class {found.evidence} links the credential to {found.user_arn}: {found.why}; "
                "name the access key in the configuration",
            )
        return need(self.user(found.user_arn))

    @cached_property
    def _other_keys(self) -> tuple[AccountKey, ...]:
        if not self.scope.whole_account:
            return ()
        arns = [t.key.value.arn for t in self.targets if isinstance(t.key, Known) and t.key.value]
        taken = frozenset(arn.value for arn in arns if isinstance(arn, Known))
        return other_keys(self.snapshot.observations, taken, self.key, self.as_of)

    @cached_property
    def _other_users(self) -> tuple[AccountUser, ...]:
        if not self.scope.whole_account:
            return ()
        taken = frozenset(t.writer.value.arn for t in self.targets if isinstance(t.writer, Known) and t.writer.value)
        return other_users(self.answers, self._account, taken, self.user, self.as_of)


def _settled(compute: Callable[[Target], object], target: Target) -> bool:
    """True; or ends the computation where what is computed cannot be known."""
    compute(target)
    return True


def _region_of(target: Target) -> str | None:
    """Region of the target's bucket; None where there is none of ours."""
    bucket = need(target.bucket)
    return None if bucket is None or need(bucket.presence) != "owned" else need(bucket.region)


def _key_arn_of(target: Target) -> str | None:
    """ARN of the KMS key of the target's bucket; None where there is none."""
    if _region_of(target) is None:
        return None
    key = need(target.key)
    return None if key is None else need(key.arn)


def read_caller(answers: Answers) -> Fact[Caller]:
    """The AWS identity that the observations were asked with."""
    answer = answers.read("sts:GetCallerIdentity", None)

    def compute() -> Caller:
        arn = str(need(pluck(answer, "Arn")))
        parsed = parse_arn(arn)
        return Caller(
            account=str(need(pluck(answer, "Account"))), arn=arn, partition=parsed.partition if parsed else "aws"
        )

    return derive(compute)


def links_of_others(scope: Scope, credential_sid: str) -> frozenset[str]:
    """What the configuration says that other credentials hold."""
    return frozenset(held for sid, held in scope.credential_links.items() if sid != credential_sid)


def _stores_in(bucket: str, setting: StorageSetting, credential_sid: str) -> Fact[bool]:
    """Whether a setting stores in a bucket with another credential than this one."""

    def compute() -> bool:
        at = _location(setting)
        return at is not None and at.bucket == bucket and need(setting.credential_sid) != credential_sid

    return derive(compute)


def _writer_places(target: Target, targets: Sequence[Target]) -> Fact[tuple[Place, ...]]:
    """Where the target's writer is to write for any target; not known while a target's writer is not."""

    def compute() -> tuple[Place, ...]:
        writer = need(target.writer)
        if writer is None:
            return ()
        others = [other for other in targets if (found := need(other.writer)) is not None and found.arn == writer.arn]
        return tuple(
            place_of(bucket, location.key_prefix, need(other.key))
            for other in others
            if (location := need(other.location)) is not None and (bucket := need(other.bucket)) is not None
        )

    return derive(compute)


def _in_use(accounts: Sequence[TwilioAccount]) -> frozenset[str]:
    """What all accounts list."""
    return frozenset().union(*(_family(account, accounts) for account in accounts))


def _subaccounts(accounts: Sequence[TwilioAccount]) -> frozenset[str]:
    """What all accounts list beside themselves."""
    return frozenset().union(*(_family(account, accounts) - {account.sid} for account in accounts))


def _family(account: TwilioAccount, accounts: Sequence[TwilioAccount]) -> frozenset[str]:
    """What an account lists. One that another one lists, a subaccount of it, has no more to tell."""
    others = [other for other in accounts if other is not account]
    if any(account.sid in (if_known(other.family) or ()) for other in others):
        return if_known(account.family) or frozenset()
    return need(account.family)


def _log_receivers(targets: Sequence[Target]) -> dict[str | None, Known[bool]]:
    """Names of the buckets into which others log, each with what shows it."""
    found: dict[str | None, Known[bool]] = {}
    for target in targets:
        bucket = target.bucket.value if isinstance(target.bucket, Known) else None
        logging = bucket.logging if bucket is not None else None
        if bucket is not None and isinstance(logging, Known) and logging.value is not None:
            receiver = logging.value.bucket
            if receiver != bucket.name:
                found.setdefault(receiver, Known(True, logging.source))
    return found


def _bucket_name(target: Target) -> str | None:
    return target.bucket.value.name if isinstance(target.bucket, Known) and target.bucket.value is not None else None


def _location(setting: StorageSetting) -> S3Location | None:
    if not need(setting.enabled):
        return None
    parsed = parse_s3_url(need(setting.url))
    if isinstance(parsed, S3UrlError):
        reason = Reason.NOT_CONFIGURED if parsed.code == "empty" else Reason.MALFORMED
        unavailable(reason, f"aws_s3_url is no URL of an S3 bucket: {parsed.message}")
    return parsed


def _named_location(scope: BucketScope, partition: str) -> S3Location:
    return S3Location(
        bucket=scope.bucket,
        region=None,
        key_prefix=scope.prefix,
        style="virtual-hosted",
        scheme="https",
        partition=partition,
        warnings=(),
    )


def _credential(account: TwilioAccount, setting: StorageSetting) -> CredentialResource | None:
    sid = need(setting.credential_sid)
    listed = need(account.aws_credentials)
    for credential in listed.items:
        if credential.sid == sid:
            return credential
    need(listed.whole)
    return None
