"""Signature Version 4 against the worked examples of AWS's own S3 documentation, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smallcaps_assets.source.emulator.aws_signature import SignatureError, Signed, signature, verify

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations"
ACCESS_KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = "20130524/us-east-1/s3/aws4_request"
NOW = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
GIVEN = {"host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z"}
NAMES = ["host", "x-amz-content-sha256", "x-amz-date"]
LIST = Signed("GET", "/", "max-keys=2&prefix=J", GIVEN)
OBJECT = Signed("GET", "/test.txt", "", {**GIVEN, "range": "bytes=0-9"})
LISTED = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"


def with_header(request: Signed, text: str) -> Signed:
    return replace(request, headers={**request.headers, "authorization": text})


def authorization(signed: str = LISTED, *, access_key: str = ACCESS_KEY, scope: str = SCOPE) -> str:
    return f"AWS4-HMAC-SHA256 Credential={access_key}/{scope},SignedHeaders={';'.join(NAMES)},Signature={signed}"


def test_the_examples_of_the_documentation_have_its_signatures() -> None:
    assert signature(LIST, NAMES, SCOPE, SECRET) == LISTED
    ranged = ["host", "range", "x-amz-content-sha256", "x-amz-date"]
    found = signature(OBJECT, ranged, SCOPE, SECRET)
    assert found == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_order_and_escapes_of_the_query_are_the_canonical_ones() -> None:
    one = replace(LIST, query="prefix=a/b&max-keys=2")
    other = replace(LIST, query="max-keys=2&prefix=a%2Fb")
    assert signature(one, NAMES, SCOPE, SECRET) == signature(other, NAMES, SCOPE, SECRET)


def refused(request: Signed, now: float = NOW) -> str:
    """The code of the refusal, "" when there is none."""
    try:
        verify(request, ACCESS_KEY, SECRET, now)
    except SignatureError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("away", "code"),
    [(-901, "RequestTimeTooSkewed"), (-900, ""), (0, ""), (900, ""), (901, "RequestTimeTooSkewed")],
)
def test_clocks_may_differ_by_a_quarter_of_an_hour(away: int, code: str) -> None:
    assert refused(with_header(LIST, authorization()), NOW + away) == code


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (LIST, "AccessDenied"),
        (with_header(LIST, "Bearer key"), "AccessDenied"),
        (with_header(LIST, authorization(scope="20130524/us-east-1/ec2/aws4_request")), "AccessDenied"),
        (with_header(LIST, authorization(scope="20130525/us-east-1/s3/aws4_request")), "AccessDenied"),
        (with_header(LIST, authorization(access_key="ANOTHER")), "InvalidAccessKeyId"),
        (with_header(LIST, authorization("0" * 64)), "SignatureDoesNotMatch"),
        (with_header(replace(LIST, query="max-keys=3&prefix=J"), authorization()), "SignatureDoesNotMatch"),
        (with_header(replace(LIST, method="HEAD"), authorization()), "SignatureDoesNotMatch"),
    ],
)
def test_what_is_not_signed_by_the_pair_is_refused(request_: Signed, code: str) -> None:
    assert refused(request_) == code
