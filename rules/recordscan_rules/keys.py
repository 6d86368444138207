"""The KMS key that recordings are encrypted with: it works, it stays, it rotates."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from recordscan.estate.estate import Estate
from recordscan.estate.inventory import AccountKey
from recordscan.estate.key import KmsKey, Rotation
from recordscan.estate.target import Target, key_of
from recordscan.facts import (
    Fact,
    Known,
    Reason,
    Unavailable,
    derive,
    if_known,
    need,
    not_applicable,
    places,
    remark,
    unavailable,
)
from recordscan.mending import key_step
from recordscan.profile import Profile
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule_over

_STATES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"
_DELETING = "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"
_ROTATING = "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"
_IMPORTING = "https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html"
_MULTI_REGION = "https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html"
_KEY_STORES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-store-overview.html"
_LAST_USE = "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html"
_S3_KMS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html"

_PENDING_DELETION = ("PendingDeletion", "PendingReplicaDeletion")
_UNUSABLE = ("Disabled", "PendingImport", "Unavailable", *_PENDING_DELETION)


def make_usable(holder: Target | AccountKey) -> Iterator[Step]:
    """Cancels the deletion, and enables the key."""
    key = key_of(holder)
    state = need(_stated(key.state, "state"))
    if state == "PendingDeletion":
        yield from cancel_deletion(holder)
    elif state == "Disabled":
        yield _enable(key)
    else:
        by_hand(f"no single call mends a key that is {state} and made for {need(_stated(key.usage, 'usage'))}")


def cancel_deletion(holder: Target | AccountKey) -> Iterator[Step]:
    """Cancels the deletion; the key is disabled then, so it is enabled, too."""
    key = key_of(holder)
    if need(_stated(key.state, "state")) != "PendingDeletion":
        by_hand("a multi-Region key waits for its replicas to be deleted: cancel the deletion of a replica")
    yield key_step(key, "kms:CancelKeyDeletion", "cancels the deletion", Order.RESTORE)
    yield _enable(key)
    if need(key.origin) == "AWS_KMS" and need(key.spec) == "SYMMETRIC_DEFAULT":
        # Whether it was rotated cannot be told: while it waits for deletion, KMS says that it is not.
        yield _rotated(key, "rotates the key every year, which KMS does not tell of a key that waits for its deletion")


def _enable(key: KmsKey) -> Step:
    return key_step(
        key,
        "kms:EnableKey",
        "enables the key",
        Order.RESTORE,
        "If it was disabled to end an abuse, what it encrypts can be decrypted again: find out who did so, and why.",
    )


def rotate(holder: Target | AccountKey) -> Iterator[Step]:
    """Switches yearly rotation on."""
    yield _rotated(key_of(holder), "rotates the key every year")


def _rotated(key: KmsKey, does: str) -> Step:
    return key_step(
        key,
        "kms:EnableKeyRotation",
        does,
        Order.PREPARE,
        "Each of the first two rotations adds to the monthly price of the key.",
        *_at_primary(key),
    )


def _at_primary(key: KmsKey) -> tuple[str, ...]:
    return ("Of a multi-Region key rotation is switched on at its primary.",) if "/mrk-" in need(key.arn) else ()


@rule_over(
    Estate.key_holders,
    "key-state",
    title="The KMS key is enabled and encrypts",
    severity=Severity.CRITICAL,
    remedy=make_usable,
    remediation="""
        Disabled: `aws kms enable-key --key-id KEY`. Pending deletion: `aws kms cancel-key-deletion --key-id
        KEY`, then enable it. Pending import: import the key material again. Unavailable: reconnect the custom
        key store. A key that is made for signing or for MACs never encrypts; set the bucket's default
        encryption to a symmetric one.
    """,
    controls=peer(iso_27001_2022=["A.8.24"]) + proposal(nist_800_53_r5=["SC-12"]),
    references=(_STATES, _S3_KMS),
    peers=("prowler:kms_cmk_are_used", "steampipe:kms_cmk_unused", "checkov:CKV_AWS_227"),
)
def key_state(holder: Target | AccountKey) -> Findings:
    """With a key that is not usable every upload fails, and nothing that was encrypted with it can be played.

    S3 encrypts with symmetric keys only, and does not look at the key when it becomes the bucket's default.

    Of keys that no target uses only the state is judged, and as a matter of tidiness.
    """
    key = key_of(holder)
    holds_media = isinstance(holder, Target)
    usage, spec, state = _stated(key.usage, "usage"), _stated(key.spec, "spec"), _stated(key.state, "state")
    if holds_media and isinstance(usage, Known) and need(usage) != "ENCRYPT_DECRYPT":
        yield finding(
            f"the KMS key {key.reference} is not made for encryption",
            key.reference,
            expected="ENCRYPT_DECRYPT",
            observed=usage.value,
            discriminator="usage",
            evidence=places(key.usage),
        )
    elif holds_media and isinstance(spec, Known) and need(spec) != "SYMMETRIC_DEFAULT":
        yield finding(
            f"the KMS key {key.reference} is of kind {spec.value}, with which S3 cannot encrypt",
            key.reference,
            severity=Severity.HIGH,
            expected="SYMMETRIC_DEFAULT",
            observed=spec.value,
            discriminator="spec",
            evidence=places(key.spec),
        )
    if isinstance(state, Known) and need(state) in _UNUSABLE:
        yield finding(
            f"the KMS key {key.reference} is {state.value} and can neither encrypt nor decrypt",
            key.reference,
            severity=Severity.CRITICAL if holds_media else Severity.LOW,
            expected="Enabled",
            observed=state.value,
            evidence=places(key.state),
        )
    if holds_media:
        need(usage)
        need(spec)
    if need(state) not in ("Enabled", *_UNUSABLE):
        unavailable(
            Reason.UNDECIDABLE, f"the KMS key {key.reference} is in passing state {need(state)}; scan again later"
        )


@rule_over(
    Estate.key_holders,
    "key-pending-deletion",
    title="The KMS key is not scheduled for deletion",
    severity=Severity.CRITICAL,
    remedy=cancel_deletion,
    remediation="""
        `aws kms cancel-key-deletion --key-id KEY`, then `aws kms enable-key --key-id KEY`, before the
        deletion date. Find out in CloudTrail who called `ScheduleKeyDeletion`, and take that right away from
        everyone who does not need it.
    """,
    controls=official(security_hub=["KMS.3"], nist_800_53_r5=["SC-12", "SC-12(2)"])
    + peer(pci_dss_4_0_1=["3.5.1"], iso_27001_2022=["A.8.24", "A.8.11"]),
    references=(_DELETING, "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"),
    peers=(
        "prowler:kms_cmk_not_deleted_unintentionally",
        "steampipe:kms_key_not_pending_deletion",
        "config:kms-cmk-not-scheduled-for-deletion",
        "securityhub:KMS.3",
    ),
)
def key_pending_deletion(holder: Target | AccountKey) -> Findings:
    """When the key is gone, every recording that was encrypted with it is gone: nobody can bring it back, AWS neither.

    A multi-Region key that waits for its replicas to be deleted (`PendingReplicaDeletion`) is on the same
    way.
    """
    key = key_of(holder)
    state = need(_stated(key.state, "state"))
    if state in _PENDING_DELETION:
        date = if_known(key.deletion_date)
        if isinstance(key.deletion_date, Unavailable):
            when = "on a date that cannot be read"
        else:
            when = f"on {date:%Y-%m-%d}" if date is not None else "once its replicas are"
        yield finding(
            f"the KMS key {key.reference} will be deleted {when}, and with it all that it encrypts",
            key.reference,
            expected="not scheduled for deletion",
            observed=state,
            evidence=places(key.state) + places(key.deletion_date),
        )


@rule_over(
    Estate.key_holders,
    "key-rotation",
    title="The KMS key is rotated",
    severity=Severity.MEDIUM,
    remedy=rotate,
    remediation="""
        `aws kms enable-key-rotation --key-id KEY` (for a multi-Region key on its primary). A key whose material
        was imported: import new material, then `aws kms rotate-key-on-demand --key-id KEY`. Old key material
        stays, so recordings remain readable and nothing has to be encrypted again.
    """,
    controls=official(
        security_hub=["KMS.4"],
        cis_aws_v3=["3.6"],
        cis_aws_v5=["3.6"],
        nist_800_53_r5=["SC-12", "SC-12(2)", "SC-28(3)"],
        pci_dss_4_0_1=["3.7.4"],
    )
    + peer(cis_aws_v6=["4.6"], hipaa=["164.312(a)(2)(iv)"], soc2=["PI1.5"], gdpr=["art. 25", "art. 30"])
    + peer(iso_27001_2022=["A.8.24", "A.8.5", "A.8.11"]),
    references=(_ROTATING,),
    peers=(
        "prowler:kms_cmk_rotation_enabled",
        "steampipe:kms_cmk_rotation_enabled",
        "scoutsuite:kms-cmk-rotation-disabled",
        "trivy:AWS-0065",
        "checkov:CKV_AWS_7",
        "custodian:key-rotation-status",
        "config:cmk-backing-key-rotation-enabled",
        "securityhub:KMS.4",
    ),
)
def key_rotation(holder: Target | AccountKey, profile: Profile) -> Findings:
    """Rotation limits how much one generation of key material protects, and how much is lost with it.

    It concerns symmetric keys. AWS rotates its managed keys itself; external and asymmetric keys and keys of custom
    key stores cannot rotate. Imported material does not rotate by itself, but on demand: it must have been rotated,
    or the key made, within `key_rotation_max_days`, else the finding is a low one. While a key waits for deletion
    KMS says that its rotation is off; that is judged as the deletion that it is.
    """
    key = key_of(holder)
    origin = _rotatable(key)
    if origin == "EXTERNAL":
        yield from _rotated_on_demand(key, holder.as_of, profile)
        return
    rotation = need(key.rotation)
    if rotation is None:
        not_applicable("KMS says that this key cannot rotate by itself")
    if not rotation:
        yield finding(
            f"the KMS key {key.reference} is not rotated automatically",
            key.reference,
            expected="rotation on",
            observed="rotation off",
            evidence=places(key.rotation),
        )


def _rotatable(key: KmsKey) -> str:
    """The origin of a key that the customer can have rotated, or end the rule: it is another."""
    if need(_stated(key.manager, "manager")) == "AWS":
        not_applicable("AWS rotates the keys that it manages every year")
    origin = need(_stated(key.origin, "origin"))
    if origin not in ("AWS_KMS", "EXTERNAL") or need(_stated(key.spec, "spec")) != "SYMMETRIC_DEFAULT":
        not_applicable("a key of this origin and kind cannot rotate")
    if need(_stated(key.state, "state")) in _PENDING_DELETION:
        not_applicable("the key is to be deleted")
    return origin


def _rotated_on_demand(key: KmsKey, as_of: datetime, profile: Profile) -> Findings:
    """Whether imported material is young enough."""
    earliest = as_of - timedelta(days=profile.key_rotation_max_days)
    if isinstance(key.created, Known) and key.created.value >= earliest:
        remark(f"the key was made on {need(key.created):%Y-%m-%d}; its imported material does not rotate by itself")
        return
    rotations = need(key.rotations)
    if rotations is None:
        not_applicable("KMS says that this key cannot rotate")
    last = _last(rotations)
    if last is not None and last >= earliest:
        remark(f"its imported material was rotated on demand on {last:%Y-%m-%d}")
        return
    need(key.created)
    since = f"since {last:%Y-%m-%d}" if last is not None else "ever"
    yield finding(
        f"the imported material of the KMS key {key.reference} has not been rotated {since}",
        key.reference,
        severity=Severity.LOW,
        expected=f"rotated on demand within {profile.key_rotation_max_days} days",
        observed=f"last rotated {last:%Y-%m-%d}" if last is not None else "never rotated",
        evidence=places(key.rotations) + places(key.created),
    )


def _last(rotations: tuple[Rotation, ...]) -> datetime | None:
    return max((rotation.date for rotation in rotations if rotation.date is not None), default=None)


def shorten_period(holder: Target | AccountKey, profile: Profile) -> Iterator[Step]:
    """Has KMS rotate the key as often as the profile asks for, within what KMS can do."""
    key = key_of(holder)
    if (need(key.rotation_period) or 0) <= profile.key_rotation_max_days:
        by_hand("why the rotation that was due has not come, a person must find out")
    if profile.key_rotation_max_days < _SHORTEST_PERIOD:
        by_hand(f"KMS rotates every {_SHORTEST_PERIOD} days at most: a person must rotate on demand beside")
    days = profile.key_rotation_max_days
    yield key_step(
        key,
        "kms:EnableKeyRotation",
        f"rotates the key every {days} days",
        Order.PREPARE,
        "Each of the first two rotations adds to the monthly price of the key.",
        "The next rotation may come at once.",
        *_at_primary(key),
        RotationPeriodInDays=days,
    )


_SHORTEST_PERIOD = 90


@rule_over(
    Estate.key_holders,
    "key-rotation-period",
    title="Automatic rotation of the KMS key comes in time",
    severity=Severity.LOW,
    remedy=shorten_period,
    remediation="""
        `aws kms enable-key-rotation --key-id KEY --rotation-period-in-days 365`, or the number of days that your
        policy asks for and `key_rotation_max_days` names (90 to 2,560).
    """,
    controls=proposal(nist_800_53_r5=["SC-12"], pci_dss_4_0_1=["3.7.4"], iso_27001_2022=["A.8.24"]),
    references=(_ROTATING, "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html"),
)
def key_rotation_period(holder: Target | AccountKey, profile: Profile) -> Findings:
    """A rotation period can be set to seven years, and the switch still reads "on".

    The period must not exceed `key_rotation_max_days`, and the next rotation must lie ahead.
    """
    key = key_of(holder)
    if _rotatable(key) == "EXTERNAL":
        not_applicable("imported material does not rotate by itself")
    if not need(key.rotation):
        not_applicable("the key does not rotate automatically")
    period = key.rotation_period
    if isinstance(period, Known) and period.value is not None and period.value > profile.key_rotation_max_days:
        yield finding(
            f"the KMS key {key.reference} is rotated every {need(period)} days only",
            key.reference,
            expected=f"at least every {profile.key_rotation_max_days} days",
            observed=f"every {period.value} days",
            discriminator="period",
            evidence=places(period),
        )
    due = key.next_rotation
    enabled = need(key.state) == "Enabled"  # KMS makes up for the rotation of another once it is enabled
    if enabled and isinstance(due, Known) and due.value is not None and due.value < holder.as_of - _ROTATION_GRACE:
        yield finding(
            f"the rotation of the KMS key {key.reference} was due on {need(due):%Y-%m-%d} and has not come",
            key.reference,
            expected="a next rotation that lies ahead",
            observed=f"due on {due.value:%Y-%m-%d}",
            discriminator="due",
            evidence=places(due),
        )
    if need(period) is None or (enabled and need(due) is None):
        unavailable(Reason.MALFORMED, f"KMS does not state when the key {key.reference} rotates")


_ROTATION_GRACE = timedelta(days=1)
"""KMS rotates on the day, at no stated hour."""


@rule_over(
    Estate.key_holders,
    "key-import-expiry",
    title="Imported key material does not expire soon",
    severity=Severity.HIGH,
    remedy="only who has the key material can import it again",
    remediation="""
        Import the same key material again with `aws kms import-key-material --key-id KEY
        --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE …`, or with a later `--valid-to`, before the date. Keep the
        material where it can be found again.
    """,
    controls=proposal(nist_800_53_r5=["SC-12(1)", "CP-9"], iso_27001_2022=["A.8.24"]),
    references=(_IMPORTING, "https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html"),
)
def key_import_expiry(holder: Target | AccountKey) -> Findings:
    """When imported material expires KMS deletes it: from that second on uploads fail and recordings cannot be read.

    It must not expire at all, or not within 30 days. A key that was rotated has several materials; each counts.
    """
    key = key_of(holder)
    if need(_stated(key.manager, "manager")) == "AWS" or need(_stated(key.origin, "origin")) != "EXTERNAL":
        not_applicable("the key material was not imported")
    if need(_stated(key.state, "state")) in ("PendingImport", *_PENDING_DELETION):
        not_applicable("the key has no material at present, or is to be deleted")
    expires = need(_stated(key.material_expires, "expiration model"))
    if expires == "KEY_MATERIAL_EXPIRES" and need(key.valid_to) is None:
        unavailable(Reason.MALFORMED, f"KMS does not state when the material of the key {key.reference} expires")
    soon = holder.as_of + timedelta(days=30)
    first = need(key.valid_to)
    if first is None or first > soon:
        # DescribeKey names the first of all materials; the list of rotations is the counter-check.
        dates = [rotation.expires for rotation in need(key.rotations) or () if rotation.expires is not None]
        first = min(dates, default=None)
    if first is not None and first <= soon:
        yield finding(
            f"the imported material of the KMS key {key.reference} expires on {first:%Y-%m-%d}, "
            "and what it encrypts can then not be read",
            key.reference,
            expected="material that does not expire within 30 days",
            observed=f"expires on {first:%Y-%m-%d}",
            evidence=places(key.valid_to) + places(key.rotations),
        )


@rule_over(
    Estate.key_holders,
    "key-multi-region",
    title="The KMS key and its replicas are in allowed Regions only",
    severity=Severity.LOW,
    remedy="a replica may be the only way to what lies in its Region, so a person must decide",
    remediation="""
        Delete the replica that should not be: `aws kms schedule-key-deletion --key-id REPLICA --region REGION`, after
        a look at what it encrypts. Name the Regions that are meant in `allowed_regions` of the configuration.
    """,
    controls=peer(iso_27001_2022=["A.8.24"]) + proposal(nist_800_53_r5=["SC-12"], gdpr=["art. 44"]),
    references=(_MULTI_REGION,),
    peers=("prowler:kms_cmk_not_multi_region",),
)
def key_multi_region(holder: Target | AccountKey, profile: Profile) -> Findings:
    """A replica decrypts what the primary encrypted: who may use the key in the other Region may read the recordings.

    A key of one Region passes. The Regions of a multi-Region key are held against `allowed_regions`; where that is
    empty there is no requirement that it could break.
    """
    key = key_of(holder)
    regions = need(key.regions)
    if not regions:
        return
    if not profile.allowed_regions:
        not_applicable("it is a multi-Region key, and the configuration names no allowed Regions")
    for region in regions:
        if region not in profile.allowed_regions:
            yield finding(
                f"the multi-Region KMS key {key.reference} also exists in {region}",
                key.reference,
                expected=f"only in {', '.join(profile.allowed_regions)}",
                observed=region,
                discriminator=region,
                evidence=places(key.regions),
            )


@rule_over(
    Estate.key_holders,
    "key-store",
    title="The KMS key is kept by KMS itself",
    severity=Severity.INFO,
    remedy="which kind of key is to be used, a person must decide",
    remediation="""
        Watch the connection of the custom key store and the health of its cluster or proxy, or encrypt new media
        with a key whose origin is AWS_KMS.
    """,
    controls=proposal(nist_800_53_r5=["CP-10"], iso_27001_2022=["A.8.14"]),
    references=(_KEY_STORES,),
)
def key_store(holder: Target | AccountKey) -> Findings:
    """Each upload and each download depends on a custom key store that you run: when it is away, media is lost.

    Twilio does not wait for it. This is a note and no defect.
    """
    key = key_of(holder)
    store = need(key.key_store)
    if store is not None:
        yield finding(
            f"the KMS key {key.reference} is kept in the custom key store {store}, and works only while that does",
            key.reference,
            store,
            expected="a key that KMS keeps",
            observed=f"custom key store {store}",
            evidence=places(key.key_store),
        )
    elif need(_stated(key.origin, "origin")) not in ("AWS_KMS", "EXTERNAL"):
        unavailable(Reason.MALFORMED, f"KMS does not state the key store of the key {key.reference}")


@rule_over(
    Estate.key_holders,
    "key-last-use",
    title="The KMS key is in use",
    severity=Severity.LOW,
    remedy="whether media comes at all, and which key encrypts it, a person must find out",
    remediation="""
        Look at the encryption of a new object (`aws s3api head-object`): does it name this key? A key that nothing
        needs: disable it, watch CloudTrail for `DisabledException` for a while, and only then schedule its deletion.
    """,
    controls=proposal(nist_800_53_r5=["SC-12"], iso_27001_2022=["A.8.24"]),
    references=(_LAST_USE,),
    peers=("custodian:last-usage", "prowler:kms_cmk_are_used"),
)
def key_last_use(holder: Target | AccountKey) -> Findings:
    """If objects come in while their key rests, they are encrypted with something else than the bucket says.

    Of a target, the last use of the key is held against the newest object seen under the prefix. One that was
    written before the key became the bucket's default looks the same, which is why the finding is a low one. Of a
    key that no target uses, the last use must be within 90 days.
    """
    key = key_of(holder)
    if need(_stated(key.manager, "manager")) == "AWS":
        not_applicable("AWS manages the key")
    use = need(key.use)
    last = f"last used on {use.last:%Y-%m-%d}" if use.last is not None else f"not used since {use.since:%Y-%m-%d}"
    if not isinstance(holder, Target):
        if (use.last or use.since) < holder.as_of - _IDLE:
            yield finding(
                f"the KMS key {key.reference} is idle: {last}",
                key.reference,
                expected=f"used within {_IDLE.days} days",
                observed=last,
                evidence=places(key.use),
            )
        return
    # KMS keeps the date with some delay, and a bucket key spares S3 the way to KMS for a while.
    if use.last is not None and use.last >= holder.as_of - _SLACK:
        return
    objects = need(holder.objects)
    if objects is None:
        not_applicable("nothing is written here")
    dates = [item.modified for item in objects.items]
    newest = max((need(date) for date in dates if isinstance(date, Known)), default=None)
    if newest is not None and newest > use.since + _SLACK and newest > (use.last or use.since) + _SLACK:
        yield finding(
            f"objects were written on {newest:%Y-%m-%d}, but the KMS key {key.reference} was {last}",
            key.reference,
            expected=f"a use of the key by {newest:%Y-%m-%d}",
            observed=last,
            evidence=places(key.use),
        )
        return
    for date in dates:
        need(date)
    need(objects.whole)


_SLACK = timedelta(days=2)
_IDLE = timedelta(days=90)


def _stated(fact: Fact[str | None], what: str) -> Fact[str]:
    """What KMS says of the key; unavailable where it leaves that out."""

    def compute() -> str:
        value = need(fact)
        if value is None:
            unavailable(Reason.MALFORMED, f"KMS does not state the {what} of the key")
        return value

    return derive(compute)
