"""The estate: everything that one snapshot tells, joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial

from recordscan.estate.answers import Answers, Listing, parse_moment
from recordscan.estate.arn import parse_arn
from recordscan.estate.aws_account import AwsAccount, asked_account, read_aws_account
from recordscan.estate.bucket import Bucket, StoredObject, read_objects
from recordscan.estate.guards import RegionGuards, read_guards
from recordscan.estate.inventory import AccountKey, AccountUser, not_listed, other_keys, other_users
from recordscan.estate.key import KmsKey, key_region
from recordscan.estate.link import Link, LinkQuestion, credential_account, link_credential
from recordscan.estate.organization import Organization
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
from recordscan.estate.trail import EventDataStore, Trail
from recordscan.estate.twilio import PRODUCTS, CredentialResource, StorageSetting, TwilioAccount, read_twilio_account
from recordscan.estate.user import IamUser
from recordscan.estate.view import AccountView, Caller, view_that_lists
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
    unavailable,
)
from recordscan.policy.template import Place
from recordscan.scope import BucketScope, Scope
from recordscan.snapshot import Snapshot


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
        self.home = AccountView(self.answers, self.scope)
        """The AWS account that the scan ran in."""
        others = (
            AccountView(self.answers, self.scope, account=account.id, label=account.label, home=self.home)
            for account in self.scope.aws_accounts
        )
        self.views: tuple[AccountView, ...] = (self.home, *others)
        """All AWS accounts that are read."""

    @property
    def caller(self) -> Fact[Caller]:
        """The AWS identity that the scan ran as."""
        return self.home.caller

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
                others=tuple(other for other in of_twilio if other is not target),
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

    def aws_account(self) -> tuple[AwsAccount, ...]:
        """Subjects of rules about AWS accounts: that in which the scan runs, and the others that it reads."""
        return self._aws_accounts

    def key_holders(self) -> tuple[Target | AccountKey, ...]:
        """Subjects of rules about keys: every target, and in account scope every other customer managed key."""
        return (*self.targets, *self._other_keys)

    def user_holders(self) -> tuple[Target | AccountUser, ...]:
        """Subjects of rules about users: every target, and in account scope every other IAM user."""
        return (*self.targets, *self._other_users)

    def view(self, account: str | None) -> AccountView | None:
        """What an account shows; None for one that is not read."""
        return self._by_account.get(account or "")

    @cached_property
    def _by_account(self) -> dict[str, AccountView]:
        return {view.account.value: view for view in reversed(self.views) if isinstance(view.account, Known)}

    def view_of_bucket(self, name: str) -> AccountView:
        """Whose answers tell of a bucket."""
        return view_that_lists(name, self.views, self.home)

    def bucket(self, name: str) -> Fact[Bucket]:
        """One bucket by name."""
        view = self.view_of_bucket(name)
        return view.bucket(name, *bucket_readers(self.scope, name, view, self.views))

    def key(self, reference: str, region: str, *, asking: AccountView | None = None) -> Fact[KmsKey]:
        """One KMS key.

        Args:
            reference: What names it: ARN, key id or alias.
            region: Region to look in.
            asking: In which account, where the reference names none that is read; the scan's own if None.
        """
        arn = parse_arn(reference)
        view = self.view(arn.account) if arn is not None else None
        return (view or asking or self.home).key(reference, region)

    def user(self, arn: str) -> Fact[IamUser]:
        """One IAM user by ARN; unavailable for the root user and for users of accounts that are not read."""

        def compute() -> IamUser:
            need(self.caller)
            parsed = parse_arn(arn)
            if parsed is None or not parsed.resource.startswith("user/"):
                unavailable(Reason.UNDECIDABLE, f"{arn} is no IAM user")
            view = self.view(parsed.account)
            if view is None:
                unavailable(Reason.ACCESS_DENIED, f"{arn} belongs to an account that this scan does not read")
            return need(view.user(arn))

        return derive(compute)

    def _view(self, bucket: Fact[Bucket | None]) -> AccountView:
        """Whose answers tell of a target."""
        found = if_known(bucket)
        return self.home if found is None else self.view_of_bucket(found.name)

    def _organization(self, view: AccountView) -> Organization:
        """What binds an account, and beside it what binds the others that are read."""
        if len(self.views) == 1:
            return view.organization
        others = {account: other.organization for account, other in self._by_account.items() if other is not view}
        return replace(view.organization, others=others)

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
            others=(),
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
            principals=self._view(bucket).principals,
            organization=self._organization(self._view(bucket)),
            as_of=self.as_of,
        )

    def _bucket_target(
        self, scope: BucketScope, *, bucket: Fact[Bucket | None] | None = None, name: str | None = None
    ) -> Target:
        bucket = self.bucket(scope.bucket) if bucket is None else bucket
        location: Fact[S3Location | None] = derive(lambda: _named_location(scope, self._view(bucket).partition))
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
            others=(),
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
            principals=self._view(bucket).principals,
            organization=self._organization(self._view(bucket)),
            as_of=self.as_of,
        )

    def _other_buckets(self, taken: frozenset[str]) -> tuple[Target, ...]:
        """In account scope, every other bucket, and one target for all that could not be listed."""
        if not self.scope.whole_account:
            return ()
        found = []
        for view in self.views:
            names = sorted(view.listed.value.items) if isinstance(view.listed, Known) else ()
            found += [self._bucket_target(BucketScope(bucket=name)) for name in names if name not in taken]
            gap = not_listed(view.listed)
            if gap is not None:
                of = "" if view.label is None else f" of {view.label}"
                unlisted = BucketScope(bucket=f"unlisted-buckets{of and f'-{need(view.account)}'}")
                found.append(self._bucket_target(unlisted, bucket=gap, name=f"buckets{of} not listed"))
        return tuple(found)

    @cached_property
    def _aws_accounts(self) -> tuple[AwsAccount, ...]:
        return tuple(self._aws_account(view) for view in self.views)

    def _aws_account(self, view: AccountView) -> AwsAccount:
        account = view.account.value if isinstance(view.account, Known) else None
        organization = view.organization
        if account is None:  # who the scan runs as is not known, but the answers may tell in which account
            account = asked_account(self.snapshot.observations)
            organization = organization if account is None else view.organization_of(account)
        # A target whose bucket is not known may lie in any account.
        targets = [t for t in self.targets if isinstance(t.bucket, Unavailable) or self._view(t.bucket) is view]
        regions = {region for target in targets if (region := if_known(derive(partial(_region_of, target))))}
        return read_aws_account(
            view.answers,
            account,
            label=view.label,
            partition=view.partition,
            as_of=self.as_of,
            principals=view.principals,
            organization=organization,
            guards=tuple(self._guards(view, targets, region) for region in sorted(regions)),
            every_region=all_true(*(derive(partial(_settled, _region_of, target)) for target in targets)),
            every_key=all_true(*(derive(partial(_settled, _key_arn_of, target)) for target in targets)),
        )

    def _guards(self, view: AccountView, targets: Sequence[Target], region: str) -> RegionGuards:
        """What guards an account in a Region that holds media."""
        resources: dict[str, None] = {}
        buckets: dict[str, None] = {}
        for target in targets:
            bucket, at = if_known(target.bucket), derive(partial(_region_of, target))
            if bucket is None or not isinstance(at, Known) or at.value != region:
                continue
            buckets[bucket.name] = resources[bucket.arn] = None
            arn = derive(partial(_key_arn_of, target))
            if isinstance(arn, Known) and arn.value is not None and arn.value.split(":")[3] == region:
                resources[arn.value] = None
        return read_guards(view.answers, need(view.account), region, buckets=tuple(buckets), resources=tuple(resources))

    def _account(self, bucket: Fact[Bucket | None]) -> str:
        """Id of the account whose answers tell of a target."""
        return need(self._view(bucket).caller).account

    def _key_of(self, bucket: Fact[Bucket | None]) -> KmsKey | None:
        found = need(bucket)
        if found is None:
            return None
        reference = need(found.encryption).kms_key
        if reference is None:
            return None
        return need(self.key(reference, key_region(reference, need(found.region)), asking=self._view(bucket)))

    def _objects(self, location: Fact[S3Location | None], bucket: Fact[Bucket | None]) -> Listing[StoredObject] | None:
        at, found = need(location), need(bucket)
        if at is None or found is None:
            return None
        owner, account = need(found.owner), self._account(bucket)
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
            account=self._account(bucket),
            owner=need(found.owner),
        )

    def _doors(self, bucket: Fact[Bucket | None]) -> SideDoors | None:
        found = need(bucket)
        return None if found is None else read_side_doors(self.answers, found, account=self._account(bucket))

    def _place(self, bucket: Fact[Bucket | None]) -> MediaPlace | None:
        found = need(bucket)
        if found is None:
            return None
        return MediaPlace(bucket=found.name, account=self._account(bucket), owner=need(found.owner))

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
        return None if found is None else need(self._view(bucket).trails(need(found.region), self.bucket))

    def _stores(self, bucket: Fact[Bucket | None]) -> tuple[EventDataStore, ...] | None:
        found = need(bucket)
        return None if found is None else need(self._view(bucket).event_data_stores(need(found.region)))

    def _watch(self, bucket: Fact[Bucket | None]) -> Watch | None:
        found = need(bucket)
        return None if found is None else need(self._view(bucket).watch(need(found.region), self.bucket))

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
        configured = self.scope.credential_links.get(sid)
        view = self.view(credential_account(self.answers, configured, caller.account)) or self._view(bucket)
        looked_in = need(view.caller)
        resource, found = if_known(credential), if_known(bucket)
        question = LinkQuestion(
            credential_sid=sid,
            configured=configured,
            taken=links_of_others(self.scope, sid),
            friendly_name=resource.friendly_name if resource is not None else None,
            account=looked_in.account,
            partition=looked_in.partition,
            caller=caller.account,
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
        labels = {account.id: account.label for account in self.scope.aws_accounts}
        return other_keys(self.snapshot.observations, taken, self.key, self.as_of, labels=labels)

    @cached_property
    def _other_users(self) -> tuple[AccountUser, ...]:
        if not self.scope.whole_account:
            return ()
        taken = frozenset(t.writer.value.arn for t in self.targets if isinstance(t.writer, Known) and t.writer.value)
        return tuple(
            user
            for view in self.views
            for user in other_users(view.answers, view.account, taken, self.user, self.as_of, label=view.label)
        )


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


def bucket_readers(
    scope: Scope, bucket: str, view: AccountView, views: Sequence[AccountView]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Account ids that may own a bucket, and those of the accounts whose lists could show it.

    Args:
        scope: What the scan looks at.
        bucket: Name of the bucket.
        view: Whose answers tell of it.
        views: All accounts that are read.
    """
    readers = tuple(other.account.value for other in views if isinstance(other.account, Known))
    if scope.bucket_owners:
        return scope.bucket_owners, readers
    own = (view.account.value,) if isinstance(view.account, Known) else ()
    return (own if view.lists(bucket) else tuple(dict.fromkeys((*own, *readers)))), readers
