# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS with a private CA and real certificates: what is trusted, what beats what, and what the user sees."""

from __future__ import annotations

import datetime
import ipaddress
import pathlib
import shutil
import ssl
import subprocess
import sys
import typing as t

import pytest
from billing_sandbox._scripted import Wire, say

from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, serve
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._clients import Clock, call, client_for
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._plugins import KINDS, run_plugin
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import HOST, Authority, server_context

trustme = pytest.importorskip("trustme")

GOOD: dict[str, t.Any] = {"invoices": []}
TRUSTED, REFUSED, UNREADABLE = "trusted", "network", "options"

# What to trust, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, and what comes of them. A word stands for the file of that name.
PRECEDENCE: list[tuple[bool | str, str | None, str | None, str]] = [
    (True, None, None, REFUSED),
    ("good", None, None, TRUSTED),
    ("other", None, None, REFUSED),
    ("garbage", None, None, UNREADABLE),
    (False, None, None, TRUSTED),
    (True, "good", None, TRUSTED),
    (True, "other", None, REFUSED),
    (True, "missing", None, UNREADABLE),
    (True, None, "good", TRUSTED),
    (True, None, "garbage", UNREADABLE),
    (True, "good", "other", TRUSTED),
    (True, "other", "good", REFUSED),
    (True, "missing", "good", UNREADABLE),
    (True, "", "good", TRUSTED),
    ("good", None, "other", TRUSTED),
    ("good", "missing", "missing", TRUSTED),
    ("other", "good", "good", REFUSED),
    ("garbage", "good", None, UNREADABLE),
    (False, "missing", "missing", TRUSTED),
]


@pytest.mark.parametrize(("verify", "requests_bundle", "curl_bundle", "expected"), PRECEDENCE)
def test_precedence(
    verify: bool | str,
    requests_bundle: str | None,
    curl_bundle: str | None,
    expected: str,
    authority: Authority,
    recwarn: pytest.WarningsRecorder,
) -> None:
    """The options beat the environment, in which REQUESTS_CA_BUNDLE beats CURL_CA_BUNDLE."""
    files: dict[t.Any, t.Any] = authority._asdict()
    bundles = {"REQUESTS_CA_BUNDLE": requests_bundle, "CURL_CA_BUNDLE": curl_bundle}
    environment = {name: files.get(value, value) for name, value in bundles.items() if value is not None}
    with Wire(say(GOOD), tls=server_context(authority.ca.issue_cert(HOST))) as wire:
        ended = call(wire.url, environment=environment, verify=files.get(verify, verify))
    # Trust does not grow by trying again.
    assert ended.waits == []
    if expected == TRUSTED:
        assert ended.value == GOOD
        assert len(wire.requests) == 1
        assert not [warning for warning in recwarn if "Insecure" in warning.category.__name__]
        return
    assert wire.requests == []
    assert (ended.failure["reason"], ended.failure["attempts"]) == (expected, 1)
    assert "ca_path" in ended.text
    said = "TLS certificate of the API is not valid" if expected == REFUSED else "CA certificates cannot be read"
    assert said in ended.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_options_reach_the_client(kind: str, authority: Authority) -> None:
    with Wire(say(GOOD), tls=server_context(authority.ca.issue_cert(HOST))) as wire:
        for options in ({"ca_path": authority.good}, {"validate_certs": False}):
            outcome = run_plugin(kind, {"api_url": wire.url, **options})
            assert (outcome.invoices, outcome.text) == ([], "")
            assert "InsecureRequestWarning" not in outcome.shown
        assert "TLS certificate of the API is not valid" in run_plugin(kind, {"api_url": wire.url}).text


def test_ca_folder(authority: Authority, tmp_path: pathlib.Path) -> None:
    """A folder counts once its files have the names that OpenSSL looks for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here")
    shutil.copy(authority.good, tmp_path / "ca.pem")
    with Wire(say(GOOD), tls=server_context(authority.ca.issue_cert(HOST))) as wire:
        assert "not valid" in call(wire.url, verify=str(tmp_path)).text
        subprocess.run([openssl, "rehash", str(tmp_path)], check=True, capture_output=True)
        assert call(wire.url, verify=str(tmp_path)).value == GOOD


def _expired(ca: t.Any) -> t.Any:
    return ca.issue_cert(HOST, not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (_expired, ("expired", "clock")),
        (lambda ca: ca.issue_cert("other.example"), ("for another host", "api_url")),
        (lambda ca: ca.issue_cert("127.0.0.2"), ("for another host", "api_url")),
        (lambda _ca: trustme.CA().issue_cert(HOST), ("issuer", "ca_path")),
    ],
    ids=["expired", "another name", "another address", "another CA"],
)
def test_certificates(certificate: t.Callable[[t.Any], t.Any], words: tuple[str, ...], authority: Authority) -> None:
    """No request leaves for a server whose certificate is not valid; validate_certs says whether that counts."""
    with Wire(say(GOOD), tls=server_context(certificate(authority.ca))) as wire:
        ended = call(wire.url, verify=authority.good)
        assert (wire.requests, wire.connections, ended.failure["reason"]) == ([], 1, "network")
        for word in ("TLS certificate", *words):
            assert word in ended.text
        assert call(wire.url, verify=False).value == GOOD


def test_not_tls() -> None:
    """Another attempt would meet the same port."""
    with Wire(say(GOOD), reads_request=False) as wire:
        ended = call(wire.url.replace("http:", "https:"))
        assert wire.connections == 1
    assert "The port that api_url names by https:// speaks plain http" in ended.text
    assert (ended.failure["reason"], ended.waits) == ("network", [])


def test_a_certificate_that_is_not_strict(authority: Authority, tmp_path: pathlib.Path) -> None:
    """Python 3.13 and newer want to know which key signed a certificate; older ones do not ask."""
    with Wire(say(GOOD), tls=_without_key_identifier(authority, tmp_path / "server.pem")) as wire:
        ended = call(wire.url, verify=authority.good)
    if ended.error is None:
        assert sys.version_info < (3, 13)
        return
    assert "Missing Authority Key Identifier. Python 3.13 and newer refuse such a certificate" in ended.text
    assert ended.waits == []


def _without_key_identifier(authority: Authority, file: pathlib.Path) -> ssl.SSLContext:
    """Return a server whose certificate does not say which key of the CA has signed it."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization

    issued = authority.ca.issue_cert(HOST)
    signer = serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    model = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    builder = x509.CertificateBuilder(
        issuer_name=model.issuer,
        subject_name=model.subject,
        public_key=model.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
        not_valid_after=datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc),
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), False)
    certificate = builder.sign(signer, hashes.SHA256())
    file.write_bytes(issued.private_key_pem.bytes() + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_one_connection(authority: Authority) -> None:
    """Ids are fetched over one TLS connection."""
    with serve(tls=server_context(authority.ca.issue_cert(HOST))) as api:
        for number in "01234":
            api.expect(f"{INVOICES}/{number}", answer={})
        with client_for(api.url, Clock(), verify=authority.good) as client:
            for number in "01234":
                client.get("api", "v1", "invoices", number)
    assert api.connections == 1
