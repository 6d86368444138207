"""What lies in the bucket beside media."""

from recordscan.estate.target import Target, bucket_of, location_of
from recordscan.facts import need, not_applicable, places
from recordscan.profile import Profile
from recordscan.rule import Findings, Severity, finding, rule

_NAMED = 5


@rule(
    "bucket-test-file",
    title="Twilio's activation test files are removed or known",
    severity=Severity.INFO,
    remedy="whether somebody of yours switched storage on then, a person must find out",
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
    bucket, prefix = bucket_of(target), location_of(target).folder
    listing = need(target.objects)
    if listing is None:
        not_applicable("Twilio writes to no bucket")
    found = [item.key for item in listing.items if item.is_small_text and _lies_under(item.key, prefix)]
    keys = sorted(set(found) - set(profile.test_files))
    if keys:
        yield finding(
            f"unexplained test files lie in the bucket {bucket.name}: {len(keys)}",
            *(f"s3://{bucket.name}/{key}" for key in keys[:_NAMED]),
            expected="none but the known ones",
            observed=", ".join(keys[:_NAMED]) + (", …" if len(keys) > _NAMED else ""),
            discriminator=bucket.arn,
            evidence=places(target.objects),
        )
    need(listing.whole)


def _lies_under(key: str, prefix: str) -> bool:
    """Whether Twilio may have written a key under a prefix; one without a slash may be the begin of a name."""
    rest = key.removeprefix(prefix)
    return prefix.endswith("/") or not prefix or rest.startswith("/") or "/" not in rest
