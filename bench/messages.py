#!/usr/bin/env python3
"""Messages a second through one HTTP channel to a provider that answers after 50 ms.
usage: bench/messages.py build/release/huitou [MESSAGES]
Environment: IN_FLIGHT (1000) at a time, DELAY_MS (50), BUILD (the binary's folder) with
bench/provider_server, HTTP2=1 for HTTP/2 over TLS with bench/http2_provider_server instead of
HTTP/1.1. Prints the rate, CPU seconds of both sides, and how the daemon's memory went
while the messages waited: events are posted as fast as they are taken."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import running

binary = os.path.abspath(sys.argv[1])
messages = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
in_flight = int(os.environ.get("IN_FLIGHT", "1000"))
delay_ms = int(os.environ.get("DELAY_MS", "50"))
http2 = os.environ.get("HTTP2") == "1"
build = os.environ.get("BUILD", os.path.dirname(binary))
CHANNEL = ("out: {provider: webhook, url: \"%s://127.0.0.1:%s/hook\", secret: env:SECRET, "
           "max_in_flight: %d}")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BATCH = 1000
ROWS = 12

command = [os.path.join(build, "bench", "http2_provider_server" if http2 else "provider_server"),
           str(delay_ms)]
folder = tempfile.TemporaryDirectory()
environment = {"SECRET": SECRET}
if http2:
    certificate, key = (os.path.join(folder.name, name) for name in ("certificate.pem", "key.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=provider",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stderr=subprocess.DEVNULL)
    command += [certificate, key]
    environment["SSL_CERT_FILE"] = certificate
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
try:
    port = server.stdout.readline().strip()
    with running.Daemon(binary, CHANNEL % ("https" if http2 else "http", port, in_flight),
                        "谢谢您的五星好评，常回来看看！", "out", environment) as daemon:
        bodies = [running.reviews(first, min(BATCH, messages - first))
                  for first in range(0, messages, BATCH)]
        accepted = 'huitou_dispatches_total{channel="out",outcome="accepted",provider="webhook"}'
        before = daemon.cpu_seconds()
        began = time.monotonic()
        posted = 0

        def post():
            global posted
            for body in bodies:
                daemon.post(body)
                posted += BATCH
        poster = threading.Thread(target=post, daemon=True)
        poster.start()
        curve = []
        while not curve or curve[-1][2] < messages:
            time.sleep(0.5)
            curve.append((time.monotonic() - began, posted, daemon.metric(accepted),
                          daemon.resident_mb()))
            if curve[-1][0] > 120:
                sys.exit("not all messages were accepted within 2 min")
        cpu, server_cpu = daemon.cpu_seconds() - before, running.cpu_seconds(server.pid)
    server.send_signal(signal.SIGTERM)
    seen = json.loads(server.stdout.read())
finally:
    server.kill()
    server.wait()
    folder.cleanup()

print(f"{seen['requests']} messages by {'HTTP/2' if http2 else 'HTTP/1.1'}, {in_flight} at a time, "
      f"answered after {delay_ms} ms: "
      f"{seen['requests'] / seen['seconds']:.0f} a second over {seen['connections']} connections, "
      f"at most {seen['waiting_max']} waiting at the provider; CPU: daemon "
      f"{cpu / messages * 1000:.3f} ms a message, provider "
      f"{server_cpu / messages * 1000:.3f}")
print("     s   posted  accepted  resident MB")
step = max(1, len(curve) // ROWS)
for seconds, at, done, resident in curve[:-1:step] + curve[-1:]:
    print(f"{seconds:6.1f} {at:8d} {done:9.0f} {resident:12d}")
