"""Which resources a statement names."""

from collections.abc import Mapping
from typing import Any

import pytest

from scanner.policy.asking import (
    ALL,
    ALLOWED,
    BUCKET,
    DELEGATED,
    DENIED,
    IAM,
    KEY,
    KMS,
    OBJECT,
    OURS,
    S3,
    SILENT,
    USER,
    allow,
    check,
    deny,
    row,
)

RESOURCE = IAM + "reference_policies_elements_resource.html"
NOT_RESOURCE = IAM + "reference_policies_elements_notresource.html"
ARNS = IAM + "reference-arns.html"
S3_ARNS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"
PERMISSIONS = S3 + "using-with-s3-policy-actions.html"
KMS_RESOURCES = KMS + "cmks-in-iam-policies.html"
KEY_POLICY = KMS + "key-policy-overview.html"

KMS_ALLOWED = {"action": "kms:Decrypt", "on": KEY, "resource": DELEGATED}
LIST_ALL = {"action": "s3:ListAllMyBuckets", "on": "*"}

RESOURCES = [
    row("a resource is read with case", RESOURCE, SILENT, identity=allow(on=OBJECT.replace("video", "Video"))),
    row("its first parts as well", RESOURCE, SILENT, identity=allow(on=OBJECT.replace("s3", "S3"))),
    row("each part may have wildcards", RESOURCE, ALLOWED, identity=allow(on="a?n:*:s3:::m*a/v*/RT?.mka")),
    row("a question mark is one character", RESOURCE, SILENT, identity=allow(on=f"{OBJECT}?")),
    row("a wildcard within a part stays in it", RESOURCE, SILENT, identity=allow(on="arn:*s:::video/RT1.mka")),
    row("the last part keeps its colons", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/a:b"), on=f"{BUCKET}/a:b"),
    row("a star there crosses colons", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/*.mka"), on=f"{BUCKET}/a:b.mka"),
    row("one within it, too", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/*a:b"), on=f"{BUCKET}/a:aa:b"),
    row("a question mark there crosses one", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/a?b"), on=f"{BUCKET}/a:b"),
    row("a star crosses slashes", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/*"), on=f"{BUCKET}/a/b/c"),
    row(
        "a star that ends a part runs past the colon",
        RESOURCE,
        ALLOWED,
        identity=allow(on="arn:aws:s*:media/video/RT1.mka"),
    ),
    row("past several colons", RESOURCE, ALLOWED, identity=allow(on="arn:*:media/video/RT1.mka")),
    row("also in a full ARN", RESOURCE, ALLOWED, identity=allow(on="arn:*:c:d:e:f*"), on="arn:a:b:c:d:e:f:g"),
    row(
        "in the last part of one as ever", RESOURCE, ALLOWED, identity=allow(on="arn:*:d:e:f:g"), on="arn:a:b:c:d:e:f:g"
    ),
    row("for which there must be some text", RESOURCE, SILENT, identity=allow(on="arn:a:b:c:d*:*"), on="arn:a:b:c:d"),
    row("and for all of which", RESOURCE, SILENT, identity=allow(on="arn:*:c:d:e:f"), on="arn:a:b:c:d:e:f:g"),
    row("not past the last part", RESOURCE, SILENT, identity=allow(on="arn:*:c:d:e:g"), on="arn:a:b:c:d:e:f:g"),
    row("a star within a part does not", RESOURCE, SILENT, identity=allow(on="arn:a*s3:::media/video/RT1.mka")),
    row("nor does any other of its wildcards", RESOURCE, SILENT, identity=allow(on="arn:aws?s3*:media/video/RT1.mka")),
    row("what follows it must still be there", RESOURCE, SILENT, identity=allow(on="arn:*:media/audio/RT1.mka")),
    row("a short ARN stands for all that follows", RESOURCE, ALLOWED, identity=allow(on="arn:aws:s3")),
    row("also one of a single part", RESOURCE, ALLOWED, identity=allow(on="arn")),
    row("only for what follows", RESOURCE, SILENT, identity=allow(on=["arn:aws:kms", "aws:s3", "arn:aws:s"])),
    row("a short ARN may have wildcards", RESOURCE, ALLOWED, identity=allow(on="arn:*:s?")),
    row("a full ARN stands for no more", RESOURCE, SILENT, identity=allow(on=[BUCKET, f"{BUCKET}/video"])),
    row("an ARN is no part of another", RESOURCE, SILENT, identity=allow(on=f"{OBJECT}:1")),
    row("what is no ARN is like none", RESOURCE, SILENT, identity=allow(on=f"{BUCKET}/*"), on="media"),
    row("an empty text is no resource", RESOURCE, SILENT, identity=allow(on="")),
    *(
        row(
            f"{character} is no wildcard", RESOURCE, SILENT, identity=allow(on=f"{BUCKET}/{pattern}"), on=f"{BUCKET}/aa"
        )
        for character, pattern in {".": "a.", "+": "a+", "[": "[a]a", "(": "(a)a", "$": "aa$", "^": "^aa"}.items()
    ),
    row(
        "brackets beside wildcards are none", RESOURCE, SILENT, identity=allow(on=f"{BUCKET}/[a]*?"), on=f"{BUCKET}/aa"
    ),
    row(
        "signs are what they are", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/[a.+(b)$]"), on=f"{BUCKET}/[a.+(b)$]"
    ),
    row("a line end is a character", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/a*b"), on=f"{BUCKET}/a\nb"),
    row("a bucket is none of its objects", S3_ARNS, SILENT, identity=allow(on=BUCKET)),
    row("its objects are not the bucket", S3_ARNS, SILENT, identity=allow(on=f"{BUCKET}/*"), on=BUCKET),
    row(
        "listing is asked of the bucket",
        PERMISSIONS,
        ALLOWED,
        identity=allow(on=BUCKET),
        action="s3:ListBucket",
        on=BUCKET,
    ),
    row("a prefix covers its neighbours", RESOURCE, ALLOWED, identity=allow(on=f"{BUCKET}/v*"), on=f"{BUCKET}/v-old/a"),
    row("with its slash it does not", RESOURCE, SILENT, identity=allow(on=f"{BUCKET}/v/*"), on=f"{BUCKET}/v-old/a"),
    row("two slashes are another key", RESOURCE, SILENT, identity=allow(on=f"{BUCKET}/v/*"), on=f"{BUCKET}//v/a"),
    row("NotResource gives all others", NOT_RESOURCE, ALLOWED, identity=allow(NotResource="arn:aws:s3:::other/*")),
    row("NotResource withholds what it names", NOT_RESOURCE, SILENT, identity=allow(NotResource=f"{BUCKET}/v*")),
    row(
        "NotResource denies all others", NOT_RESOURCE, DENIED, identity=[ALL, deny(NotResource=[BUCKET, "arn:aws:kms"])]
    ),
    row("NotResource spares what it names", NOT_RESOURCE, ALLOWED, identity=[ALL, deny(NotResource="*")]),
    row("an action about no resource needs the star", RESOURCE, ALLOWED, identity=allow(on="*"), **LIST_ALL),
    row("a bucket does not do", RESOURCE, SILENT, identity=allow(on=[BUCKET, "arn:aws:s3:::m*", "arn:*"]), **LIST_ALL),
    row("for S3 all buckets do", PERMISSIONS, ALLOWED, identity=allow(on="arn:aws:s3:::*"), **LIST_ALL),
    row(
        "for other services they do not",
        PERMISSIONS,
        SILENT,
        identity=allow(on="arn:aws:s3:::*"),
        action="kms:ListKeys",
        on="*",
    ),
    row("in any partition", PERMISSIONS, ALLOWED, identity=allow(on="arn:aws-cn:s3:::*"), **LIST_ALL),
    row(
        "NotResource of buckets spares no listing",
        NOT_RESOURCE,
        DENIED,
        identity=[ALL, deny(NotResource=BUCKET)],
        **LIST_ALL,
    ),
    row("the partition counts", ARNS, SILENT, identity=allow(on=OBJECT.replace("aws", "aws-cn"))),
    row(
        "another partition has resources too",
        ARNS,
        ALLOWED,
        identity=allow(on="arn:aws-us-gov:s3:::m/*"),
        on="arn:aws-us-gov:s3:::m/a",
    ),
    row(
        "a key is not its alias",
        KMS_RESOURCES,
        SILENT,
        identity=allow(on=f"arn:aws:kms:us-east-1:{OURS}:alias/media"),
        **KMS_ALLOWED,
    ),
    row(
        "a key in another region is another",
        KMS_RESOURCES,
        SILENT,
        identity=allow(on=KEY.replace("east", "west")),
        **KMS_ALLOWED,
    ),
    row(
        "in a key policy the star is this key",
        KEY_POLICY,
        ALLOWED,
        action="kms:Decrypt",
        on=KEY,
        resource=allow(to=USER),
    ),
    row("a bucket's ARN has no region", S3_ARNS, SILENT, identity=allow(on=OBJECT.replace("s3:", "s3:us-east-1"))),
    row("nor an account", S3_ARNS, SILENT, identity=allow(on=OBJECT.replace("::media", f":{OURS}:media"))),
]


@pytest.mark.parametrize(("page", "expected", "asked"), RESOURCES)
def test_a_resource_is_named_as_aws_names_it(page: str, expected: str, asked: Mapping[str, Any]) -> None:
    check(page, expected, asked)


@pytest.mark.parametrize("pattern", ["*:" * 5 + "x", "arn:aws:*:*:*:*:*", "a*:" * 5 + "*x"])
def test_a_resource_with_many_colons_does_not_run_away(pattern: str) -> None:
    check(RESOURCE, SILENT, {"identity": allow(on=pattern + "y"), "on": f"{BUCKET}/" + "a:" * 500})
