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
from unittest import mock

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _failures
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._tls import HOST, Authority, server_context
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins.faults._wire import Wire, run_plugin, say

trustme = pytest.importorskip("trustme")

KINDS = ("module", "lookup")
GOOD = {"invoices": [{"invoice_id": "one"}]}


TRUSTED, REFUSED, UNREADABLE, NO_FILE = "trusted", "network", "options", "no file"

# Options, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, and what comes of them. A word stands for the file of that name.
PRECEDENCE: list[tuple[dict[str, t.Any], str | None, str | None, str]] = [
    ({}, None, None, REFUSED),
    ({"ca_path": "good"}, None, None, TRUSTED),
    ({"ca_path": "other"}, None, None, REFUSED),
    ({"ca_path": "garbage"}, None, None, UNREADABLE),
    ({"ca_path": "missing"}, None, None, NO_FILE),
    ({"validate_certs": False}, None, None, TRUSTED),
    ({"validate_certs": False, "ca_path": "other"}, None, None, TRUSTED),
    ({}, "good", None, TRUSTED),
    ({}, "other", None, REFUSED),
    ({}, "garbage", None, UNREADABLE),
    ({}, "missing", None, UNREADABLE),
    ({}, None, "good", TRUSTED),
    ({}, None, "other", REFUSED),
    ({}, None, "garbage", UNREADABLE),
    ({}, None, "missing", UNREADABLE),
    ({}, "good", "other", TRUSTED),
    ({}, "good", "missing", TRUSTED),
    ({}, "other", "good", REFUSED),
    ({}, "missing", "good", UNREADABLE),
    ({}, "", "good", TRUSTED),
    ({"ca_path": "good"}, "other", None, TRUSTED),
    ({"ca_path": "good"}, None, "other", TRUSTED),
    ({"ca_path": "good"}, "missing", "missing", TRUSTED),
    ({"ca_path": "other"}, "good", "good", REFUSED),
    ({"ca_path": "garbage"}, "good", None, UNREADABLE),
    ({"ca_path": "missing"}, "good", None, NO_FILE),
    ({"validate_certs": True}, "good", None, TRUSTED),
    ({"validate_certs": False}, "good", None, TRUSTED),
    ({"validate_certs": False}, "other", "other", TRUSTED),
    ({"validate_certs": False}, "missing", "missing", TRUSTED),
    ({"validate_certs": False}, "garbage", None, TRUSTED),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("options", "requests_bundle", "curl_bundle", "expected"), PRECEDENCE)
def test_precedence(
    options: dict[str, t.Any],
    requests_bundle: str | None,
    curl_bundle: str | None,
    expected: str,
    kind: str,
    authority: Authority,
    recwarn: pytest.WarningsRecorder,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The options beat the environment, in which REQUESTS_CA_BUNDLE beats CURL_CA_BUNDLE."""
    files = authority.files._asdict()
    options = {name: files.get(value, value) for name, value in options.items()}
    bundles = {"REQUESTS_CA_BUNDLE": requests_bundle, "CURL_CA_BUNDLE": curl_bundle}
    environment = {name: files.get(value, value) for name, value in bundles.items() if value is not None}
    with Wire(say(GOOD), tls=server_context(authority.ca.issue_cert(HOST))) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, **options}, environment=environment)
    # Trust does not grow by trying again.
    assert outcome.waits == []
    if expected == TRUSTED:
        assert outcome.invoices == GOOD["invoices"]
        assert len(wire.requests) == 1
        assert "InsecureRequestWarning" not in outcome.shown + "".join(capfd.readouterr())
        assert not [warning for warning in recwarn if "Insecure" in warning.category.__name__]
        return
    assert outcome.invoices is None
    assert wire.requests == []
    said = {
        REFUSED: ("TLS certificate of the API is not valid", "ca_path"),
        UNREADABLE: ("CA certificates cannot be read", "ca_path", "REQUESTS_CA_BUNDLE"),
        NO_FILE: ("ca_path", "does not exist"),
    }[expected]
    for words in said:
        assert words in outcome.text
    if kind == "module":
        assert outcome.failure is not None
        assert outcome.failure["reason"] == (REFUSED if expected == REFUSED else "options")
        assert outcome.failure["attempts"] == (0 if expected == NO_FILE else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_ca_folder(kind: str, authority: Authority, tmp_path: pathlib.Path) -> None:
    """A folder counts once its files have the names that OpenSSL looks for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here")
    shutil.copy(authority.files.good, tmp_path / "ca.pem")
    context = server_context(authority.ca.issue_cert(HOST))
    with Wire(say(GOOD), tls=context) as wire:
        options = {"api_url": wire.url, "ca_path": str(tmp_path)}
        assert "not valid" in run_plugin(kind, options).text
        subprocess.run([openssl, "rehash", str(tmp_path)], check=True, capture_output=True)
        assert run_plugin(kind, options).invoices == GOOD["invoices"]


def _expired(ca: t.Any) -> t.Any:
    return ca.issue_cert(HOST, not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc))


