"""The sockets over TLS, as in production: a certificate must be trusted, and frames flow in both directions."""

import os
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from hedgegrid.bybit.ws import PrivateSocket, SocketFailed
from tests.integration.ws_gateway.frames import order
from tests.integration.ws_gateway.rig import eventually
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue
from tests.real_components import missing


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Certificate and key of localhost."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out {certificate} -keyout {key}"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True, env=os.environ)
    except (OSError, subprocess.CalledProcessError):
        missing("openssl on PATH, to make a certificate")
    return certificate, key


def socket_to(venue: ScriptedVenue, frames: list[bytes], lost: threading.Event) -> PrivateSocket:
    return PrivateSocket(
        "mainnet",
        SecretStr("key-tls"),
        SecretStr("secret-tls"),
        on_frame=lambda raw, _: frames.append(raw),
        on_lost=lambda _: lost.set(),
        url=f"wss://localhost:{venue.port}",
        step_timeout_s=5,
    )


def test_over_tls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    venue = ScriptedVenue(context).start()
    frames: list[bytes] = []
    lost = threading.Event()
    try:
        with pytest.raises(SocketFailed, match="CERTIFICATE_VERIFY_FAILED"):
            socket_to(venue, frames, lost).open()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        venue.script.after_ack = [order(number) for number in range(200)]
        socket = socket_to(venue, frames, lost)
        socket.open()
        socket.authenticate()
        socket.subscribe(["order"])
        eventually(lambda: len(frames) == 200, "200 frames")
        assert frames == [order(number).encode() for number in range(200)]
        venue.close_all(1001)
        assert lost.wait(5)
        assert "1001" in socket.lost_reason
        socket.close()
        quiet = socket_to(venue, frames, lost)
        quiet.open()
        quiet.close()
    finally:
        venue.shut_down()
