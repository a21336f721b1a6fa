"""Waiting times of the gateway, from the environment like every setting."""

from pydantic import Field

from hedgegrid.runtime.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    ack_followed_ms: int = Field(
        default=3000,
        ge=100,
        le=60_000,
        description="100..60000 ms in which an order event must follow an acknowledgement, or the socket is replaced",
    )
