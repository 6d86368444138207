"""`recordscan policy minimal`: what it prints, and what it refuses."""

import json

import pytest

from cli.scanned import one_sentence
from conftest import CommandLine

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = "arn:aws:kms:eu-west-1:111122223333:alias/acme"
NO_KEY = "arn:aws:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CHINA_KEY = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MINIMAL = ("policy", "minimal", "--bucket", "acme-video")


def test_the_document_is_printed_as_json(bare: CommandLine) -> None:
    run = bare(*MINIMAL, "--prefix", "recordings/", "--key", KEY)
    assert (run.status, run.stderr) == (0, "")
    assert json.loads(run.stdout) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "UploadRecordings",
                "Effect": "Allow",
                "Action": ["s3:PutObject"],
                "Resource": "arn:aws:s3:::acme-video/recordings/*",
            },
            {
                "Sid": "EncryptRecordings",
                "Effect": "Allow",
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": KEY,
            },
        ],
    }


@pytest.mark.parametrize(
    ("options", "resource"),
    [
        (["--prefix", "a/"], "arn:aws:s3:::acme-video/a/*"),
        (["--prefix", "/a/"], "arn:aws:s3:::acme-video/a/*"),
        (["--prefix", "/"], "arn:aws:s3:::acme-video/*"),
        ([], "arn:aws:s3:::acme-video/*"),
        (["--partition", "aws-us-gov"], "arn:aws-us-gov:s3:::acme-video/*"),
        (["--key", CHINA_KEY], "arn:aws-cn:s3:::acme-video/*"),
        (["--key", CHINA_KEY, "--partition", "aws-cn"], "arn:aws-cn:s3:::acme-video/*"),
        (["--prefix", "what?*/${x}/"], "arn:aws:s3:::acme-video/what${?}${*}/${$}{x}/*"),
    ],
)
def test_the_resource_is_what_the_options_say(bare: CommandLine, options: list[str], resource: str) -> None:
    run = bare(*MINIMAL, *options)
    assert run.status == 0
    given = options[options.index("--prefix") + 1] if "--prefix" in options else ""
    assert ("the slash that begins the prefix is left out" in run.stderr) is given.startswith("/")
    assert ("covers the whole bucket" in run.stderr) is (not given.strip("/"))
    assert json.loads(run.stdout)["Statement"][0]["Resource"] == resource


def test_the_full_template_is_what_the_guide_grants(bare: CommandLine) -> None:
    run = bare(*MINIMAL, "--key", KEY, "--full-template")
    assert json.loads(run.stdout)["Statement"][1]["Action"] == [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:DescribeKey",
    ]


@pytest.mark.parametrize("name", ["terraform", "cloudformation"])
def test_other_formats_are_printed(bare: CommandLine, name: str) -> None:
    run = bare(*MINIMAL, "--key", KEY, "-f", name)
    assert run.status == 0
    assert "aws_iam_user_policy" in run.stdout or json.loads(run.stdout)["AWSTemplateFormatVersion"] == "2010-09-09"
    assert KEY in run.stdout


def test_a_prefix_that_is_no_folder_is_noted(bare: CommandLine) -> None:
    run = bare(*MINIMAL, "--prefix", "rec")
    assert run.status == 0
    assert json.loads(run.stdout)["Statement"][0]["Resource"] == "arn:aws:s3:::acme-video/rec*"
    assert run.stderr == "note: without a slash at its end, 'rec' covers all keys that begin so\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bucket", "Acme_Video"], "--bucket: 'Acme_Video' breaks S3's rules for bucket names"),
        (["--bucket", ""], "--bucket: the name is empty"),
        (["--bucket", "a/../b"], "--bucket: 'a/../b' breaks S3's rules for bucket names"),
        (["--bucket", "acme--use1-az4--x-s3"], "--bucket: 'acme--use1-az4--x-s3' is the name of a directory bucket"),
        (["--bucket", "acme", "--prefix", "é" * 451], "--prefix: the key prefix is longer than 900 bytes"),
        (
            ["--bucket", "acme", "--key", "alias/acme"],
            "--key 'alias/acme': is not of the form arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
        ),
        (
            ["--bucket", "acme", "--key", KEY + "\n"],
            f"--key '{KEY}\\n': is not of the form arn:PARTITION:kms:REGION:ACCOUNT:key/ID",
        ),
        (
            ["--bucket", "acme", "--key", ALIAS],
            f"--key '{ALIAS}': is an alias, which KMS never matches with the use of a key; name the key",
        ),
        (
            ["--bucket", "acme", "--key", NO_KEY],
            f"--key '{NO_KEY}': the Region cn-north-1 is in the partition aws-cn, not in aws",
        ),
        (
            ["--bucket", "acme", "--key", CHINA_KEY.replace("cn-north-1", "nowhere")],
            f"--key '{CHINA_KEY.replace('cn-north-1', 'nowhere')}': nowhere is no Region of AWS; correct its spelling",
        ),
        (
            ["--bucket", "acme", "--key", KEY, "--partition", "aws-cn"],
            "--partition aws-cn: the key is in aws, and so must be its bucket",
        ),
        (
            ["--bucket", "acme", "--prefix", "{{resolve:ssm:x}}/", "-f", "cloudformation"],
            "--prefix '{{resolve:ssm:x}}/': CloudFormation takes {{resolve: for a reference and knows no escape",
        ),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_what_makes_no_policy_is_refused_with_one_sentence(bare: CommandLine, arguments: list[str], says: str) -> None:
    run = bare("policy", "minimal", *arguments)
    assert run.status == 2
    assert one_sentence(run) == says


def test_the_whole_template_without_a_key_is_the_same_which_is_said(bare: CommandLine) -> None:
    plain = bare("policy", "minimal", "--bucket", "acme", "--prefix", "r/")
    whole = bare("policy", "minimal", "--bucket", "acme", "--prefix", "r/", "--full-template")
    assert (whole.stdout, plain.stderr) == (plain.stdout, "")
    said = "note: without --key the guide grants nothing more, so --full-template changes nothing\n"
    assert whole.stderr == said
