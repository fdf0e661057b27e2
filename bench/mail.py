#!/usr/bin/env python3
"""Mails a second from a running daemon to an SMTP server beside it that keeps nothing.
usage: bench/mail.py build/release/huitou [MAILS]
Environment: IN_FLIGHT (16) mails at a time, DKIM=rsa|ed25519 signs them, REPLY_MS (0) before each
reply to a whole mail. Prints the rate, what went over the wire, and CPU seconds of both sides."""
import asyncio, collections, http.client, json, multiprocessing, os, resource, socket
import subprocess, sys, tempfile, time

binary = os.path.abspath(sys.argv[1])
mails = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
in_flight = int(os.environ.get("IN_FLIGHT", "16"))
dkim = os.environ.get("DKIM", "")
reply_s = float(os.environ.get("REPLY_MS", "0")) / 1000
CONFIG = """
state: {dir: state}
campaigns: [campaigns]
sources: [{http: {name: api, allowed_lateness: 1m}}]
channels:
  email: {provider: smtp, url: "smtp://127.0.0.1:%d", from: shop@example.com,
          max_in_flight: %d%s}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
templates: templates
"""
CAMPAIGN = """
campaign: thanks
class: transactional
trigger: {event: review.posted}
steps:
  - send: {template: thanks, via: [email]}
"""
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


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"content-type": "application/x-ndjson"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def post(port, first, count):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lines = [json.dumps({"id": f"e{n}", "type": "review.posted", "time": now,
                         "customer": {"id": f"c{n}", "email": f"c{n}@example.com"},
                         "review": {"id": f"r{n}", "rating": 5}}) for n in range(first, first + count)]
    while (status := ask(port, "POST", "/v1/events", "\n".join(lines).encode())) in (429, 503):
        time.sleep(0.05)
    assert status == 202, status


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


with tempfile.TemporaryDirectory() as folder:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=sink, args=(theirs,), daemon=True)
    server.start()
    smtp = ours.recv()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    signing = ""
    if dkim:
        kind = ["-algorithm", "ed25519"] if dkim == "ed25519" else \
            ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"]
        subprocess.run(["openssl", "genpkey", *kind, "-out", f"{folder}/key.pem"], check=True,
                       capture_output=True)
        signing = f", dkim_key: \"file:{folder}/key.pem\", dkim_selector: bench"
    for name, text in {"c.yaml": CONFIG % (smtp, in_flight, signing, port),
                       "campaigns/thanks.yaml": CAMPAIGN,
                       "templates/thanks.mustache": TEMPLATE}.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    daemon = subprocess.Popen([binary, "run", "--config", "c.yaml"], cwd=folder)
    try:
        for _ in range(600):
            try:
                if ask(port, "GET", "/readyz") == 200:
                    break
            except OSError:
                pass
            time.sleep(0.1)
        before = cpu_seconds(daemon.pid)
        for first in range(0, mails, 1000):
            post(port, first, min(1000, mails - first))
        if not ours.poll(600):
            sys.exit("not all mails came within 10 min")
        seen, sink_cpu = ours.recv()
        took = seen["last"] - seen["first"]
        print(f"{seen['mails']} mails of {seen['bytes'] // seen['mails']} bytes, {in_flight} at a "
              f"time{', DKIM ' + dkim if dkim else ''}: {seen['mails'] / took:.0f} a second over "
              f"{seen['connections']} connections; {seen['reads'] / seen['mails']:.1f} reads a mail; "
              f"CPU s: daemon {cpu_seconds(daemon.pid) - before:.1f}, sink {sink_cpu:.1f}")
        print({name: seen[name] for name in ("EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT")
               if name in seen})
    finally:
        daemon.terminate()
        daemon.wait()
