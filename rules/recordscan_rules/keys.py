"""The KMS key that recordings are encrypted with: it works, it stays, it rotates."""

from collections.abc import Iterator

from recordscan.estate.estate import Estate
from recordscan.estate.inventory import AccountKey
from recordscan.estate.key import KmsKey
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
    unavailable,
)
from recordscan.mending import key_step
from recordscan.remedy import Order, Step, by_hand
from recordscan.rule import Findings, Severity, finding, official, peer, proposal, rule_over

_STATES = "https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"
_DELETING = "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"

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
        yield from rotate(holder)


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
    key = key_of(holder)
    yield key_step(
        key,
        "kms:EnableKeyRotation",
        "rotates the key every year",
        Order.PREPARE,
        "Each of the first two rotations adds to the monthly price of the key.",
        *(("Of a multi-Region key rotation is switched on at its primary.",) if "/mrk-" in need(key.arn) else ()),
    )


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
    references=(_STATES,),
    peers=("prowler:kms_cmk_are_used", "steampipe:kms_cmk_unused", "checkov:CKV_AWS_227"),
)
def key_state(holder: Target | AccountKey) -> Findings:
    """With a key that is not usable every upload fails, and nothing that was encrypted with it can be played.

    Of keys that no target uses only the state is judged, and as a matter of tidiness.
    """
    key = key_of(holder)
    holds_media = isinstance(holder, Target)
    usage, state = _stated(key.usage, "usage"), _stated(key.state, "state")
    if holds_media and isinstance(usage, Known) and need(usage) != "ENCRYPT_DECRYPT":
        yield finding(
            f"the KMS key {key.reference} is not made for encryption",
            key.reference,
            expected="ENCRYPT_DECRYPT",
            observed=usage.value,
            discriminator="usage",
            evidence=places(key.usage),
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
    title="The KMS key is rotated automatically",
    severity=Severity.MEDIUM,
    remedy=rotate,
    remediation="""
        `aws kms enable-key-rotation --key-id KEY` (for a multi-Region key on its primary). Old key material
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
    references=("https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html",),
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
def key_rotation(holder: Target | AccountKey) -> Findings:
    """Rotation limits how much one generation of key material protects, and how much is lost with it.

    It concerns symmetric keys whose material KMS made. AWS rotates its managed keys itself; imported,
    external and asymmetric keys and keys of custom key stores cannot rotate by themselves. While a key waits
    for deletion KMS says that its rotation is off; that is judged as the deletion that it is.
    """
    key = key_of(holder)
    if need(_stated(key.manager, "manager")) == "AWS":
        not_applicable("AWS rotates the keys that it manages every year")
    if need(_stated(key.origin, "origin")) != "AWS_KMS" or need(_stated(key.spec, "spec")) != "SYMMETRIC_DEFAULT":
        not_applicable("a key of this origin and kind cannot rotate by itself")
    if need(_stated(key.state, "state")) in _PENDING_DELETION:
        not_applicable("the key is to be deleted")
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


def _stated(fact: Fact[str | None], what: str) -> Fact[str]:
    """What KMS says of the key; unavailable where it leaves that out."""

    def compute() -> str:
        value = need(fact)
        if value is None:
            unavailable(Reason.MALFORMED, f"KMS does not state the {what} of the key")
        return value

    return derive(compute)
