"""What no listener may be asked. The same on each run."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tenure.wire.codec import MAX_FRAME
from tests.fuzz.others import MIB, frame


def requests() -> Iterator[bytes]:
    """Requests broken in all ways that came to mind, and noise. The same on each run."""
    head = b"GET /v1/status HTTP/1.1\r\nHost: c\r\n"
    post = b"POST /v1/applications HTTP/1.1\r\nHost: c\r\n"
    yield from (
        b"", b"\r\n\r\n", b"\0" * 5000, head, head + b"\r\n", b"GET\r\n\r\n", b"\n" * 9000,
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET /v1/applications/\xff/why HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET /v1/applications/%ff%00%0a/why HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET /v1/units/web/%d9%a3/why HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET /v1/applications/web/history?limit=%d9%a3&limit=%ff HTTP/1.1\r\nHost: c\r\n\r\n",
        b"GET //// HTTP/1.1\r\nHost: c\r\n\r\n", b"GET http://[::1/ HTTP/1.1\r\nHost: c\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: c\r\n\r\n", b"CONNECT c:1 HTTP/1.1\r\nHost: c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"get /v1/status http/1.1\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: c\r\nHost: d\r\n\r\n",
        head + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        head + b"".join(b"X%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        head + b"X\xff: \xfe\r\n\r\n", head + b"X : y\r\n\r\n", head + b"X: y\rz\r\n\r\n",
        post + b"Content-Length: -1\r\n\r\n{}", post + b"Content-Length: 1e3\r\n\r\n{}",
        post + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
        post + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        post + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 70_000 + b"0\r\n\r\n",
        post + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        post + b"Content-Encoding: br\r\nContent-Length: 4\r\n\r\nnope",
        post + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\nnope",
        post + b"Expect: miracles\r\nContent-Length: 4\r\n\r\nnope",
        post + b'Content-Length: 19\r\n\r\n{"name":"\xff\xff\xff\xff\xff"}',
        post + b'Content-Length: 17\r\n\r\n{"name":"\\ud800"}',
        post + b'Content-Length: 16\r\n\r\n{"name":"a\\u0000"}',
        (head + b"\r\n") * 2000,
    )  # fmt: skip
    rng = random.Random(5)
    whole = post + b'Content-Length: 15\r\n\r\n{"name":"none"}'
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            broken[rng.randrange(len(post))] = rng.randrange(256)
        yield bytes(broken).replace(b"/v1/applications", b"/v1/Applications")
        yield rng.randbytes(rng.randrange(1, 600))


def bad_frames() -> Iterator[bytes]:
    """What a WebSocket may not carry, and what may be carried but says nothing of ours."""
    yield from (
        frame(1, b"[]", mask=False), frame(1, b"[]", rsv=4), frame(3, b"x"), frame(15, b"x"),
        frame(0, b"x"), frame(1, b"[", fin=False) + frame(1, b"]"), frame(9, b"x" * 200),
        frame(9, b"x", fin=False), frame(8, b"\0"), frame(8, b"\x03\xe8\xff\xfe"),
        frame(8, b"\0\0"), frame(1, b"\xff\xfe\x80"), frame(2, bytes(range(256))),
        b"\x81\xff" + b"\xff" * 8, b"\x81\xff" + (MAX_FRAME + 1).to_bytes(8, "big") + b"\0" * 4,
        b"\x81\xfe\xff\xff\0\0\0\0half", frame(1, b"x" * 70_000) * 3, b"\0" * 10_000,
        b"".join(frame(1, b"[" * 100, fin=False) if n == 0 else frame(0, b"[" * 100, fin=False)
                 for n in range(500)) + frame(0, b"", fin=True),
        frame(1, b"[" * MIB), frame(1, b'[{"type":"Hello"' + b" " * MIB), frame(1, b"{" * 5000),
        frame(1, b'[{"type":' + b"9" * 100_000 + b"}]"), frame(1, b"[" + b"null," * 9000 + b"0]"),
    )  # fmt: skip
    rng = random.Random(11)
    for _ in range(60):
        yield rng.randbytes(rng.randrange(2, 400))
        yield frame(1, rng.randbytes(rng.randrange(200)))
