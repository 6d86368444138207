"""What never reaches a snapshot: secrets by form, the scan's own credentials, user info and queries of URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordscan.redaction import FREE_TEXT, OWN_SECRET, SECRET_KEY, Redactor, redact_secret_keys, redact_url_credentials

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # the one of AWS's documentation
OWN = "own-secret-of-this-scan"


@pytest.mark.parametrize(
    "text",
    [KEY, f"the key is {KEY}.", f"key={KEY}", f'"{KEY}"', f"AKIAIOSFODNN7EXAMPLE:{KEY}", f"{KEY}\n{KEY}"],
)
def test_what_has_the_form_of_a_secret_key_goes(text: str) -> None:
    cleaned = redact_secret_keys(text)
    assert KEY not in cleaned
    assert SECRET_KEY in cleaned


@pytest.mark.parametrize("glued", ["{}", "{}=", "Key={}", "prod/{}", "{}/prod", "key+{}"])
def test_a_mixture_of_exactly_that_length_goes_though_it_reads_like_words(glued: str) -> None:
    text = glued.format("HollowCreekMadeUpSecret0123456789EXAMPLE")
    assert redact_secret_keys(f"comp {text}") == f"comp {SECRET_KEY}"


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        "q3Zt8LmXv0cRbW7yKd2NfHs5JpTg9EuAaQi4VoBx",  # without a sign
        "AFHzxZAst/TV+FIkYaclmAXMeZyStBhd+BWVrKsr",  # without a digit
    ],
)
@pytest.mark.parametrize("glued", ["prod/{}", "{}/prod", "key+{}", "x{}", "{}1", "{}=", "{}==", "Key={}", "a/{}/b"])
def test_a_secret_key_goes_with_what_is_glued_to_it(secret: str, glued: str) -> None:
    cleaned = redact_secret_keys(f"the {glued.format(secret)} one")
    assert secret not in cleaned
    assert cleaned == f"the {SECRET_KEY} one"


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # SHA-1
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # SHA-256
        "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "recordings/of/the/research/group/in/2026/",
        "https://acme.s3.eu-west-1.amazonaws.com/Video/Recordings2026/Production/EuropeWest/Tenant7/Rooms/",
        "https://acme.s3.eu-west-1.amazonaws.com/AC0123456789abcdef0123456789abcdef/RT0123456789abcdef0123456789abcdef",
        "/Accounts/AC0123456789abcdef0123456789abcdef/Calls/CA0123456789abcdef0123456789abcdef",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "VideoRecordingsOfTheResearchGroupInEuropeWest2026",
        "Ab1" * 40,
        "=" * 60,
        "Hollow Creek recordings",
        "",
    ],
)
def test_what_only_looks_long_stays(text: str) -> None:
    assert redact_secret_keys(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("https://user:word@acme.s3.amazonaws.com/", "https://REDACTED@acme.s3.amazonaws.com/"),
        ("https://a@b@acme.s3.amazonaws.com/x", "https://REDACTED@acme.s3.amazonaws.com/x"),
        ("https://acme.example/?X-Amz-Signature=abc&b=1", "https://acme.example/?X-Amz-Signature=REDACTED&b=REDACTED"),
        ("https://acme.example/#token=abc", "https://acme.example/#token=REDACTED"),
        ("see https://u:p@one.example and https://v:q@two.example", None),
        ("acme.s3.amazonaws.com/a?X-Amz-Signature=abc&b=1", "acme.s3.amazonaws.com/a?X-Amz-Signature=REDACTED&b=1"),
        ("/a?AWSAccessKeyId=x&Signature=abc%3D then https://h.example/", None),
        ("https://[broken?key=abc", "https://[broken?key=REDACTED"),
        ("https://acme.s3.eu-west-1.amazonaws.com/media/", "https://acme.s3.eu-west-1.amazonaws.com/media/"),
        ("mail@example.com asks: a=b?", "mail@example.com asks: a=b?"),
    ],
)
def test_urls_lose_user_info_and_values(text: str, cleaned: str | None) -> None:
    found = redact_url_credentials(text)
    if cleaned is not None:
        assert found == cleaned
    for secret in ("word", "abc", "u:p", "v:q"):
        assert secret not in found


def test_the_scans_own_secrets_go_wherever_they_stand() -> None:
    cleaned, found = Redactor([OWN]).json({"Tags": [{"Key": OWN, "Value": f"x {OWN}"}, {OWN: 1}]})
    assert cleaned == {"Tags": [{"Key": OWN_SECRET, "Value": f"x {OWN_SECRET}"}, {OWN_SECRET: 1}]}
    assert found == ("a secret in Key", "a secret in Value", "a secret in the name of a member")


@pytest.mark.parametrize("member", sorted(FREE_TEXT))
def test_what_people_type_into_loses_all_that_looks_like_a_secret(member: str) -> None:
    cleaned, found = Redactor([]).json({"rows": [{member: f"{KEY} at https://u:p@h.example/"}]})
    assert KEY not in str(cleaned)
    assert "u:p" not in str(cleaned)
    assert found == (f"a secret in {member}",)


def test_an_identifier_of_the_same_form_stays_outside_of_free_text() -> None:
    """A canonical user id or an ETag must stay what it is: it is evidence."""
    answer = {"ETag": KEY, "PolicyId": KEY}
    assert Redactor([]).json(answer) == (answer, ())


def test_an_answer_without_secrets_is_the_same() -> None:
    answer = {"Enabled": True, "Rules": [1, None, 2.5, "eu-west-1"]}
    assert Redactor([OWN]).json(answer) == (answer, ())


@given(st.text() | st.builds("{}{}{}".format, st.text(), st.sampled_from([KEY, OWN, "https://u:p@h/?a=b"]), st.text()))
def test_cleaning_twice_changes_nothing_and_leaves_no_own_secret(text: str) -> None:
    redactor = Redactor([OWN])
    once, _ = redactor.json(text)
    assert OWN not in once
    assert redactor.json(once)[0] == once
