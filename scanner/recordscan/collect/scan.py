"""What one scan asks, and in which order: each question as soon as what it needs to know is known."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeAlias

from recordscan.collect import account, alarms, cloudtrail, iam, kms, organizations, s3
from recordscan.collect.call import Call
from recordscan.collect.schedule import Collection, in_turn, together
from recordscan.collect.twilio import TwilioAccountReader
from recordscan.estate.answers import Answers, Listing
from recordscan.estate.arn import Arn, parse_arn
from recordscan.estate.bucket import Bucket, head_requests, read_bucket, read_objects
from recordscan.estate.bucket_settings import replication_destinations
from recordscan.estate.estate import bucket_readers, links_of_others
from recordscan.estate.guards import analyzer_filter, finds_external_access, macie_criteria
from recordscan.estate.key import key_region, read_key
from recordscan.estate.link import LinkQuestion, credential_account, link_credential, lookup_request
from recordscan.estate.organization import POLICY_TYPES, asker_of
from recordscan.estate.s3url import S3Location, parse_s3_url
from recordscan.estate.sample import newest_of, sampled_keys
from recordscan.estate.side_doors import MULTI_REGION_HOME, spans
from recordscan.estate.stored import DELETED_SAMPLED, SAMPLED, Media, newest_named
from recordscan.estate.twilio import (
    COMPOSITION_STATUSES,
    DELETED,
    PRODUCTS,
    RECORDING_STATUSES,
    Product,
    read_compositions,
    read_deleted_compositions,
    read_deleted_recordings,
    read_recordings,
    read_setting,
)
from recordscan.estate.twilio_rows import IDLE, KEY_EVENTS, ROOM_STATUSES, sampled_rooms, usage_request
from recordscan.estate.view import AccountView, Caller
from recordscan.estate.watch import log_group_name, may_tell, watched_events
from recordscan.facts import Fact, Json, Known, derive
from recordscan.observation import Observation, ObservationOutcome
from recordscan.scope import Scope

Flow: TypeAlias = Coroutine[Any, Any, object]


class Scan:
    """One scan's questions. `run()` asks them all."""

    def __init__(
        self,
        collection: Collection,
        scope: Scope,
        callers: Mapping[str, Caller],
        readers: Sequence[TwilioAccountReader],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            collection: Where answers go; holds those about who the scan runs as.
            scope: What to look at.
            callers: Account id → the identity that it is read as; the first is the scan's own.
            readers: One for each Twilio account.
        """
        self._collection = collection
        self._answers = Answers(collection)
        self._scope = scope
        self._readers = readers
        home, *others = callers
        own = AccountView(self._answers, scope)
        further = [
            AccountView(self._answers, scope, account=account.id, label=account.label, home=own)
            for account in scope.aws_accounts
        ]
        self.views = (own, *further)
        self.home = AccountScan(self, collection, scope, callers[home], own)
        by_id = {account.id: view for account, view in zip(scope.aws_accounts, further, strict=True)}
        self.accounts = {home: self.home} | {
            account: AccountScan(self, collection, scope, callers[account], by_id[account]) for account in others
        }

    async def run(self) -> None:
        """Ask everything that the scope calls for."""
        flows: list[Flow] = [account.run() for account in self.accounts.values()]
        flows += [self._twilio_account(reader) for reader in self._readers]
        flows += [self._target(bucket.bucket, bucket.prefix) for bucket in self._scope.buckets]
        await together(flows)

    async def account_of(self, bucket: str) -> "AccountScan":
        """Whose credentials read a bucket; see `recordscan.estate.view`."""
        if len(self.accounts) == 1:
            return self.home
        await together(account.ask(s3.LIST_BUCKETS) for account in self.accounts.values())
        listing = (account for account in self.accounts.values() if account.view.lists(bucket))
        return next(listing, self.home)

    async def log_bucket(self, bucket: str) -> None:
        """Ask about a bucket that logs go to, whichever account it lies in."""
        await (await self.account_of(bucket)).log_bucket(bucket)

    async def asker_of_organization(self, account: "AccountScan") -> "AccountScan":
        """Who is asked for the organization policies that bind an account; see `recordscan.estate.organization`."""
        if account is self.home:
            return self.home
        described = await self.home.ask(organizations.DESCRIBE_ORGANIZATION)
        if described.outcome is ObservationOutcome.ANSWERED:
            await self.home.ask(organizations.ROOTS)
        own = self.home.caller.account
        return self.home if asker_of(self._answers, account.caller.account, own) == own else account

    async def _find(self, bucket: str) -> tuple["AccountScan", str | None, str | None]:
        """Who reads a bucket, its owner and its Region; see `AccountScan.locate`."""
        account = await self.account_of(bucket)
        return account, *await account.locate(bucket)

    async def _target(self, bucket: str, prefix: str) -> None:
        await (await self.account_of(bucket)).target(bucket, prefix)

    async def _twilio_account(self, reader: TwilioAccountReader) -> None:
        since = self._scope.alerts_since
        flows: list[Flow] = [
            reader.ask(self._collection, "twilio:ListCompositionHooks"),
            reader.ask(self._collection, "twilio:ListAwsCredentials"),
            reader.ask(self._collection, "twilio:ListPublicKeys"),
            reader.ask(self._collection, "twilio:ListAlerts", start_date=since),
            reader.ask(self._collection, "twilio:ListVoiceRecordings", of=reader.sid),
            self._accounts(reader, since),
            self._keys_of(reader),
            self._rooms(reader, since),
        ]
        flows += [
            reader.ask(self._collection, "twilio:ListRecordings", status=status)
            for status in (*RECORDING_STATUSES, DELETED)
        ]
        flows += [
            reader.ask(self._collection, "twilio:ListCompositions", status=status)
            for status in (*COMPOSITION_STATUSES, DELETED)
        ]
        flows += [
            reader.ask(self._collection, "twilio:ListEvents", event_type=kind, start_date=since) for kind in KEY_EVENTS
        ]
        await together([*flows, *(self._setting(reader, product) for product in PRODUCTS)])

    async def _accounts(self, reader: TwilioAccountReader, since: str) -> None:
        """The account and its subaccounts, and what those that are not in use still store."""
        listed = await reader.ask(self._collection, "twilio:ListAccounts")
        rows = _rows(listed.answer, "accounts")
        idle = {sid for row in rows if (sid := _member(row, "sid")) and _member(row, "status") in IDLE}
        await together(
            reader.ask(self._collection, "twilio:ListDailyUsage", **usage_request(sid, since))
            for sid in sorted({reader.sid, *idle})
        )

    async def _keys_of(self, reader: TwilioAccountReader) -> None:
        listed = await reader.ask(self._collection, "twilio:ListKeys", account_sid=reader.sid)
        keys = [_member(row, "sid") for row in _rows(listed.answer, "keys")]
        await together(reader.ask(self._collection, "twilio:FetchKey", key=key) for key in keys if key)

    async def _rooms(self, reader: TwilioAccountReader, since: str) -> None:
        await together(
            reader.ask(self._collection, "twilio:ListRooms", status=status, date_created_after=since)
            for status in ROOM_STATUSES
        )
        rooms = sampled_rooms(self._answers, reader.sid, since)
        await together(reader.ask(self._collection, "twilio:ListTranscriptions", room=room) for room in rooms)

    async def _setting(self, reader: TwilioAccountReader, product: Product) -> None:
        operation = {"recordings": "twilio:FetchRecordingSettings", "compositions": "twilio:FetchCompositionSettings"}
        await reader.ask(self._collection, operation[product])
        setting = read_setting(self._answers, reader.sid, product)
        if not (isinstance(setting.enabled, Known) and setting.enabled.value and isinstance(setting.url, Known)):
            return
        location = parse_s3_url(setting.url.value)
        if not isinstance(location, S3Location):
            return
        flows: list[Flow] = [self._target(location.bucket, location.folder), self._media(reader, product, location)]
        if isinstance(setting.credential_sid, Known) and setting.credential_sid.value is not None:
            flows.append(self._link(setting.credential_sid.value, location))
        await together(flows)

    async def _media(self, reader: TwilioAccountReader, product: Product, location: S3Location) -> None:
        """Objects of the newest media, and of what was deleted at Twilio."""
        operation = {"recordings": "twilio:ListRecordings", "compositions": "twilio:ListCompositions"}[product]
        statuses = RECORDING_STATUSES if product == "recordings" else COMPOSITION_STATUSES
        lists = [reader.ask(self._collection, operation, status=status) for status in (*statuses, DELETED)]
        (account, owner, region), _ = await asyncio.gather(self._find(location.bucket), together(lists))
        if owner is None:
            return
        kept, deleted = self._named(reader.sid, product, location.bucket)
        named = {"Bucket": location.bucket, "ExpectedBucketOwner": owner}
        flows: list[Flow] = [account.ask(s3.LIST_OBJECTS, client_region=region, **named, Prefix=key) for key in kept]
        flows += [account.ask(s3.LIST_VERSIONS, client_region=region, **named, Prefix=key) for key in deleted]
        if self._scope.sample_objects:
            flows += [account.ask(s3.HEAD_OBJECT, client_region=region, **named, Key=key) for key in kept]
        await together(flows)

    def _named(self, sid: str, product: Product, bucket: str) -> tuple[list[str], list[str]]:
        """Names of objects of newest and of deleted media."""
        of_recordings = product == "recordings"
        kept: Fact[Listing[Media]] = (read_recordings if of_recordings else read_compositions)(self._answers, sid)
        gone: Fact[Listing[Media]] = (read_deleted_recordings if of_recordings else read_deleted_compositions)(
            self._answers, sid
        )
        return (
            [key for _, key in newest_named(kept.value.items if isinstance(kept, Known) else (), bucket, SAMPLED)],
            [
                key
                for _, key in newest_named(gone.value.items if isinstance(gone, Known) else (), bucket, DELETED_SAMPLED)
            ],
        )

    async def _link(self, credential_sid: str, location: S3Location) -> None:
        """What can link a credential to an access key, then all that bears on its user."""
        configured = self._scope.credential_links.get(credential_sid)
        of_key: list[Flow] = []
        if configured is not None and parse_arn(configured) is None:
            of_key.append(self.home.ask(iam.ACCESS_KEY_INFO, AccessKeyId=configured))
        (account, _, region), _ = await asyncio.gather(self._find(location.bucket), together(of_key))
        found = credential_account(self._answers, configured, self.home.caller.account)
        account = self.accounts.get(found or "", account)
        await account.link(
            LinkQuestion(
                credential_sid=credential_sid,
                configured=configured,
                taken=links_of_others(self._scope, credential_sid),
                friendly_name=None,
                account=account.caller.account,
                partition=account.caller.partition,
                caller=self.home.caller.account,
                bucket=location.bucket,
                prefix=location.key_prefix,
                shared=Known(False),  # a user too many may be read, never one too few
                region=region,
            )
        )


class AccountScan:
    """What one scan asks of one AWS account."""

    def __init__(self, scan: Scan, collection: Collection, scope: Scope, caller: Caller, view: AccountView) -> None:
        self.caller = caller
        self.view = view
        self._located: dict[str, asyncio.Task[tuple[str | None, str | None]]] = {}
        self._scan = scan
        self._collection = collection
        self._answers = Answers(collection)
        self._scope = scope

    async def run(self) -> None:
        """Ask about the account itself and, in account scope, about everything in it."""
        await together([self._account(), *([self._whole_account()] if self._scope.whole_account else [])])

    async def _account(self) -> None:
        flows: list[Flow] = [self.ask(s3.LIST_BUCKETS), self.ask(iam.AUTHORIZATION_DETAILS), self._organization()]
        flows += [self.ask(call) for call in iam.ACCOUNT_READS]
        flows.append(self.ask(iam.VIRTUAL_MFA_DEVICES, AssignmentStatus="Assigned"))
        flows.append(self.ask(account.SECURITY_CONTACT, AlternateContactType="SECURITY"))
        await together([*flows, *(self._public_access_block(owner) for owner in self._owners)])

    @property
    def _owners(self) -> tuple[str, ...]:
        """Accounts of which the account's own credentials ask how they block public access."""
        return tuple(dict.fromkeys((*self._scope.bucket_owners, self.caller.account)))

    async def _organization(self) -> None:
        """The organization policies that bind the account; those of the management account bind nobody."""
        described = await self.ask(organizations.DESCRIBE_ORGANIZATION)
        manager = _member(described.answer, "Organization", "MasterAccountId")
        if manager in (None, self.caller.account):
            return
        asker = await self._scan.asker_of_organization(self)
        roots = await asker.ask(organizations.ROOTS)
        if roots.outcome is ObservationOutcome.ANSWERED:
            await asker.organization_level(self.caller.account)

    async def organization_level(self, target: str) -> None:
        """Ask for the policies of an account, OU or root, and of all above."""
        flows: list[Flow] = [self._attached_policies(target, kind) for kind in POLICY_TYPES]
        if not target.startswith("r-"):
            flows.append(self._parent_of(target))
        await together(flows)

    async def _parent_of(self, target: str) -> None:
        parents = await self.ask(organizations.PARENTS, ChildId=target)
        for row in _rows(parents.answer, "Parents"):
            parent = _member(row, "Id")
            if parent is not None:
                await self.organization_level(parent)

    async def _attached_policies(self, target: str, kind: str) -> None:
        listed = await self.ask(organizations.POLICIES_FOR_TARGET, TargetId=target, Filter=kind)
        ids = [_member(row, "Id") for row in _rows(listed.answer, "Policies")]
        await together(self.ask(organizations.DESCRIBE_POLICY, PolicyId=policy) for policy in ids if policy)

    async def target(self, bucket: str, prefix: str) -> None:
        """Ask about a bucket, and what lies under a prefix."""
        owner, region = await self.locate(bucket)
        if owner is None:
            return
        await together(
            [
                self._bucket(bucket, owner, region),
                self._objects(bucket, prefix, owner, region),
                *([self._trails(region), self._guards(region), self._macie(bucket, region)] if region else []),
            ]
        )

    async def locate(self, bucket: str) -> tuple[str | None, str | None]:
        """Owner to expect and Region of a bucket; no owner when it is absent or foreign, so that it is not read."""
        if bucket not in self._located:
            self._located[bucket] = asyncio.create_task(self._locate(bucket))
        return await asyncio.shield(self._located[bucket])

    async def _locate(self, bucket: str) -> tuple[str | None, str | None]:
        expected, _ = bucket_readers(self._scope, bucket, self.view, self._scan.views)
        *with_owner, without = head_requests(bucket, expected)
        heads = await asyncio.gather(*(self.ask(s3.HEAD_BUCKET, **request) for request in with_owner))
        statuses = [head.answer["HTTPStatusCode"] for head in heads if head.answer]
        if 200 not in statuses:
            await together([self.ask(s3.HEAD_BUCKET, **without), self.ask(s3.LIST_BUCKETS)])
        found = self._read(bucket)
        region = found.region.value if isinstance(found.region, Known) else None
        if isinstance(found.presence, Known) and found.presence.value != "owned":
            return None, region
        return (found.owner.value if isinstance(found.owner, Known) else self.caller.account), region

    async def _bucket(self, bucket: str, owner: str, region: str | None) -> None:
        reads = [
            self.ask(call, client_region=region, Bucket=bucket, ExpectedBucketOwner=owner)
            for call in s3.BUCKET_READS
            if call not in (s3.ENCRYPTION, s3.LOGGING, s3.REPLICATION)
        ]
        flows: list[Flow] = [
            *reads,
            self._encryption(bucket, owner, region),
            self._replication(bucket, owner, region),
            self._logging(bucket, owner, region),
        ]
        if region is not None:
            flows.append(self._side_doors(bucket, owner, region))
            flows.append(self._analyzed(f"arn:{self.caller.partition}:s3:::{bucket}", region))
        await together(flows)

    def _read(self, bucket: str) -> Bucket:
        """The bucket, as far as it was asked about."""
        expected, readers = bucket_readers(self._scope, bucket, self.view, self._scan.views)
        return read_bucket(
            self._answers,
            bucket,
            account=self.caller.account,
            partition=self.caller.partition,
            expected=expected,
            readers=readers,
        )

    async def _replication(self, bucket: str, owner: str, region: str | None) -> None:
        """Where copies go; the destinations are asked for their Regions."""
        await self.ask(s3.REPLICATION, client_region=region, Bucket=bucket, ExpectedBucketOwner=owner)
        answer = self._answers.read(
            s3.REPLICATION.operation, self.caller.account, Bucket=bucket, ExpectedBucketOwner=owner
        )
        destinations = derive(lambda: replication_destinations(answer))
        if isinstance(destinations, Known):
            heads = [
                request for name, account in destinations.value for request in head_requests(name, (account or owner,))
            ]
            await together(self.ask(s3.HEAD_BUCKET, **request) for request in heads)

    async def _objects(self, bucket: str, prefix: str, owner: str, region: str | None) -> None:
        """The newest objects, and what is asked of single ones: the newest one's retention, and the sample."""
        named = {"Bucket": bucket, "ExpectedBucketOwner": owner}
        await together(
            [
                self.ask(s3.LIST_OBJECTS, client_region=region, Prefix=prefix, **named),
                *([self._public_access_block(owner)] if owner in self._owners else []),
                *(self.ask(call, client_region=region, **named) for call in s3.OBJECT_BEARING_READS),
            ]
        )
        found = self._read(bucket)
        listed = read_objects(self._answers, bucket, prefix, account=self.caller.account, owner=owner)
        if not isinstance(listed, Known):
            return

        def ask(call: Call, key: str) -> Flow:
            return self.ask(call, client_region=region, Key=key, **named)

        flows: list[Flow] = []
        newest = newest_of(listed.value.items)
        lock = found.object_lock.value if isinstance(found.object_lock, Known) else None
        if newest is not None and lock is not None and lock.days is not None:
            flows.append(ask(s3.OBJECT_RETENTION, newest))
        keys = sampled_keys(listed.value.items, self._scope.sample_objects)
        acls_count = not isinstance(found.acls_ignored, Known) or not found.acls_ignored.value
        for key in keys:
            flows.append(ask(s3.HEAD_OBJECT, key))
            if acls_count:
                flows.append(ask(s3.OBJECT_ACL, key))
        await together(flows)

    async def _logging(self, bucket: str, owner: str, region: str | None) -> None:
        logging = await self.ask(s3.LOGGING, client_region=region, Bucket=bucket, ExpectedBucketOwner=owner)
        target = _member(logging.answer, "LoggingEnabled", "TargetBucket")
        if target is not None and target != bucket:
            await self._scan.log_bucket(target)

    async def log_bucket(self, bucket: str) -> None:
        """A bucket that logs go to, as far as it bears on the logs; where its own logs go is not followed."""
        owner, region = await self.locate(bucket)
        if owner is not None:
            await together(
                self.ask(call, client_region=region, Bucket=bucket, ExpectedBucketOwner=owner)
                for call in s3.LOG_BUCKET_READS
            )

    async def _side_doors(self, bucket: str, owner: str, region: str) -> None:
        """Access points and what else reaches objects without the bucket policy, and backups."""
        flows: list[Flow] = [
            self._access_points(bucket, owner, region),
            self._object_lambda(owner, region),
            self._access_grants(owner, region),
            self.ask(s3.PROTECTED_RESOURCES, region=region),
        ]
        if self.caller.partition == "aws":
            flows.append(self._multi_region(bucket, owner))
        await together(flows)

    async def _object_lambda(self, owner: str, region: str) -> None:
        listed = await self.ask(s3.OBJECT_LAMBDA_ACCESS_POINTS, region=region, AccountId=owner)
        names = [name for row in _rows(listed.answer, "ObjectLambdaAccessPointList") if (name := _member(row, "Name"))]
        await together(
            self.ask(call, region=region, AccountId=owner, Name=name)
            for name in names
            for call in s3.OBJECT_LAMBDA_READS
        )

    async def _access_grants(self, owner: str, region: str) -> None:
        listed = await self.ask(s3.ACCESS_GRANTS, region=region, AccountId=owner)
        if listed.outcome is ObservationOutcome.ANSWERED:
            await self.ask(s3.ACCESS_GRANTS_POLICY, region=region, AccountId=owner)

    async def _multi_region(self, bucket: str, owner: str) -> None:
        listed = await self.ask(s3.MULTI_REGION_ACCESS_POINTS, region=MULTI_REGION_HOME, AccountId=owner)
        rows = [row for row in _rows(listed.answer, "AccessPoints") if spans(row, bucket, owner)]
        await together(
            self.ask(s3.MULTI_REGION_POLICY, region=MULTI_REGION_HOME, AccountId=owner, Name=name)
            for row in rows
            if (name := _member(row, "Name"))
        )

    async def _access_points(self, bucket: str, owner: str, region: str) -> None:
        listed = await self.ask(s3.ACCESS_POINTS, region=region, AccountId=owner, Bucket=bucket)
        names = [name for row in _rows(listed.answer, "AccessPointList") if (name := _member(row, "Name"))]
        await together(
            self.ask(call, region=region, AccountId=owner, Name=name)
            for name in names
            for call in s3.ACCESS_POINT_READS
        )

    async def _encryption(self, bucket: str, owner: str, region: str | None) -> None:
        await self.ask(s3.ENCRYPTION, client_region=region, Bucket=bucket, ExpectedBucketOwner=owner)
        found = self._read(bucket)
        key = found.encryption.value.kms_key if isinstance(found.encryption, Known) else None
        if region is not None and key is not None:
            named = parse_arn(key)
            account = self._scan.accounts.get(named.account if named is not None else "", self)
            await account.key(key, key_region(key, region))
            arn = read_key(self._answers, key, account=account.caller.account, region=key_region(key, region)).arn
            if isinstance(arn, Known) and key_region(key, region) == region:
                await self._analyzed(arn.value, region)

    async def key(self, reference: str, region: str) -> None:
        """Ask about a KMS key."""
        described = await self.ask(kms.DESCRIBE_KEY, region=region, KeyId=reference)
        arn = _member(described.answer, "KeyMetadata", "Arn")
        if arn is None:
            return
        await together(
            [
                *(self.ask(call, region=region, KeyId=arn) for call in kms.KEY_READS),
                self.ask(kms.KEY_POLICY, region=region, KeyId=arn, PolicyName="default"),
            ]
        )

    async def _trails(self, region: str) -> None:
        await together([self._trails_of(region), self._event_data_stores(region), self._event_rules(region)])

    async def _trails_of(self, region: str) -> None:
        described = await self.ask(cloudtrail.DESCRIBE_TRAILS, region=region, includeShadowTrails=True)
        flows: list[Flow] = []
        for row in _rows(described.answer, "trailList"):
            home, arn = _member(row, "HomeRegion") or region, _member(row, "TrailARN")
            if arn is not None:
                flows.append(self.ask(cloudtrail.TRAIL_STATUS, region=home, Name=arn))
                flows.append(self.ask(cloudtrail.EVENT_SELECTORS, region=home, TrailName=arn))
            log_group = parse_arn(_member(row, "CloudWatchLogsLogGroupArn") or "")
            if log_group is not None and log_group.account == self.caller.account:
                flows.append(self._metric_filters(log_group))
            log_bucket = _member(row, "S3BucketName")
            if log_bucket is not None:
                flows.append(self._scan.log_bucket(log_bucket))
        await together(flows)

    async def _guards(self, region: str) -> None:
        """The services that guard an account, in one Region."""
        await together([self._detectors(region), *(self.ask(call, region=region) for call in account.REGION_READS)])

    async def _detectors(self, region: str) -> None:
        listed = await self.ask(account.DETECTORS, region=region)
        await together(
            self.ask(account.DETECTOR, region=region, DetectorId=detector)
            for detector in _names(listed.answer, "DetectorIds")
        )

    async def _macie(self, bucket: str, region: str) -> None:
        session = await self.ask(account.MACIE_SESSION, region=region)
        if _member(session.answer, "status") == "ENABLED":
            await self.ask(account.MACIE_BUCKETS, region=region, criteria=macie_criteria(bucket))

    async def _analyzed(self, resource: str, region: str) -> None:
        """What Access Analyzer found about a bucket or key."""
        listed = await self.ask(account.ANALYZERS, region=region)
        arns = [_member(row, "arn") for row in _rows(listed.answer, "analyzers") if finds_external_access(row)]
        await together(
            self.ask(account.ANALYZER_FINDINGS, region=region, analyzerArn=arn, filter=analyzer_filter(resource))
            for arn in arns
            if arn
        )

    async def _event_data_stores(self, region: str) -> None:
        listed = await self.ask(cloudtrail.EVENT_DATA_STORES, region=region)
        arns = [_member(row, "EventDataStoreArn") for row in _rows(listed.answer, "EventDataStores")]
        await together(self.ask(cloudtrail.EVENT_DATA_STORE, region=region, EventDataStore=arn) for arn in arns if arn)

    async def _metric_filters(self, log_group: Arn) -> None:
        name = log_group_name(log_group)
        await together(
            [
                self.ask(alarms.METRIC_FILTERS, region=log_group.region, logGroupName=name),
                self.ask(alarms.ALARMS, region=log_group.region, **alarms.ALL_ALARMS),
            ]
        )

    async def _event_rules(self, region: str) -> None:
        listed = await self.ask(alarms.EVENT_RULES, region=region)
        watched = watched_events(region, self.caller.account)
        names = [_member(row, "Name") for row in _rows(listed.answer, "Rules") if may_tell(row, watched)]
        await together(self.ask(alarms.RULE_TARGETS, region=region, Rule=name) for name in names if name)

    async def link(self, question: LinkQuestion) -> None:
        """What can link a credential to an access key of this account, then all that bears on its user."""
        reads: list[Flow] = []
        if question.region is not None:
            reads.append(self.ask(cloudtrail.LOOKUP_EVENTS, region=question.region, **lookup_request()))
        if question.configured is None:
            reads.append(self.ask(iam.AUTHORIZATION_DETAILS))  # hints are looked for in it
        elif parse_arn(question.configured) is None:
            reads.append(self.ask(iam.KEY_LAST_USED, AccessKeyId=question.configured))
        await together(reads)
        found = link_credential(self._answers, question)
        user = parse_arn(str(found.value.user_arn)) if isinstance(found, Known) and found.value.proven else None
        account = self._scan.accounts.get(user.account) if user is not None else None
        if user is not None and account is not None and user.resource.startswith("user/"):
            await account.user(user.resource.rpartition("/")[2])

    async def user(self, name: str) -> None:
        """Ask about an IAM user."""
        user = await self.ask(iam.GET_USER, UserName=name)
        if user.outcome is ObservationOutcome.ABSENT:
            return
        flows: list[Flow] = [self._access_keys(name), *(self.ask(call, UserName=name) for call in iam.USER_READS)]
        boundary = _member(user.answer, "User", "PermissionsBoundary", "PermissionsBoundaryArn")
        if boundary is not None:
            flows.append(self._managed_policy(boundary))
        if not self._scope.whole_account:
            flows.append(self._user_policies(name))
        await together(flows)

    async def _access_keys(self, name: str) -> None:
        listed = await self.ask(iam.LIST_ACCESS_KEYS, UserName=name)
        keys = [_member(row, "AccessKeyId") for row in _rows(listed.answer, "AccessKeyMetadata")]
        await together(self.ask(iam.KEY_LAST_USED, AccessKeyId=key) for key in keys if key)

    async def _user_policies(self, name: str) -> None:
        await together(
            [
                self._inline(iam.USER_POLICIES, iam.USER_POLICY, UserName=name),
                self._attached(iam.USER_ATTACHED, UserName=name),
                self._groups(name),
            ]
        )

    async def _groups(self, user: str) -> None:
        listed = await self.ask(iam.USER_GROUPS, UserName=user)
        names = [_member(row, "GroupName") for row in _rows(listed.answer, "Groups")]
        await together(self._group(name) for name in names if name)

    async def _group(self, name: str) -> None:
        await together(
            [
                self._inline(iam.GROUP_POLICIES, iam.GROUP_POLICY, GroupName=name),
                self._attached(iam.GROUP_ATTACHED, GroupName=name),
            ]
        )

    async def _inline(self, of_all: Call, of_one: Call, **whose: Json) -> None:
        listed = await self.ask(of_all, **whose)
        names = _names(listed.answer, "PolicyNames")
        await together(self.ask(of_one, PolicyName=name, **whose) for name in names)

    async def _attached(self, of_all: Call, **whose: Json) -> None:
        listed = await self.ask(of_all, **whose)
        arns = [_member(row, "PolicyArn") for row in _rows(listed.answer, "AttachedPolicies")]
        await together(self._managed_policy(arn) for arn in arns if arn)

    async def _managed_policy(self, arn: str) -> None:
        policy = await self.ask(iam.POLICY, PolicyArn=arn)
        version = _member(policy.answer, "Policy", "DefaultVersionId")
        if version is not None:
            await self.ask(iam.POLICY_VERSION, PolicyArn=arn, VersionId=version)

    async def _whole_account(self) -> None:
        await together([self._all_buckets(), self._all_users()])

    async def _all_buckets(self) -> None:
        listed = await self.ask(s3.LIST_BUCKETS)
        names = [name for row in _rows(listed.answer, "Buckets") if (name := _member(row, "Name"))]
        await in_turn((self._whole_bucket(name) for name in names), self._collection.at_once)

    async def _all_users(self) -> None:
        details = await self.ask(iam.AUTHORIZATION_DETAILS)
        users = [name for row in _rows(details.answer, "UserDetailList") if (name := _member(row, "UserName"))]
        await in_turn((self.user(name) for name in users), self._collection.at_once)

    async def _whole_bucket(self, name: str) -> None:
        await together([self.target(name, ""), self._keys_beside(name)])

    async def _keys_beside(self, bucket: str) -> None:
        """All keys of the Region that a bucket is in."""
        _, region = await self.locate(bucket)
        if region is not None:
            await self._keys(region)

    async def _keys(self, region: str) -> None:
        listed = await self.ask(kms.LIST_KEYS, region=region)
        arns = [_member(row, "KeyArn") for row in _rows(listed.answer, "Keys")]
        await in_turn((self.key(arn, region) for arn in arns if arn), self._collection.at_once)

    async def _public_access_block(self, owner: str) -> None:
        await self.ask(s3.ACCOUNT_PUBLIC_ACCESS_BLOCK, AccountId=owner)

    async def ask(
        self, call: Call, *, region: str | None = None, client_region: str | None = None, **request: Json
    ) -> Observation:
        """Ask once, with the account's own credentials."""
        return await self._collection.ask(
            call, account=self.caller.account, region=region, client_region=client_region, **request
        )


def _rows(answer: Json, member: str) -> list[dict[str, Json]]:
    """The rows of a list answer, to know what to ask next; none where the answer has another shape."""
    rows = answer.get(member) if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _names(answer: Json, member: str) -> list[str]:
    names = answer.get(member) if isinstance(answer, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _member(answer: Json, *path: str) -> str | None:
    for step in path:
        answer = answer.get(step) if isinstance(answer, dict) else None
    return answer if isinstance(answer, str) else None
