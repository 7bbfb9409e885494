"""A web server for downloads that truncates, stalls and lies as a test asks, and a listing of what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """What stands at each path; an answer of a list is used once, the last one again and again.

    Attributes:
        base: Address of the server.
        pages: Path -> answers.
        asked: (path, value of Range) of every request, in order.
        over: Set when the test ends, so that what stalls does not outlive it.
    """

    base: str
    pages: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def put(self, path: str, *answers: Answer) -> str:
        """The address of a page with these answers."""
        self.pages[path] = list(answers)
        return self.base + path

    def ranges(self) -> list[str | None]:
        """The ranges that were asked for."""
        return [wanted for _, wanted in self.asked]


@contextmanager
def serving() -> Iterator[Site]:
    """A server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            site.asked.append((self.path, self.headers.get("Range")))
            answers = site.pages.get(self.path, [status(404)])
            (answers.pop(0) if len(answers) > 1 else answers[0])(self)
            self.close_connection = True

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that goes away in the middle is what some tests are about
    site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def head(handler: BaseHTTPRequestHandler, code: int, **headers: object) -> None:
    """Status line and headers; names with _ for -."""
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def whole(data: bytes, etag: str = '"1"') -> Answer:
    """A well-behaved file: ranges, If-Range, 416."""

    def answer(handler):
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        tag = {"ETag": etag} if etag else {}
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and condition in (None, etag) else 0
        if start >= len(data):
            head(handler, 416, Content_Range=f"bytes */{len(data)}", Content_Length=0)
            return
        rest = data[start:]
        if start:
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            head(handler, 206, Content_Length=len(rest), Content_Range=span, **tag)
        else:
            head(handler, 200, Content_Length=len(data), **tag)
        handler.wfile.write(rest)

    return answer


def plain(data: bytes, kind: str = "application/octet-stream", code: int = 200, **headers: object) -> Answer:
    """These bytes, whatever part was asked for."""

    def answer(handler):
        head(handler, code, Content_Type=kind, **{"Content_Length": len(data), **headers})
        handler.wfile.write(data)

    return answer


def endless(data: bytes) -> Answer:
    """These bytes without a length, until the connection is closed."""

    def answer(handler):
        head(handler, 200, Connection="close")
        handler.wfile.write(data)

    return answer


def cut(data: bytes, count: int, etag: str = '"1"') -> Answer:
    """The length of the whole, and the first bytes of it."""

    def answer(handler):
        head(handler, 200, Content_Length=len(data), **({"ETag": etag} if etag else {}))
        handler.wfile.write(data[:count])

    return answer


def stall(data: bytes, count: int, over: threading.Event) -> Answer:
    """As `cut`, but the connection stays open."""

    def answer(handler):
        cut(data, count)(handler)
        handler.wfile.flush()
        over.wait(20)

    return answer


def status(code: int, **headers: object) -> Answer:
    """No more than a status."""
    return lambda handler: head(handler, code, Content_Length=0, **headers)