@pytest.mark.parametrize("kind", KINDS)
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
def test_certificates(
    certificate: t.Callable[[t.Any], t.Any], words: tuple[str, ...], kind: str, authority: Authority
) -> None:
    """No request leaves for a server whose certificate is not valid; validate_certs says whether that counts."""
    with Wire(say(GOOD), tls=server_context(certificate(authority.ca))) as wire:
        options = {"api_url": wire.url, "ca_path": authority.files.good}
        outcome = run_plugin(kind, options)
        assert wire.requests == []
        assert wire.connections == 1
        for word in ("TLS certificate", *words):
            assert word in outcome.text
        assert outcome.failure is None or outcome.failure["reason"] == "network"
        assert run_plugin(kind, {**options, "validate_certs": False}).invoices == GOOD["invoices"]


@pytest.mark.parametrize("kind", KINDS)
def test_not_tls(kind: str) -> None:
    """Another attempt would meet the same port."""
    with Wire(say(GOOD), reads_request=False) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url.replace("http:", "https:")})
        assert wire.connections == 1
    assert "The port that api_url names by https:// speaks plain http" in outcome.text
    assert outcome.waits == []
    assert outcome.failure is None or (outcome.failure["reason"], outcome.failure["attempts"]) == ("network", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_is_not_strict(kind: str, tmp_path: pathlib.Path) -> None:
    """Python 3.13 and newer want to know which key signed a certificate; older ones do not ask."""
    certificate, authority = _without_key_identifier(tmp_path)
    with Wire(say(GOOD), tls=certificate) as wire:
        outcome = run_plugin(kind, {"api_url": wire.url, "ca_path": authority})
    if outcome.invoices is not None:
        assert sys.version_info < (3, 13)
        return
    assert "Missing Authority Key Identifier. Python 3.13 and newer refuse such a certificate" in outcome.text
    assert "whatever ca_path holds" in outcome.text
    assert "set ca_path" not in outcome.text
    assert outcome.waits == []


@pytest.mark.parametrize(
    ("code", "verify", "words"),
    [
        (20, True, "For a private CA set ca_path, or REQUESTS_CA_BUNDLE"),
        (20, "/some/ca.pem", "No CA in ca_path (/some/ca.pem) has signed it"),
        (85, "/some/ca.pem", "Python 3.13 and newer refuse such a certificate whatever ca_path holds"),
        (10, True, "Check the clock"),
        (23, True, "The certificate has to be replaced."),
    ],
)
def test_advice_fits_the_cause(code: int, verify: bool | str, words: str) -> None:
    """The numbers are OpenSSL's, on every Python."""
    error = ssl.SSLCertVerificationError("refused")
    error.verify_code, error.verify_message = code, "what OpenSSL says"
    connection = mock.Mock(verify=verify)
    text = f"{_failures.Failures(connection, str, mock.Mock()).of_exception(error)}"
    assert text == f"The TLS certificate of the API is not valid: what OpenSSL says. {text.partition('says. ')[2]}"
    assert words in text
    assert ("set ca_path" in text) == (verify is True and code == 20)


def _without_key_identifier(folder: pathlib.Path) -> tuple[ssl.SSLContext, str]:
    """Return a server's certificate without an Authority Key Identifier, and the file of the CA that signed it."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def build(name: str, issuer: str, key: t.Any, signer: t.Any, *extensions: t.Any) -> t.Any:
        builder = x509.CertificateBuilder(
            subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
            not_valid_after=datetime.datetime(2040, 1, 1, tzinfo=datetime.timezone.utc),
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _key in range(2))
    ca = build("ca", "ca", ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    certificate = build("server", "ca", key, ca_key, address)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, str(folder / "ca.pem")


def test_one_connection(authority: Authority) -> None:
    """Ids are fetched over one TLS connection."""
    from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._api import INVOICES, KEY, serve
    from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._run import run_module

    with serve(tls=server_context(authority.ca.issue_cert(HOST))) as api:
        for number in range(5):
            api.expect(f"{INVOICES}/{number}", answer={"invoice_id": f"{number}"})
        options = {"api_url": api.url, "api_key": KEY, "ca_path": authority.files.good}
        result = run_module("invoice_info", {**options, "invoice_id": ["0", "1", "2", "3", "4"]})
    assert [invoice["invoice_id"] for invoice in result.data["invoices"]] == ["0", "1", "2", "3", "4"]
    assert api.connections == 1
