"""What the user that Twilio writes as may do too much, and what too little."""

from collections.abc import Mapping
from dataclasses import replace

from recordscan.estate.access import bucket_layers, key_layers, request_context
from recordscan.estate.bucket import Bucket
from recordscan.estate.key import KmsKey
from recordscan.estate.target import Target, bucket_of, location_of, writer_of
from recordscan.facts import Fact, Unavailable, derive, if_known, need
from recordscan.policy.excess import Excess, excess
from recordscan.policy.lacks import Lack, lacks
from recordscan.policy.request import Context
from recordscan.policy.template import Place
from recordscan.policy.writer import Writer


def writer_excess(target: Target, more_actions: tuple[str, ...] = ()) -> Fact[tuple[Excess, ...]]:
    """What the writer may do beyond Twilio's guide, the worst first.

    Args:
        target: The target.
        more_actions: What it is to be able to do to objects under the prefix beside storing them.
    """
    if more_actions not in target.excess:
        target.excess[more_actions] = derive(lambda: need(excess(policy_writer(target, more_actions))))
    return target.excess[more_actions]


def writer_lacks(target: Target) -> Fact[tuple[Lack, ...]]:
    """What of Twilio's guide the writer may not."""
    return derive(lambda: need(lacks(policy_writer(target))))


def policy_writer(target: Target, more_actions: tuple[str, ...] = ()) -> Writer:
    """The writer with all policies that bear on it.

    Raises:
        Missing: Writer, bucket, place or key are not known.
        NotApplicable: Twilio does not write here.
    """
    principal, bucket, organization = writer_of(target).principal, bucket_of(target), target.organization
    owner, key = need(bucket.owner), need(target.key)
    place = place_of(bucket, location_of(target).key_prefix, key, more_actions)
    others = if_known(target.writer_places) or ()
    if len(set(others)) > 1:
        need(target.writer_places)  # it makes a difference, so that it is evidence

    def circumstances(account: str | None, known: Mapping[str, str]) -> Context:
        now = {
            "aws:CurrentTime": target.as_of.isoformat(),
            "aws:EpochTime": str(int(target.as_of.timestamp())),
        }
        return request_context(principal, account, organization, {**now, **known}, second_factor=True)

    return Writer(
        requester=principal.requester,
        place=place,
        account=owner,
        on_bucket=bucket_layers(principal, bucket, owner, organization),
        on_key=None
        if key is None or place.key_arn is None
        else key_layers(principal, key, place.key_arn.split(":")[4], organization),
        circumstances=circumstances,
        also=tuple(replace(other, more_actions=more_actions) for other in others),
        region=if_known(bucket.region),
    )


def place_of(bucket: Bucket, prefix: str, key: KmsKey | None, more_actions: tuple[str, ...] = ()) -> Place:
    """Where a writer is to put recordings. A key that does not exist and is named by an alias has no ARN."""
    lost = key is None or (isinstance(key.arn, Unavailable) and not need(key.exists))
    key_arn = None if lost or key is None else need(key.arn)
    return Place(bucket_arn=bucket.arn, prefix=prefix, key_arn=key_arn, more_actions=more_actions)
