"""Is this container's process ready? Exit code 0 or 1, with the reason on standard output.

A few lines over a socket, because it runs every few seconds beside every replica: importing an HTTP client would cost
more than the answer. ``GEMBA_HTTP_PORT`` says where; the path is ``/readyz``.
"""

import os
import socket
import sys

_SECONDS = 8.0
_LONGEST = 2000


def answer(port: int) -> bytes:
    """The start of what ``/readyz`` answers."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        connection.settimeout(_SECONDS)
        said = b""
        while len(said) < _LONGEST and (more := connection.recv(_LONGEST)):
            said += more
    return said


if __name__ == "__main__":
    try:
        head, _, body = answer(int(os.environ.get("GEMBA_HTTP_PORT", "8000"))).partition(b"\r\n\r\n")
    except (OSError, ValueError) as fault:
        sys.exit(f"no answer: {fault}")
    sys.stdout.write(body.decode(errors="replace")[:500] + "\n")
    sys.exit(0 if head.split(b" ", 2)[1:2] == [b"200"] else 1)
