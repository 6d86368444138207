"""Credentials and clients of AWS. Only operations of the call tables get through, whatever asks for them."""

import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from recordscan import __version__
from recordscan.collect import account, alarms, cloudtrail, iam, kms, organizations, s3
from recordscan.collect.call import UNAUTHENTICATED, UNUSABLE, Call
from recordscan.errors import AuthenticationError, ConfigError, RecordscanError, UnreachableError
from recordscan.facts import Reason
from recordscan.observation import Observation

CALLS: tuple[Call, ...] = (
    *iam.CALLS,
    *s3.CALLS,
    *kms.CALLS,
    *cloudtrail.CALLS,
    *organizations.CALLS,
    *alarms.CALLS,
    *account.CALLS,
)
"""Every AWS operation that recordscan can send."""

_OF_AWS = re.compile(r"\.(amazonaws\.(com|com\.cn|eu)|api\.aws|aws)\Z")

DEFAULT_REGION = "us-east-1"
"""Where global services are asked when no Region is configured."""

_ONCE: Any = {"mode": "standard", "total_max_attempts": 1}
"""botocore sends nothing again: the traffic of the scan does."""

_ALWAYS_USED = ("sts", "iam", "s3", "organizations", "s3control", "kms", "cloudtrail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role in another account: its ARN, and the external id that its trust policy may ask for."""

    arn: str
    external_id: str | None = None

    @property
    def account(self) -> str:
        """The account id in its ARN."""
        return self.arn.split(":")[4]


class Fleet:
    """The clients of all accounts that a scan reads."""

    def __init__(self, home: "Clients", others: "Mapping[str, Clients] | None" = None) -> None:
        self.home = home
        self._others = dict(others or {})

    def add(self, account: str, clients: "Clients") -> None:
        """Read a further account."""
        self._others[account] = clients

    def of(self, account: str | None) -> "Clients":
        """The clients of an account; those of the scan's own where it is no other one."""
        return self._others.get(account or "", self.home)

    @property
    def stand_ins(self) -> frozenset[str]:
        """Endpoints that are none of AWS, as for tests."""
        return frozenset().union(self.home.stand_ins, *(clients.stand_ins for clients in self._others.values()))

    def get(self, service: str, region: str | None = None, account: str | None = None) -> Any:
        """The client of a service for an account."""
        return self.of(account).get(service, region)


class Clients:
    """One boto3 client per service and Region, made on first use and shared by all threads.

    boto3 clients may be shared between threads, but not built by several at once:
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients.
    """

    def __init__(
        self, *, profile: str | None = None, region: str | None = None, workers: int = 16, session: Any = None
    ) -> None:
        """Open a session on the standard credential chain, or take one that is open already.

        Raises:
            AuthenticationError: There is no such profile.
        """
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            self._session = session or boto3.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise AuthenticationError(f"AWS: {error}") from None
        self.region: str = self._session.region_name or DEFAULT_REGION
        self.workers = workers
        self.stand_ins: set[str] = set()
        """Endpoints that are none of AWS, as for tests."""
        self.hide: Callable[[Sequence[str]], object] = lambda _: None
        """Told of the secrets of the session before anything is sent that they sign, those too that renew them."""
        self._told: set[str] = set()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str, region: str | None = None) -> Any:
        """The client of a service in a Region; in the session's own where None."""
        key = (service, region or self.region)
        built = self._clients.get(key)
        if built is not None:  # without waiting for another that is being built
            return built
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._build(*key)
            return self._clients[key]

    def warm(self) -> None:
        """Build the clients that every scan needs, while something else waits for the network."""
        from botocore.exceptions import BotoCoreError

        for service in _ALWAYS_USED:
            try:
                self.get(service)
            except (BotoCoreError, ValueError):  # whoever asks through it gets to know
                return

    def assume(self, role: Role) -> "Clients":
        """Clients that take on a role in another account when they are first used, and again before it expires.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html
        """
        import boto3
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
        from botocore.session import Session

        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._role_client,
            source_credentials=self._session.get_credentials(),
            role_arn=role.arn,
            extra_args={
                "RoleSessionName": "recordscan",
                **({} if role.external_id is None else {"ExternalId": role.external_id}),
            },
        )
        core = Session()
        # The models of the services are read once for all accounts.
        core.register_component("data_loader", self._session._session.get_component("data_loader"))  # noqa: SLF001
        core._credentials = DeferredRefreshableCredentials(  # noqa: SLF001 - botocore has no public way
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        session = boto3.Session(botocore_session=core, region_name=self.region)
        clients = Clients(session=session, workers=self.workers)
        clients.hide = self.hide
        return clients

    def _role_client(self, service: str, **arguments: Any) -> Any:
        """A client that can take on roles, and nothing else."""
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=20, retries=_ONCE)
        client = self._session.client(service, region_name=self.region, config=config, **arguments)
        client.meta.events.register("before-call", _refuse_all_but_roles)
        return client

    def secrets(self) -> tuple[str, ...]:
        """Values of the session's credentials that must appear nowhere.

        Raises:
            AuthenticationError: There are no credentials, or they cannot be had.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            credentials = self._session.get_credentials()
            frozen = credentials.get_frozen_credentials() if credentials is not None else None
        except (BotoCoreError, ClientError) as error:
            raise AuthenticationError(f"AWS: the credentials cannot be had: {type(error).__name__}") from None
        if frozen is None:
            raise AuthenticationError(
                "AWS: there are no credentials; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "or run where a role is attached"
            )
        return tuple(value for value in (frozen.secret_key, frozen.token) if value)

    def _tell_secrets(self, **_: object) -> None:
        # botocore renews credentials when it is about to sign, and says so to nobody. To ask for them could renew them
        # once more, so that this looks at those that it has just signed with.
        credentials = self._session.get_credentials()
        signed_with = getattr(credentials, "_frozen_credentials", None) or credentials.get_frozen_credentials()
        new = {value for value in (signed_with.secret_key, signed_with.token) if value} - self._told
        if new:
            self.hide(tuple(new))
            self._told |= new

    def _build(self, service: str, region: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries=_ONCE,
            max_pool_connections=self.workers,
            user_agent_extra=f"recordscan/{__version__}",
            inject_host_prefix=not _own_endpoint(service),
        )
        client = self._session.client(service, region_name=region, config=config)
        self._look_at(client.meta.endpoint_url, service)
        client.meta.events.register("before-call", _refuse_others)
        client.meta.events.register("before-send", self._tell_secrets)
        if service == "s3control" and _own_endpoint(service):
            client.meta.events.register("before-call", drop_account_host)
        return client

    def _look_at(self, endpoint: str, service: str) -> None:
        """Remember an endpoint that is none of AWS, and refuse one that can be listened to on the way.

        Raises:
            ConfigError: It is reached without TLS, and not on this machine.
        """
        url = urlsplit(endpoint)
        host = url.hostname or ""
        if url.scheme != "https" and not _is_loopback(host):
            raise ConfigError(
                f"AWS: the endpoint {url.scheme}://{host} of {service} is not encrypted; write https in "
                "AWS_ENDPOINT_URL or wherever it is set, or use a stand-in on this machine"
            )
        if not _OF_AWS.search(host):
            self.stand_ins.add(f"aws {url.scheme}://{url.netloc.rpartition('@')[2]}")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def require_identity(observation: Observation, region: str) -> None:
    """See to it that AWS accepted the credentials.

    Args:
        observation: Of sts:GetCallerIdentity.
        region: Where it was asked.

    Raises:
        AuthenticationError: It did not, or failed otherwise.
        UnreachableError: No answer of AWS came.
    """
    error = observation.error
    if error is None:
        return
    if error.code in UNAUTHENTICATED or error.reason in (Reason.ACCESS_DENIED, Reason.CREDENTIALS_EXPIRED):
        expired = error.reason is Reason.CREDENTIALS_EXPIRED
        what = "the credentials have expired" if expired else "the credentials are refused"
        raise AuthenticationError(f"AWS: {what} ({error.code}); renew them and scan again")
    if error.http_status is None or error.code == UNUSABLE:
        own = " and AWS_ENDPOINT_URL" if _own_endpoint("sts") else ""
        raise UnreachableError(
            f"AWS cannot be reached in {region} ({error.code}: {error.message}), so no credentials were tried; check "
            f"the network, the proxy (HTTPS_PROXY), the Region (AWS_DEFAULT_REGION){own}"
        )
    raise AuthenticationError(f"AWS: sts:GetCallerIdentity failed ({error.code}: {error.message})")


def _own_endpoint(service: str) -> bool:
    names = ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL_S3_CONTROL")
    return any(os.environ.get(name) for name in names)


def drop_account_host(params: dict[str, Any], **_: object) -> None:
    """Take the account id off the host name of an S3 Control request, which no endpoint of one's own answers to.

    botocore's endpoint rules put it there even before an IP address; S3 Control reads the account from a header.
    """
    url = urlsplit(params["url"])
    account, _dot, host = url.netloc.partition(".")
    if re.fullmatch(r"\d{12}", account):
        params["url"] = urlunsplit(url._replace(netloc=host))


_ALLOWED = frozenset((call.service, call.operation.partition(":")[2]) for call in CALLS)


def _refuse_all_but_roles(model: Any, **_: object) -> None:
    if (model.service_model.service_name, model.name) != ("sts", "AssumeRole"):
        raise RecordscanError(f"recordscan only reads: the operation {model.name} is refused")


def _refuse_others(model: Any, **_: object) -> None:
    service = model.service_model.service_name
    if (service, model.name) not in _ALLOWED:
        raise RecordscanError(f"recordscan only reads: the operation {model.name} of {service} is refused")
