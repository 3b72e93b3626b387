"""Certificate authorities and TLS server certificates for tests."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
_LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class CertificateAuthority:
    """A certificate authority; `certificate_file` contains its own certificate as PEM."""

    def __init__(self, folder: Path, name: str) -> None:
        self.certificate_file = folder / f"{name}.pem"
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(self._key, self._key, name, None, NOW + DAY)
        self.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, host: x509.GeneralName = _LOOPBACK, expires: datetime = NOW + DAY) -> ssl.SSLContext:
        """Return a TLS server context with a new certificate for this host, signed by this authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, self._key, self._name, host, expires)
        key_format = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file = self.certificate_file.with_suffix(".server")
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, *key_format)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _certificate(
    key: Key, signing_key: Key, issuer: str, host: x509.GeneralName | None, expires: datetime
) -> x509.Certificate:
    """Return a certificate for a server at `host`, or for the issuer if `host` is None.

    It has every extension that strict verification (the default since Python 3.13) requires.
    """
    is_authority = host is None
    builder = x509.CertificateBuilder().subject_name(_name(issuer if is_authority else "server"))
    builder = builder.issuer_name(_name(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - 9 * DAY).not_valid_after(expires)
    usage = x509.KeyUsage(
        **dict.fromkeys(("key_cert_sign", "crl_sign"), is_authority),
        **dict.fromkeys(("digital_signature", "key_agreement"), not is_authority),
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False),
        **dict.fromkeys(("encipher_only", "decipher_only"), False),
    )
    subject_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True).add_extension(subject_id, critical=False)
    builder = builder.add_extension(authority_id, critical=False)
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
