"""What differs between deployments, read once from the environment (HEDGEGRID_*)."""

import difflib
import os
import socket
from pathlib import Path
from typing import Annotated, Literal, TypeVar, overload
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hedgegrid.runtime.credentials import Credentials as Credentials
from hedgegrid.runtime.credentials import credentials as credentials
from hedgegrid.runtime.errors import ConfigError as ConfigError
from hedgegrid.runtime.redaction import redact
from hedgegrid.runtime.redis_password import with_password

PREFIX = "HEDGEGRID_"


def _url_with_sound_port(url: str) -> str:
    try:
        _ = urlsplit(url).port
    except ValueError:  # its text quotes the URL, which may hold a password
        raise ValueError("the port is no number 0..65535") from None
    return url


_Sound = AfterValidator(_url_with_sound_port)
RedisUrl = Annotated[str, StringConstraints(pattern=r"^(rediss?|unix)://\S+$"), _Sound]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://\S+$"), _Sound]
WsUrl = Annotated[str, StringConstraints(pattern=r"^wss?://\S+$"), _Sound]

# A URL may hold a password: its value is shown nowhere.
_OF_THE_PASSWORD_FILE = ("redis_url", "market_redis_url")
_NOT_SHOWN = frozenset({*_OF_THE_PASSWORD_FILE, "control_redis_url"})


def _default_instance() -> str:
    return f"{socket.gethostname()[:100]}-{os.getpid()}"


class ServiceSettings(BaseSettings):
    """Settings of every service. `description` is what an error tells the operator to set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    redis_url: RedisUrl = Field(
        default="redis://127.0.0.1:6379/0",
        repr=False,
        description="redis://[user:password@]host:port/db",
    )
    market_redis_url: RedisUrl | None = Field(
        default=None,
        repr=False,
        description="redis://host:port/db, or leave it out to use the money server",
    )
    redis_password_file: Path | None = Field(
        default=None, description="the path of a file with the password of the user that both Redis URLs name"
    )
    redis_durability: Literal["strict", "relaxed"] = Field(
        default="strict", description="strict, or relaxed to accept a money Redis that may lose writes (never in live)"
    )
    config: Path = Field(default=Path("config/hedgegrid.toml"), description="the path of the TOML file")
    http_host: str = Field(default="127.0.0.1", description="the address for /metrics and health checks")
    http_port: int = Field(default=0, ge=0, le=65535, description="a port 0..65535, 0 = any free one")
    http_names: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.,_-]*$",
        description="host names with a dot, separated by commas, under which you open the page or scrape /metrics",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    instance_id: str = Field(
        default_factory=_default_instance,
        pattern=r"^[A-Za-z0-9_.-]{1,128}$",
        description="1..128 of A-Z a-z 0-9 _ . -, unique per process",
    )
    bybit_rest_url: HttpUrl | None = Field(default=None, description="a URL such as http://127.0.0.1:8080")
    bybit_ws_public_url: WsUrl | None = Field(
        default=None, description="a URL such as ws://127.0.0.1:8080/v5/public/linear"
    )
    bybit_ws_private_url: WsUrl | None = Field(default=None, description="a URL such as ws://127.0.0.1:8080/v5/private")
    allow_live: str = Field(default="no", description='"yes" permits real orders')
    recv_window_ms: int = Field(default=2500, ge=100, le=60_000, description="100..60000 ms")
    audit_interval_s: int = Field(default=300, ge=1, le=86_400, description="1..86400 s")
    order_rate_per_s: int = Field(default=10, ge=1, le=1000, description="1..1000 requests/s per account")
    lease_ttl_ms: int = Field(default=5000, ge=500, le=60_000, description="500..60000 ms")
    ledger_path: Path | None = Field(
        default=None, description="the path of the trade ledger's SQLite file, or leave it out to keep none"
    )
    state_dir: Path = Field(
        default=Path(".run/state"), description="the path of a folder for what must outlive a process beside Redis"
    )
    control_key_file: Path | None = Field(
        default=None, description="the path of a file with the key that control messages are signed with"
    )
    heartbeat_key_file: Path | None = Field(
        default=None, description="the path of a file with the key that a dead man's switch knows heartbeats by"
    )
    control_token_file: Path | None = Field(
        default=None, description="the path of a file with a token that lets the live page stop bots, or leave it out"
    )
    control_redis_url: RedisUrl | None = Field(
        default=None,
        repr=False,
        description="redis://operator:password@host:port/db, for a live page that may stop bots; else the money server",
    )
    metrics_url: HttpUrl | None = Field(
        default=None, description="a URL such as http://metrics:9100, where the metrics service answers the operator"
    )
    realtime: bool = Field(default=False, description="1 to go before every ordinary process (takes a right), or 0")
    progress: bool = Field(default=False, description="1 lets a simulated exchange wait for the services")

    @property
    def host_names(self) -> frozenset[str]:
        """Names in a request's `Host` that are the operator's own, beside addresses and names without a dot."""
        return frozenset(self.http_names.lower().split(","))

    @property
    def market_url(self) -> str:
        """The Redis server of the market streams: its own one if set, else the money server."""
        return self.market_redis_url or self.redis_url


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


@overload
def load_settings() -> ServiceSettings: ...
@overload
def load_settings(cls: type[SettingsT]) -> SettingsT: ...
def load_settings(cls: type[ServiceSettings] = ServiceSettings) -> ServiceSettings:
    """Read the environment into `cls`; one ConfigError names every wrong variable and its fix."""
    try:
        settings = cls()
    except ValidationError as error:
        # Not chained: pydantic's own text may quote the input.
        raise ConfigError("; ".join(_explain(cls, e["loc"], e["msg"]) for e in error.errors())) from None
    return _with_redis_password(settings)


def _with_redis_password(settings: ServiceSettings) -> ServiceSettings:
    file = settings.redis_password_file
    if file is None:
        return settings
    urls = {name: url for name in _OF_THE_PASSWORD_FILE if (url := getattr(settings, name)) is not None}
    return settings.model_copy(update={name: with_password(url, file) for name, url in urls.items()})


def misspelt_variables(cls: type[BaseSettings] = ServiceSettings) -> list[str]:
    """Return a warning for each HEDGEGRID_ variable that is none of ours but nearly so.

    Only near misses: compose, the operator and credentials have variables of their own.
    """
    known = [f"{PREFIX}{name.upper()}" for name in cls.model_fields]
    strays = (n for n in sorted(os.environ) if n.startswith(PREFIX) and n not in known)
    near = ((name, difflib.get_close_matches(name, known, n=1, cutoff=0.9)) for name in strays)
    return [f"{name} is not a setting; did you mean {match[0]}?" for name, match in near if match]


def _explain(cls: type[BaseSettings], loc: tuple[int | str, ...], problem: str) -> str:
    name = str(loc[0]) if loc else ""
    # By whatever alias it came in, the operator knows the variable by its upper-case name.
    variable = name.upper() if name.upper().startswith(PREFIX) else f"{PREFIX}{name.upper()}"
    field = cls.model_fields.get(name.lower().removeprefix(PREFIX.lower()))
    fix = field.description if field and field.description else "a valid value"
    value = os.environ.get(variable)
    shown = "" if value is None or name.lower() in _NOT_SHOWN else f"={redact(repr(value))}"
    return f"{variable}{shown}: {problem[0].lower()}{problem[1:]}; set it to {fix}"
