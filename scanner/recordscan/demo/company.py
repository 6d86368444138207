"""The made-up company "Hollow Creek Telehealth": what a scan of it needs to know.

`company_aws` builds its AWS account, `company_twilio` describes its Twilio accounts. Three of its four targets have
faults; production's Recordings are in good order, so that every rule can be seen to pass.
"""

from recordscan.demo.company_aws import (
    AUDITOR_KEY_ID,
    AWS_ACCOUNT,
    COMPOSITIONS_KEY_ID,
    RECORDINGS_KEY_ID,
    REGION,
    RESEARCH_KEY_ID,
    furnish_aws,
)
from recordscan.demo.company_twilio import (
    CALLBACK_HOST,
    COMPOSITIONS_CREDENTIAL,
    OFFICE,
    PLATFORM_USER,
    PRODUCTION,
    PRODUCTION_KEY,
    PRODUCTION_SECRET,
    RECORDINGS_CREDENTIAL,
    RESEARCH,
    RESEARCH_CREDENTIAL,
    RESEARCH_KEY,
    RESEARCH_SECRET,
    twilio_accounts,
    twilio_principals,
)

__all__ = ["config_text", "environment", "furnish_aws", "twilio_accounts", "twilio_principals"]

COMPANY = "Hollow Creek Telehealth"

_CONFIG = f"""\
# What recordscan should know about {COMPANY}. Credentials come from the environment.

[aws]
region = "{REGION}"
bucket_owners = ["{AWS_ACCOUNT}"]

[[twilio.accounts]]
sid = "{PRODUCTION}"
label = "production"

[[twilio.accounts]]
sid = "{RESEARCH}"
label = "research"
api_key_env = "RESEARCH_TWILIO_API_KEY"
api_secret_env = "RESEARCH_TWILIO_API_SECRET"

[profile]
retention_min_days = 30
retention_max_days = 400
twilio_retention_days = 30
callback_hosts = ["{CALLBACK_HOST}", "hooks.example.com"]
record_on_connect = true
storage_regions = ["{REGION}"]
media_regions = ["de1"]
twilio_keys = ["{PRODUCTION_KEY}", "{RESEARCH_KEY}"]
key_actors = ["{PLATFORM_USER}"]
key_networks = ["{OFFICE}"]
covers_calls = true

# Twilio never shows which access key a credential holds, so the owner says it.
[credential_links]
{RECORDINGS_CREDENTIAL} = "{RECORDINGS_KEY_ID}"
{COMPOSITIONS_CREDENTIAL} = "{COMPOSITIONS_KEY_ID}"
{RESEARCH_CREDENTIAL} = "{RESEARCH_KEY_ID}"
"""


def config_text() -> str:
    """The company's `recordscan.toml`."""
    return _CONFIG


def environment(aws_url: str, twilio_url: str) -> dict[str, str]:
    """The environment variables under which a scan finds the company, and nothing but it.

    Args:
        aws_url: Where its AWS answers.
        twilio_url: Where its Twilio answers.
    """
    return {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": AUDITOR_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": "made-up-secret-of-the-auditor",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # Neither a user's own profile nor the metadata service of a cloud host has a say.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RECORDSCAN_TWILIO_URL": twilio_url,
        "TWILIO_ACCOUNT_SID": PRODUCTION,
        "TWILIO_API_KEY": PRODUCTION_KEY,
        "TWILIO_API_SECRET": PRODUCTION_SECRET,
        "RESEARCH_TWILIO_API_KEY": RESEARCH_KEY,
        "RESEARCH_TWILIO_API_SECRET": RESEARCH_SECRET,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
