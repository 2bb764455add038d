"""AWS Signature Version 4 of a request, in its Authorization header, as S3 verifies it."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = 900  # seconds that the clocks of caller and service may differ
HEADER = re.compile(rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})")


class SignatureError(Exception):
    """The request is not signed as it must be: ``code`` is S3's error code, the message its text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Signed:
    """A request as it was sent: the path still percent-encoded, header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def verify(request: Signed, access_key: str, secret: str, now: float) -> None:
    """SignatureError unless the request was signed with the pair within 15 minutes of ``now`` (s UTC); any region."""
    given = request.headers.get("authorization", "")
    if not given:
        raise SignatureError("AccessDenied", "Access Denied")
    match = HEADER.fullmatch(given.strip())
    parts = match[1].split("/") if match else []
    if match is None or len(parts) != 5 or parts[3:] != ["s3", "aws4_request"]:
        raise SignatureError("AccessDenied", f"The Authorization header is not of the form {ALGORITHM}")
    if parts[0] != access_key:
        said = "The AWS Access Key Id you provided does not exist in our records."
        raise SignatureError("InvalidAccessKeyId", said)
    names = match[2].split(";")
    stamp = request.headers.get("x-amz-date", "")
    signed_at = _seconds(stamp)
    if signed_at is None or stamp[:8] != parts[1] or not {"host", "x-amz-date"} <= set(names):
        raise SignatureError("AccessDenied", "AWS authentication requires a signed x-amz-date and host")
    if abs(now - signed_at) > SKEW:
        said = "The difference between the request time and the current time is too large."
        raise SignatureError("RequestTimeTooSkewed", said)
    if not hmac.compare_digest(signature(request, names, "/".join(parts[1:]), secret), match[3]):
        said = "The request signature we calculated does not match the signature you provided."
        raise SignatureError("SignatureDoesNotMatch", f"{said} Check your key and signing method.")


def signature(request: Signed, names: list[str], scope: str, secret: str) -> str:
    """The signature in hex over the headers ``names``; ``scope`` is date/region/s3/aws4_request."""
    query = sorted((_quoted(name), _quoted(value)) for name, value in parse_qsl(request.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            request.method,
            quote(unquote(request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            ";".join(names),
            request.headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([ALGORITHM, request.headers["x-amz-date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _seconds(stamp: str) -> float | None:
    """Seconds UTC of ``YYYYMMDDTHHMMSSZ``; None when it is no such text."""
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        return None
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
