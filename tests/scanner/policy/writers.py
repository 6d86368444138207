"""Made-up writers of recordings for tests."""

from collections.abc import Mapping, Sequence

from recordscan.estate.access import request_context
from recordscan.estate.organization import Organization
from recordscan.estate.principal import Principal
from recordscan.facts import Fact, Json, Known, Reason, Unavailable
from recordscan.policy.authorize import Layers, Level
from recordscan.policy.documents import PolicyKind, load_policy
from recordscan.policy.request import Context, requester_of
from recordscan.policy.rows import Grant, Policy
from recordscan.policy.template import Place
from recordscan.policy.writer import Circumstances, Writer

Body = Mapping[str, Json]

ACCOUNT = "111122223333"
USER = f"arn:aws:iam::{ACCOUNT}:user/twilio"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
BUCKET = "arn:aws:s3:::acme-video"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PLACE = Place(bucket_arn=BUCKET, prefix="recordings/", key_arn=KEY)


def allow(action: Json, resource: Json, **elements: Json) -> Body:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **elements}


def deny(action: Json, resource: Json, **elements: Json) -> Body:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **elements}


NOT_READ = Unavailable(Reason.ACCESS_DENIED, "it was not read")


def circumstances(user: str) -> Circumstances:
    """What is known of the requests of a user about whose tags and organization nothing is known."""
    principal = Principal(
        requester=requester_of(user),
        policies=Known(()),
        boundary=Known(None),
        boundary_arn=Known(None),
        groups=Known(()),
        tags=NOT_READ,
    )
    organization = Organization(id=NOT_READ, scps=Known(None), rcps=Known(()))

    def known(owner: str | None, keys: Mapping[str, str]) -> Context:
        return request_context(principal, owner, organization, keys, second_factor=True)

    return known


UPLOADS = allow("s3:PutObject", f"{BUCKET}/recordings/*")
DELEGATION = allow("kms:*", "*", Principal={"AWS": ROOT})


def policy(name: str, *statements: Body, kind: PolicyKind = "identity") -> Policy:
    return Policy(name, load_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind=kind))


def writer(
    *identity: Body,
    bucket: Sequence[Body] = (),
    key: Sequence[Body] = (DELEGATION,),
    boundary: Sequence[Body] | None = None,
    scps: Fact[tuple[Level, ...] | None] = Known(None),
    grants: Sequence[Grant] = (),
    place: Place = PLACE,
    owner: str = ACCOUNT,
    user: str = USER,
) -> Writer:
    """A user with one inline policy, and what else bears on it."""
    layers = Layers(
        identity=Known((policy("inline", *identity),)),
        boundary=Known(None if boundary is None else (policy("boundary", *boundary),)),
        scps=scps,
    )
    return Writer(
        requester=requester_of(user),
        place=place,
        account=owner,
        circumstances=circumstances(user),
        region="eu-west-1",
        on_bucket=with_resource(layers, policy("bucket policy", *bucket, kind="resource") if bucket else None),
        on_key=with_resource(layers, policy("key policy", *key, kind="resource"), grants),
    )


def with_resource(layers: Layers, resource: Policy | None, grants: Sequence[Grant] = ()) -> Layers:
    return Layers(
        identity=layers.identity,
        boundary=layers.boundary,
        scps=layers.scps,
        resource=Known(resource),
        grants=Known(tuple(grants)),
    )
