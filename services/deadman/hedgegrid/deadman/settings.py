"""What the dead man's switch is told, from the environment like every setting."""

from typing import Literal

from pydantic import Field

from hedgegrid.runtime.settings import HttpUrl, ServiceSettings


class DeadmanSettings(ServiceSettings):
    """It reads no config file: the second host should need nothing but this and its keys."""

    deadman_urls: str = Field(
        pattern=r"^https?://\S+$",
        description="where executors of the account answer, e.g. http://10.0.0.1:9100; several with commas",
    )
    deadman_account: str = Field(default="main", pattern=r"^[a-z0-9-]{1,32}$", description="the account's id")
    deadman_mode: Literal["paper", "demo", "testnet", "live"] = Field(
        description="paper, demo, testnet or live: the account's mode"
    )
    deadman_silence_s: int = Field(default=30, ge=3, le=3600, description="3..3600 s without a sign of life")
    deadman_ask_every_ms: int = Field(default=2000, ge=50, le=60_000, description="50..60000 ms between two questions")
    deadman_arm_after: int = Field(default=3, ge=1, le=1000, description="1..1000 signs of life in a row")
    deadman_webhook_url: HttpUrl | None = Field(
        default=None, repr=False, description="a URL to which every alarm is posted as JSON"
    )

    @property
    def urls(self) -> list[str]:
        return [url.strip().rstrip("/") for url in self.deadman_urls.split(",") if url.strip()]

    @property
    def misses_allowed(self) -> int:
        """Questions in a row that may stay without an answer."""
        return max(1, -(-self.deadman_silence_s * 1000 // self.deadman_ask_every_ms))
