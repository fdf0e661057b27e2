#!/usr/bin/env python3
"""Mails a second from a running daemon to an SMTP server beside it that keeps nothing.
usage: bench/mail.py build/release/huitou [MAILS]
Environment: IN_FLIGHT (16) mails at a time, DKIM=rsa|ed25519 signs them, REPLY_MS (0) before each
reply to a whole mail. Prints the rate, what went over the wire, and CPU seconds of both sides."""
import asyncio
import collections
import multiprocessing
import os
import resource
import subprocess
import sys
import time

import running

binary = os.path.abspath(sys.argv[1])
mails = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
in_flight = int(os.environ.get("IN_FLIGHT", "16"))
dkim = os.environ.get("DKIM", "")
reply_s = float(os.environ.get("REPLY_MS", "0")) / 1000
CHANNEL = ("email: {provider: smtp, url: \"smtp://127.0.0.1:%d\", from: shop@example.com, "
           "max_in_flight: %d%s}")
TEMPLATE = "---\nsubject: 谢谢您的五星好评\n---\n" + "谢谢您的五星好评，常回来看看！\n" * 40


class Sink(asyncio.Protocol):
    """As little SMTP as a client needs."""

    def __init__(self, seen):
        self.seen, self.buffer, self.in_data = seen, b"", False

    def connection_made(self, transport):
        self.transport = transport
        self.seen["connections"] += 1
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        self.seen["reads"] += 1
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n.\r\n" if self.in_data else b"\r\n")
            if end < 0:
                return
            line, self.buffer = self.buffer[:end], self.buffer[end + (5 if self.in_data else 2):]
            self.transport_reply(line)

    def transport_reply(self, line):
        if self.in_data:
            self.in_data = False
            self.seen["mails"] += 1
            self.seen["bytes"] += len(line)
            now = time.monotonic()
            self.seen.setdefault("first", now)
            self.seen["last"] = now
            if reply_s > 0:
                asyncio.get_running_loop().call_later(reply_s, self.transport.write,
                                                      b"250 taken\r\n")
            else:
                self.transport.write(b"250 taken\r\n")
            return
        word = line[:4].upper()
        self.seen[word.decode("ascii", "replace").strip()] += 1
        if word == b"EHLO":
            self.transport.write(b"250-sink\r\n250 PIPELINING\r\n")
        elif word == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
        elif word == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 ok\r\n")


def sink(pipe):
    seen = collections.defaultdict(int)

    async def serve():
        server = await asyncio.get_running_loop().create_server(lambda: Sink(seen), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while not pipe.poll():
            await asyncio.sleep(0.05)
            if seen["mails"] >= mails:
                break
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send((dict(seen), usage.ru_utime + usage.ru_stime))
    asyncio.run(serve())


ours, theirs = multiprocessing.Pipe()
server = multiprocessing.Process(target=sink, args=(theirs,), daemon=True)
server.start()
signing = ", dkim_key: \"file:{folder}/key.pem\", dkim_selector: bench" if dkim else ""
daemon = running.Daemon(binary, CHANNEL % (ours.recv(), in_flight, signing), TEMPLATE, "email")
if dkim:
    kind = ["-algorithm", "ed25519"] if dkim == "ed25519" else \
        ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run(["openssl", "genpkey", *kind, "-out", f"{daemon.folder}/key.pem"], check=True,
                   capture_output=True)
with daemon:
    before = daemon.cpu_seconds()
    for first in range(0, mails, 1000):
        daemon.post(running.reviews(first, min(1000, mails - first)))
    if not ours.poll(600):
        sys.exit("not all mails came within 10 min")
    seen, sink_cpu = ours.recv()
    cpu = daemon.cpu_seconds() - before
took = seen["last"] - seen["first"]
print(f"{seen['mails']} mails of {seen['bytes'] // seen['mails']} bytes, {in_flight} at a "
      f"time{', DKIM ' + dkim if dkim else ''}: {seen['mails'] / took:.0f} a second over "
      f"{seen['connections']} connections; {seen['reads'] / seen['mails']:.1f} reads a mail; "
      f"CPU: daemon {cpu / mails * 1000:.2f} ms a mail, sink {sink_cpu / mails * 1000:.2f}")
print({name: seen[name] for name in ("EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT")
       if name in seen})
