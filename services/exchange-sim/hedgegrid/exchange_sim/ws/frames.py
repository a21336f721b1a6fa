"""Wire form of server frames, and the control frames of Bybit V5 (docs/v5/websocket/wss-authentication)."""

from typing import Any

import msgspec

TEXT = 0x81
"""FIN and opcode 1."""
_encode = msgspec.json.Encoder().encode


def wire(message: Any) -> bytes:
    """A whole server-to-client text frame. Server frames are not masked, so one encoding serves every subscriber."""
    payload = _encode(message)
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 65536:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, 127)) + size.to_bytes(8, "big") + payload


def ack(op: str, conn_id: str, req_id: Any, text: str = "", *, success: bool = True) -> bytes:
    """Answer to auth, subscribe and unsubscribe; `req_id` is echoed as it came, "" when there was none."""
    return wire(
        {
            "success": success,
            "ret_msg": text,
            "conn_id": conn_id,
            "req_id": "" if req_id is None else req_id,
            "op": op,
        }
    )


def public_pong(conn_id: str, req_id: Any) -> bytes:
    """On a public socket the op stays `ping`."""
    return ack("ping", conn_id, req_id, "pong")


def private_pong(conn_id: str, req_id: Any, now_ms: int) -> bytes:
    pong: dict[str, Any] = {"op": "pong", "args": [str(now_ms)], "conn_id": conn_id}
    if req_id is not None:
        pong = {"req_id": req_id} | pong
    return wire(pong)
