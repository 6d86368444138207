"""Twilio accounts as a scan reads them: credentials from the environment, answers as observations."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from recordscan.collect.call import timestamp
from recordscan.collect.schedule import Collection
from recordscan.collect.traffic import Traffic
from recordscan.collect.twilio_client import RESOURCES, TwilioAnswer, TwilioReader, TwilioResource
from recordscan.errors import AuthenticationError, ConfigError, UnreachableError
from recordscan.facts import Json, Reason
from recordscan.observation import Observation, ObservationError, ObservationOutcome, observation_key

CONCURRENT_REQUESTS = 4
"""Twilio caps concurrent requests per account without publishing the number; four have always been let through."""

COMMAND_SECONDS = 60
"""For a command that prints a secret, which may ask a person."""

_BY_OPERATION = {resource.operation: resource for resource in RESOURCES}

UNAUTHENTICATED = "unauthenticated"
"""Our own code for a credential that Twilio refuses as a whole."""


class AccountCredential(Protocol):
    """An account, and the names of the environment variables, or the command, that give its credential."""

    @property
    def sid(self) -> str: ...
    @property
    def label(self) -> str | None: ...
    @property
    def api_key_env(self) -> str: ...
    @property
    def api_secret_env(self) -> str: ...
    @property
    def auth_token_env(self) -> str | None: ...
    @property
    def api_key(self) -> str | None: ...
    @property
    def secret_command(self) -> Sequence[str] | None: ...


class TwilioAccountReader:
    """One Twilio account and the credential to read it with.

    Attributes:
        sid: `AC…`.
        label: What reports call it.
        identity: Kind of credential, for the record; no secret.
        secrets: Values that must appear nowhere.
        base_url: Of a stand-in for Twilio; None for Twilio.
    """

    def __init__(
        self, *, sid: str, label: str, username: str, password: str, base_url: str | None, traffic: Traffic
    ) -> None:
        kind = "Auth Token" if username.startswith("AC") else f"API key {username[:6]}…{username[-4:]}"
        self.sid = sid
        self.label = label
        self.identity = kind
        self.secrets = (password,)
        self.base_url = base_url
        self._reader = TwilioReader(sid, username, password, base_url=base_url, traffic=traffic)
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def ask(self, collection: Collection, operation: str, **query: Json) -> Observation:
        """Ask once for a resource of the account."""
        resource = _BY_OPERATION[operation]

        def send() -> Observation:
            answer = self._reader.read(resource, **query)
            return _observation(resource, answer, self.sid, query, datetime.now(UTC))

        return await collection.once(observation_key(operation, self.sid, None, query), send, self._slots)


def open_accounts(
    configured: Sequence[AccountCredential], environment: Mapping[str, str], *, optional: bool, traffic: Traffic
) -> list[TwilioAccountReader]:
    """Find the credentials of each account in the environment.

    Args:
        configured: Accounts that the configuration names; that of TWILIO_ACCOUNT_SID if none.
        environment: Environment variables.
        optional: Whether a scan without Twilio makes sense, as when buckets are named.
        traffic: Of the scan.

    Raises:
        AuthenticationError: A variable is not set; names it.
        ConfigError: RECORDSCAN_TWILIO_URL or a SID is not usable.
    """
    base_url = environment.get("RECORDSCAN_TWILIO_URL") or None
    if configured:
        return [_open(account, environment, base_url, traffic) for account in configured]
    sid = environment.get("TWILIO_ACCOUNT_SID")
    if not sid:
        if optional:
            return []
        raise AuthenticationError(
            "Twilio: TWILIO_ACCOUNT_SID is not set; set it with TWILIO_API_KEY and TWILIO_API_SECRET, or name buckets "
            "with --bucket to audit them without Twilio"
        )
    username, password = _default_credential(sid, environment)
    return [
        TwilioAccountReader(
            sid=sid, label=sid, username=username, password=password, base_url=base_url, traffic=traffic
        )
    ]


async def require_any_account(
    readers: Sequence[TwilioAccountReader], collection: Collection, *, optional: bool
) -> None:
    """See to it that Twilio accepts the credentials of at least one account.

    Args:
        readers: One for each account.
        collection: Of the scan.
        optional: Whether the scan makes sense while Twilio cannot be reached, as when buckets are named.

    Raises:
        AuthenticationError: It accepts none of them.
        UnreachableError: No answer came for any, and the scan has nothing else to look at.
    """
    answers = await asyncio.gather(*(reader.ask(collection, "twilio:FetchRecordingSettings") for reader in readers))
    errors = [answer.error for answer in answers if answer.error is not None and answer.error.code == UNAUTHENTICATED]
    if readers and len(errors) == len(readers):
        names = ", ".join(f"{reader.label} ({reader.identity})" for reader in readers)
        raise AuthenticationError(f"Twilio: the credentials are refused (20003) for {names}; renew them and scan again")
    silent = [answer.error for answer in answers if answer.error is not None and answer.error.http_status is None]
    if readers and len(silent) == len(readers) and not optional:
        raise UnreachableError(
            f"Twilio cannot be reached ({silent[0].code}: {silent[0].message}), so no credentials were tried; check "
            "the network and the proxy (HTTPS_PROXY)"
        )


def _open(
    account: AccountCredential, environment: Mapping[str, str], base_url: str | None, traffic: Traffic
) -> TwilioAccountReader:
    label = account.label or account.sid
    if account.secret_command is not None:
        secret = _secret_of(account.secret_command, label)
        return TwilioAccountReader(
            sid=account.sid,
            label=label,
            username=account.api_key or "",
            password=secret,
            base_url=base_url,
            traffic=traffic,
        )
    names: tuple[str, ...] = (account.api_key_env, account.api_secret_env)
    username = environment.get(account.api_key_env, "")
    if account.auth_token_env is not None:
        names, username = (account.auth_token_env,), account.sid
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise AuthenticationError(f"Twilio: {missing[0]} is not set, which holds the credential of {label}")
    return TwilioAccountReader(
        sid=account.sid,
        label=label,
        username=username,
        password=environment[names[-1]],
        base_url=base_url,
        traffic=traffic,
    )


def _secret_of(command: Sequence[str], label: str) -> str:
    """What a command prints; nothing else that it says is shown, as it may hold the secret."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=COMMAND_SECONDS)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        why = "it was not done in time" if isinstance(error, subprocess.TimeoutExpired) else type(error).__name__
        raise AuthenticationError(f"Twilio: secret_command of {label} cannot be used: {why}") from None
    secret = done.stdout.strip()
    if done.returncode != 0 or not secret or len(secret.split()) != 1:
        what = f"ended with status {done.returncode}" if done.returncode else "did not print one word"
        raise AuthenticationError(f"Twilio: secret_command of {label} {what}; run it by hand to see why")
    return secret


