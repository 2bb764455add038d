"""The bucket ``flatfiles`` over S3's HTTP interface, path-style: ListObjectsV2, GET and HEAD of objects.

A listing tells each file's size and ETag, so the files it names are made for it. Daily bars take milliseconds; a page
with files of minutes or ticks ends early, as S3 reserves for itself, when making them has taken ``PAGE_SECONDS``.
"""

import base64
import binascii
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from email.utils import format_datetime
from typing import BinaryIO
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from smallcaps_assets.source.emulator.aws_signature import SignatureError, Signed, verify
from smallcaps_assets.source.emulator.flat_files import FlatFile, FlatStore

BUCKET = "flatfiles"
ACCESS_KEY = "emulator"
PAGE_SECONDS = 2.0
MOST_KEYS = 1000
CHUNK = 1 << 18
STATUS = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidRange": 416,
    "NoSuchKey": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "RequestTimeTooSkewed": 403,
    "SignatureDoesNotMatch": 403,
}
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ECHOED = {"ContinuationToken": "continuation-token", "StartAfter": "start-after", "EncodingType": "encoding-type"}
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
Allowed = Callable[[str], str | None]


class S3Error(Exception):
    """S3 refuses the request: a code of ``STATUS`` and S3's text."""

    def __init__(self, code: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.headers = headers or {}


def flat_routes(
    store: FlatStore,
    secret: str,
    *,
    access_key: str = ACCESS_KEY,
    refused: Allowed = lambda _key: None,
    clock: Callable[[], float] = time.time,
) -> list[Route]:
    """The bucket's routes for the caller with this key pair; ``clock`` gives seconds UTC.

    ``refused`` says why the caller's plan does not open a key's file, or None when it does; with "" for the listing.
    """

    def endpoint(answer: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                verify(_signed(request), access_key, secret, clock())
                why = refused(request.path_params.get("key", ""))
                if why is not None:
                    raise S3Error("AccessDenied", why)
                return await run_in_threadpool(answer, request)
            except SignatureError as error:
                return _refusal(request, error.code, str(error), {})
            except S3Error as error:
                return _refusal(request, error.code, str(error), error.headers)

        return respond

    listing = endpoint(lambda request: _listing(request, store))
    return [
        Route(f"/{BUCKET}", listing, methods=["GET"]),
        Route(f"/{BUCKET}/", listing, methods=["GET"]),
        Route(f"/{BUCKET}/{{key:path}}", endpoint(lambda request: _object(request, store)), methods=["GET"]),
    ]


def _signed(request: Request) -> Signed:
    path = request.scope["raw_path"].decode().partition("?")[0]
    return Signed(request.method, path, request.url.query, request.headers)


def _refusal(request: Request, code: str, text: str, headers: dict[str, str]) -> Response:
    resource, name = escape(request.url.path), uuid.uuid4().hex
    body = f"{XML}<Error><Code>{code}</Code><Message>{escape(text)}</Message>"
    body += f"<Resource>{resource}</Resource><RequestId>{name}</RequestId></Error>"
    return Response(body, STATUS[code], {"x-amz-request-id": name, **headers}, media_type="application/xml")


def _object(request: Request, store: FlatStore) -> Response:
    """A file or a range of its bytes; HEAD has the same headers without them."""
    key = request.path_params["key"]
    if key not in store:
        raise S3Error("NoSuchKey", "The specified key does not exist.")
    file = store.described(key)
    tag = f'"{file.etag}"'
    headers = {
        "ETag": tag,
        "Last-Modified": format_datetime(file.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "x-amz-request-id": uuid.uuid4().hex,
    }
    if not _named(request.headers.get("if-match", "*"), tag):
        raise S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    if _named(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    status, (first, end) = 200, (0, file.size)
    asked = _range(request.headers.get("range", ""), file.size)
    if asked is not None:
        status, (first, end) = 206, asked
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - first)
    if request.method == "HEAD":
        return Response(None, status, headers, media_type="application/gzip")
    opened, source = store.opened(key)
    if opened != file:  # republished in between
        source.close()
        return _object(request, store)
    return StreamingResponse(_bytes(source, first, end), status, headers, media_type="application/gzip")


def _named(given: str, tag: str) -> bool:
    return given.strip() == "*" or tag in {part.strip() for part in given.split(",")}


def _range(given: str, size: int) -> tuple[int, int] | None:
    """The half-open range of bytes that a Range header asks for; None when it is none, or more than one."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", given)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1]:
        first, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < first:
            return None
    else:
        first, end = max(size - int(match[2]), 0), size
    if first >= end:
        raise S3Error("InvalidRange", "The requested range is not satisfiable", {"Content-Range": f"bytes */{size}"})
    return first, end


def _bytes(source: BinaryIO, first: int, end: int) -> Iterator[bytes]:
    with source:
        source.seek(first)
        while first < end:
            chunk = source.read(min(CHUNK, end - first))
            if not chunk:
                raise EOFError(f"{source.name} ends at byte {first} of {end}")
            first += len(chunk)
            yield chunk


def _listing(request: Request, store: FlatStore) -> Response:
    """ListObjectsV2: keys with ``prefix``, those beyond a ``delimiter`` as common prefixes, by pages."""
    query = request.query_params
    if query.get("list-type") != "2":
        raise S3Error("NotImplemented", "Of the bucket only ListObjectsV2 (list-type=2) is served")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = query.get("max-keys", str(MOST_KEYS))
    if not most.isdecimal():
        raise S3Error("InvalidArgument", f"max-keys must be a whole number, not {most}")
    keys = [key for key in store.listed() if key.startswith(prefix) and key > query.get("start-after", "")]
    after = _after(query.get("continuation-token"))
    left = [name for name in dict.fromkeys(_folded(key, prefix, delimiter) for key in keys) if name > after]
    page: list[str] = []
    files: list[FlatFile] = []
    started = time.monotonic()
    for name in left[: min(int(most), MOST_KEYS)]:
        page.append(name)
        if not (delimiter and name.endswith(delimiter)):
            files.append(store.described(name))
        if time.monotonic() - started > PAGE_SECONDS:
            break
    onward = page[-1] if page and len(page) < len(left) else None
    prefixes = [name for name in page if delimiter and name.endswith(delimiter)]
    echoed = {"Name": BUCKET, "Prefix": prefix, "Delimiter": delimiter or None, "MaxKeys": most}
    echoed |= {member: query.get(parameter) for member, parameter in ECHOED.items()}
    echoed |= {"KeyCount": str(len(page)), "IsTruncated": "false" if onward is None else "true"}
    echoed["NextContinuationToken"] = None if onward is None else base64.b64encode(onward.encode()).decode()
    body = "".join(f"<{member}>{escape(value)}</{member}>" for member, value in echoed.items() if value is not None)
    body += "".join(_contents(file) for file in files)
    body += "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in prefixes)
    text = f'{XML}<ListBucketResult xmlns="{NAMESPACE}">{body}</ListBucketResult>'
    return Response(text, headers={"x-amz-request-id": uuid.uuid4().hex}, media_type="application/xml")


def _after(token: str | None) -> str:
    """The last name of the page before."""
    if token is None:
        return ""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from error


def _folded(key: str, prefix: str, delimiter: str) -> str:
    """The key, or what of it goes up to the first delimiter after the prefix."""
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return key if end < 0 else key[: end + len(delimiter)]


def _contents(file: FlatFile) -> str:
    modified = f"{file.modified:%Y-%m-%dT%H:%M:%S.000Z}"
    return (
        f"<Contents><Key>{escape(file.key)}</Key><LastModified>{modified}</LastModified>"
        f"<ETag>&quot;{file.etag}&quot;</ETag><Size>{file.size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )
