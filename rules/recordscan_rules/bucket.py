"""What lies in the bucket beside media."""

from recordscan.estate.bucket import StoredObject
from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import need, not_applicable, places
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, rule

_LARGEST_TEST_FILE = 1024
_NAMED = 5


@rule(
    "bucket-test-file",
    title="Twilio's activation test files are removed or known",
    severity=Severity.INFO,
    remediation="""
        Make sure that somebody of yours saved the storage setting at that moment. Then remove the file (`aws
        s3 rm s3://BUCKET/KEY`), or add its key to `test_files` in the configuration and keep it as evidence
        of the activation.
    """,
    references=("https://www.twilio.com/docs/video/tutorials/storing-aws-s3",),
    guide="a small .txt test file will appear into your bucket … You can remove the file safely if you want",
)
def test_file(target: Target, profile: Profile) -> Findings:
    """Each time external storage is activated, Twilio writes one small `.txt` file, to try its right to write.

    The settings at Twilio carry no date, so these files are the best record of when somebody switched storage
    on or led it to this bucket. One that nobody can explain is worth a question.
    """
    bucket, prefix = bucket_of(target), location_of(target).key_prefix
    listing = need(target.objects)
    if listing is None:
        not_applicable("Twilio writes to no bucket")
    files = [item for item in listing.items if _is_test_file(item, prefix) and item.key not in profile.test_files]
    if files:
        keys = sorted(item.key for item in files)
        yield finding(
            f"unexplained test files lie in the bucket {bucket.name}: {len(files)}",
            *(f"s3://{bucket.name}/{key}" for key in keys[:_NAMED]),
            expected="none but the known ones",
            observed=", ".join(keys[:_NAMED]) + (", …" if len(keys) > _NAMED else ""),
            discriminator=bucket.arn,
            evidence=places(target.objects),
        )
    need(listing.whole)


def _is_test_file(item: StoredObject, prefix: str) -> bool:
    name = item.key.removeprefix(prefix).removeprefix("/")
    return name.endswith(".txt") and "/" not in name and item.size <= _LARGEST_TEST_FILE
