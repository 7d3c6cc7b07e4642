"""HTTPS to Kite, directly and through the egress proxy's tunnel: verified, and quick to set up."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util.ssl_ import create_urllib3_context

from brokers.model import Placed, Unknown
from brokers.zerodha import http
from tests.zerodha.loopback import Action, Connection, Loopback, success
from tests.zerodha.samples import ORDER, Connect


@dataclass(frozen=True)
class Authority:
    """A certificate for 127.0.0.1 that vouches for itself."""

    path: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    began = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return Authority(path)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    context = create_urllib3_context()
    context.load_verify_locations(authority.path)
    monkeypatch.setattr(http, "trust", lambda: context)


def over_tls(authority: Authority, action: Action) -> Action:
    def act(server: Loopback, connection: Connection) -> None:
        try:
            with authority.server_context().wrap_socket(connection, server_side=True) as secure:
                action(server, secure)
        except ssl.SSLError:
            return  # the client did not like the certificate

    return act


def tunnel(server: Loopback, connection: Connection) -> None:
    """Be a proxy: take one CONNECT and pass bytes both ways."""
    server.read(connection)
    host, _, port = server.requests[-1].target.partition(":")
    with socket.create_connection((host, int(port))) as onward:
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        back = threading.Thread(target=_pass, args=(onward, connection), daemon=True)
        back.start()
        _pass(connection, onward)
        back.join(5)


def _pass(source: Connection, target: Connection) -> None:
    try:
        while chunk := source.recv(65_536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def kite(authority: Authority) -> Iterator[Loopback]:
    with Loopback([over_tls(authority, success({"order_id": "1"}))]) as server:
        yield server


def https(server: Loopback) -> str:
    return server.url.replace("http:", "https:")


@pytest.mark.usefixtures("trusted")
def test_an_order_over_tls(connect: Connect, kite: Loopback) -> None:
    assert connect(https(kite)).place(ORDER) == Placed("1")


@pytest.mark.usefixtures("trusted")
def test_an_order_through_the_proxys_tunnel(connect: Connect, kite: Loopback) -> None:
    with Loopback([tunnel]) as proxy:
        assert connect(https(kite), proxy.url).place(ORDER) == Placed("1")
        (asked,) = proxy.requests
    assert (asked.method, asked.target) == ("CONNECT", f"127.0.0.1:{kite.port}")
    assert "authorization" not in asked.headers, "the proxy must not see the session"
    (sent,) = kite.requests
    assert sent.headers["authorization"].startswith("token ")


def test_a_certificate_that_nobody_vouches_for_gets_no_order(connect: Connect, kite: Loopback) -> None:
    outcome = connect(https(kite)).place(ORDER)
    assert isinstance(outcome, Unknown)
    assert "certificate verify failed" in outcome.reason
    assert kite.requests == []


def test_a_tunnel_to_a_stranger_gets_no_order(connect: Connect, kite: Loopback) -> None:
    with Loopback([tunnel]) as proxy:
        outcome = connect(https(kite), proxy.url).place(ORDER)
    assert isinstance(outcome, Unknown)
    assert kite.requests == []


@pytest.mark.usefixtures("trusted")
def test_the_name_is_verified_too(connect: Connect, kite: Loopback) -> None:
    outcome = connect(https(kite).replace("127.0.0.1", "localhost")).place(ORDER)
    assert isinstance(outcome, Unknown)
    assert "localhost" in outcome.reason
    assert kite.requests == []


def test_the_authorities_are_read_once(
    connect: Connect, kite: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.trust()
    broker = connect(https(kite))

    def read_again(*_: object, **__: object) -> None:
        raise AssertionError("read the certificate file again")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read_again)
    assert "certificate verify failed" in broker.place(ORDER).reason  # type: ignore[union-attr]
