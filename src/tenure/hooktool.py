"""The client behind every hook tool where there is no compiler: hooktool.c in Python.

Run as `python -IS`, so nothing of a charm's own Python can reach it, and written to start fast:
what it imports is built into the interpreter, but for `_socket`. It is put into the tools folder,
compiled, and knows nothing of Tenure. The protocol is told in hooktool.c.
"""

import posix
import sys
from _signal import SIG_DFL, SIGINT, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SOCK_STREAM, socket


class Failed(Exception):
    """One line for stderr, without its `ERROR`; exit 1."""


def main(argv: list[str]) -> int:
    """Ask the agent, and do what it says. Returns the exit code."""
    environ = posix.environ
    context = need(environ, "JUJU_CONTEXT_ID")
    agent = dial(need(environ, "JUJU_AGENT_SOCKET_ADDRESS"))
    texts = [context, folder(), raw(argv[0]).rpartition(b"/")[2], *map(raw, argv[1:])]
    lost = ": the outcome is unknown"
    try:
        ask(agent, texts)
    except OSError:
        # because an agent that does not want the request says why
        lost = " before the request was sent"
    try:
        while True:
            head = get(agent, 5)
            kind, body = head[:1], get(agent, int.from_bytes(head[1:], "big"))
            if kind == b"X":
                return body[0]
            DO[kind](agent, body)
    except (OSError, LookupError):
        raise Failed("connection to the agent lost" + lost) from None


def raw(text: str) -> bytes:
    return text.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())


def need(environ: dict[bytes, bytes], name: str) -> bytes:
    value = environ.get(name.encode())
    if not value:
        raise Failed(name + " not set")
    return value


def folder() -> bytes:
    try:
        return posix.getcwdb()
    except OSError:
        return b""


def dial(path: bytes) -> socket:
    if len(path) > 107:
        raise Failed(b"dial unix " + path + b": connect: file name too long")
    taken = []
    try:
        agent = socket(AF_UNIX, SOCK_STREAM)
        while agent.fileno() < 3:
            # because a socket that took the place of a closed stdout would get the output
            taken.append(agent)
            agent = socket(AF_UNIX, SOCK_STREAM)
    except OSError as error:
        raise Failed(b"dial unix " + path + b": socket: " + words(error)) from None
    for socket_in_place in taken:
        socket_in_place.detach()
    try:
        agent.connect(path)
    except OSError as error:
        raise Failed(b"dial unix " + path + b": connect: " + words(error)) from None
    return agent


def words(error: OSError) -> bytes:
    text = error.strerror or str(error)
    return raw(text[:1].lower() + text[1:])


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def ask(agent: socket, texts: list[bytes]) -> None:
    agent.sendall(b"\1" + sized(b"".join(map(sized, texts))))


def get(agent: socket, size: int) -> bytes:
    parts = []
    while size:
        part = agent.recv(min(size, 1 << 20))
        if not part:
            raise OSError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def wait(fd: int, event: int) -> None:
    # because hardly any pipe is non-blocking, and this is one more file to load
    import select

    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def put(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BlockingIOError:
            wait(fd, 4)


def out(_agent: socket, body: bytes) -> None:
    put_quietly(1, body)


def err(_agent: socket, body: bytes) -> None:
    put_quietly(2, body)


def put_quietly(fd: int, body: bytes) -> None:
    try:
        put(fd, body)
    except OSError:
        return  # because who closed a pipe early still wants the exit code


def send_stdin(agent: socket, _body: bytes) -> None:
    send_input(agent, 0, b"")


def send_file(agent: socket, path: bytes) -> None:
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        raise Failed(b"open " + path + b": " + words(error)) from None
    send_input(agent, fd, path)


def send_input(agent: socket, fd: int, path: bytes) -> None:
    chunk = b"-"
    while chunk:
        try:
            chunk = posix.read(fd, 65532)
        except BlockingIOError:
            wait(fd, 1)
            continue
        except OSError as error:
            if path:
                raise Failed(b"read " + path + b": " + words(error)) from None
            chunk = b""
        try:
            agent.sendall(sized(chunk))
        except OSError:
            # because the agent that stops listening says why in the frames that follow
            return


def write_file(_agent: socket, body: bytes) -> None:
    start = 4 + int.from_bytes(body[:4], "big")
    if not 4 <= start <= len(body):
        raise LookupError
    path = body[4:start]
    doing = b"open "
    try:
        fd = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o666)
        doing = b"write "
        put(fd, body[start:])
        posix.close(fd)
    except OSError as error:
        raise Failed(doing + path + b": " + words(error)) from None


DO = {b"O": out, b"E": err, b"I": send_stdin, b"F": send_file, b"W": write_file}


def run(argv: list[str]) -> int:
    """The exit code, whatever happens: no traceback reaches a charm."""
    try:
        return main(argv)
    except Failed as failed:
        line = failed.args[0]
    except Exception as fault:
        line = "internal fault in the hook tool client: " + type(fault).__name__
    line = line if isinstance(line, bytes) else line.encode()
    # because a path may hold a line feed, and an error is one line
    put_quietly(2, b"ERROR " + line.replace(b"\n", b"\\n") + b"\n")
    return 1


if __name__ == "__main__":
    signal(SIGINT, SIG_DFL)
    # because the stub in a tools folder names this file first and the tool after it
    posix._exit(run(sys.argv[1:] if sys.argv[0].endswith(".py") else sys.argv))
