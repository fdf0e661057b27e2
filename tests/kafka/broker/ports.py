#!/usr/bin/env python3
"""ports.py free N: N ports that are free now.  ports.py answers HOST:PORT: exit 0 if a Kafka
broker there serves requests (it answers ApiVersions), 1 if not."""
import socket
import struct
import sys

ANSWER_TIMEOUT_SECONDS = 2


def free(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    print(*[one.getsockname()[1] for one in sockets])


def answers(address):
    host, port = address.rsplit(":", 1)
    api_versions, version, correlation, client = 18, 0, 7, b"ports.py"
    request = struct.pack(">hhih", api_versions, version, correlation, len(client)) + client
    try:
        with socket.create_connection((host, int(port)), ANSWER_TIMEOUT_SECONDS) as peer:
            peer.settimeout(ANSWER_TIMEOUT_SECONDS)
            peer.sendall(struct.pack(">i", len(request)) + request)
            answer = peer.recv(10)
    except OSError:
        return False
    # length, correlation id, error code
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (correlation, 0)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "free":
        free(int(sys.argv[2]))
        return 0
    if len(sys.argv) == 3 and sys.argv[1] == "answers":
        return 0 if answers(sys.argv[2]) else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