def _default_credential(sid: str, environment: Mapping[str, str]) -> tuple[str, str]:
    if not (sid.startswith("AC") and len(sid) == 34):
        raise ConfigError("TWILIO_ACCOUNT_SID is no account SID: it begins with AC and has 34 characters")
    key, secret = environment.get("TWILIO_API_KEY"), environment.get("TWILIO_API_SECRET")
    if key and secret:
        return key, secret
    if key or secret:
        absent = "TWILIO_API_SECRET" if key else "TWILIO_API_KEY"
        raise AuthenticationError(f"Twilio: {absent} is not set; an API key needs both TWILIO_API_KEY and _SECRET")
    token = environment.get("TWILIO_AUTH_TOKEN")
    if not token:
        raise AuthenticationError("Twilio: set TWILIO_API_KEY and TWILIO_API_SECRET, or TWILIO_AUTH_TOKEN")
    return sid, token


def _observation(
    resource: TwilioResource, answer: TwilioAnswer, sid: str, query: Mapping[str, Json], now: datetime
) -> Observation:
    error = None
    if answer.outcome != "answered":
        unauthenticated = answer.reason == UNAUTHENTICATED
        reason = Reason.ACCESS_DENIED if unauthenticated else Reason(answer.reason or "failed")
        error = ObservationError(
            code=UNAUTHENTICATED if unauthenticated else answer.code or str(answer.http_status or "no answer"),
            message=answer.message or "no message",
            http_status=answer.http_status,
            reason=reason,
        )
    return Observation(
        operation=resource.operation,
        account=sid,
        request=dict(query),
        outcome=ObservationOutcome(answer.outcome),
        answer=answer.body,
        error=error,
        # No permission helps a credential that is refused as a whole.
        permission=None if answer.reason == UNAUTHENTICATED else resource.permission,
        collected_at=timestamp(now),
        attempts=answer.attempts,
        request_id=answer.request_id,
        redactions=resource.dropped,
    )
