"""One try to bring a part file to its end from one address, over http or https."""

from __future__ import annotations

import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import urlsplit

from zoo.version import zoo_version
from zoo.weights.part import Origin, Part

_CHUNK = 1 << 16
_SCHEMES = ("http", "https")
_PAGES = ("text/html", "application/xhtml+xml")
_TRY_AGAIN = (408, 425, 429)
"""Answers of 4xx that pass: too slow, too early, too many."""

_PAGE = "it answers with a web page, not the file: open the address in a browser, save the file, give it with --from"

_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class BrokenError(Exception):
    """It did not work this time."""


class UnusableError(Exception):
    """The address does not give the file, and will not the next time."""


def fetch(
    url: str,
    part: Part,
    expected: int | None,
    timeout: float,
    progress: Callable[[int, int | None], None],
    go_on: bool = True,
) -> None:
    """Bring a part file to its end.

    A server that gave the beginning is asked for the rest of that very version (``If-Range``). What is there stays
    until a server has answered with something.

    Args:
        url: Where from.
        part: The file, held.
        expected: Its size in bytes, None: what the server says.
        timeout: Seconds without a sign of the server.
        progress: Called with the bytes that are here, and that there are in all, as far as that is known.
        go_on: Ask for what is behind the bytes that are here; else for everything.

    Raises:
        BrokenError: The connection failed, stalled or ended early; what came is kept.
        UnusableError: The server has something else, or nothing.
        ZooError: The file cannot be written.
    """
    scheme = url.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise UnusableError("zoo fetches over http and https alone; --from takes a file")
    headers = {"User-Agent": f"zoo/{zoo_version()}", "Accept-Encoding": "identity"}
    if go_on and part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.origin and part.origin.url == url and part.origin.validator:
            headers["If-Range"] = part.origin.validator
    try:
        with _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout) as response:
            _receive(url, response, part, expected, progress)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and part.size:
                part.restart()
                raise BrokenError("it has nothing behind what is here: from the beginning") from error
            text = f"it answers {error.code} {' '.join(str(error.reason).split())}"
        raise (BrokenError if error.code >= 500 or error.code in _TRY_AGAIN else UnusableError)(text) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise UnusableError(f"its certificate is not trusted ({error.reason.verify_message})") from error
        raise BrokenError(_reason(error.reason, timeout)) from error
    except (OSError, HTTPException) as error:
        raise BrokenError(_reason(error, timeout)) from error
    except ValueError as error:  # what urllib makes of an address that is none
        raise UnusableError(f"no address to fetch from ({error})") from error


def is_page(head: bytes) -> bool:
    """Whether a file begins as a web page does."""
    return head[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _receive(
    url: str, response: Any, part: Part, expected: int | None, progress: Callable[[int, int | None], None]
) -> None:
    headers: HTTPMessage = response.headers
    if headers.get_content_type() in _PAGES:
        raise UnusableError(_PAGE)
    if headers.get("Content-Encoding", "identity") != "identity":
        raise UnusableError(f"it packs the file ({headers['Content-Encoding']}), which was not asked for")
    said = headers.get("Content-Length", "")
    total = int(said) if said.isdigit() else None
    if response.status == 206:
        total = _check_range(headers, part, expected)
    elif response.status != 200:
        raise UnusableError(f"it answers {response.status} {response.reason}")
    if total is not None and expected not in (None, total):
        raise UnusableError(f"it offers {total:,} bytes, the card says {expected:,}")
    end = expected if expected is not None else total
    origin = Origin(url, _validator(headers), end)
    if response.status == 200:
        part.restart(origin)  # also of a server that did not look at Range
    elif part.origin is None:
        part.begin(origin)
    if end is not None:
        part.require_room(end)
    progress(part.size, end)
    while chunk := response.read1(_CHUNK):
        if not part.size and is_page(chunk):
            raise UnusableError(_PAGE)
        part.append(chunk)
        if end is not None and part.size > end:
            part.restart()
            raise UnusableError(f"it sends more than {end:,} bytes")
        progress(part.size, end)
    if end is not None and part.size < end:
        raise BrokenError(f"it stopped after {part.size:,} of {end:,} bytes")


def _check_range(headers: HTTPMessage, part: Part, expected: int | None) -> int | None:
    """The size of the whole file, if the answer is the part that was asked for."""
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    total = int(found[2]) if found and found[2] != "*" else None
    known = expected if expected is not None else part.origin.size if part.origin else None
    if not found or int(found[1]) != part.size or (total is not None and known not in (None, total)):
        part.restart()
        raise BrokenError("it answered with another part than was asked for: from the beginning")
    return total if total is not None else known


def _validator(headers: HTTPMessage) -> str:
    """What names this version of the file in ``If-Range``; a weak ETag may not (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server to http and https only, and never from https to http."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in _SCHEMES or (req.type == "https" and scheme != "https"):
            fp.close()
            raise UnusableError(f"it sends on to {newurl}, and zoo does not go from {req.type} to {scheme}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """As urllib's own, proxies of the environment included, but without its handlers of file, ftp and data."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        *(urllib.request.ProxyHandler(), urllib.request.UnknownHandler(), urllib.request.HTTPDefaultErrorHandler()),
        *(urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), urllib.request.HTTPErrorProcessor()),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: object, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came for {timeout:g} s"
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return " ".join(f"{type(error).__name__} {error}".split())
