"""Certificates, and those who sign them."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Key = ec.EllipticCurvePrivateKey

NOW = datetime.now(UTC)
_HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
DAY = timedelta(days=1)


def _certificate(key: Key, signer: Key, issuer: str, name: x509.GeneralName | None, end: datetime) -> x509.Certificate:
    """For a server of this name, or, without one, for the issuer; with all that strict clients want to see."""

    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    made = x509.CertificateBuilder().subject_name(called("server" if name else issuer)).issuer_name(called(issuer))
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(NOW - 9 * DAY).not_valid_after(end)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    uses = x509.KeyUsage(
        **dict.fromkeys(("key_cert_sign", "crl_sign"), name is None),
        **dict.fromkeys(("digital_signature", "key_agreement"), name is not None),
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False),
        **dict.fromkeys(("encipher_only", "decipher_only"), False),
    )
    made = made.add_extension(x509.BasicConstraints(ca=name is None, path_length=None), critical=True)
    made = made.add_extension(uses, critical=True).add_extension(own, critical=False)
    made = made.add_extension(authority, critical=False)
    if name:
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    return made.sign(signer, hashes.SHA256())


class Authority:
    """Somebody who signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.pem"
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        own = _certificate(self._key, self._key, name, None, NOW + DAY)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def context(self, name: x509.GeneralName = _HERE, end: datetime = NOW + DAY) -> ssl.SSLContext:
        """What a server with a certificate for this name needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _certificate(key, self._key, self._name, name, end)
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file = self.file.with_suffix(".leaf")
        file.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
