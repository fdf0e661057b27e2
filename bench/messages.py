#!/usr/bin/env python3
"""Messages a second through one HTTP channel to a provider that answers after 50 ms.
usage: bench/messages.py build/release/huitou [MESSAGES]
Environment: IN_FLIGHT (1000) at a time, DELAY_MS (50), BUILD (the binary's folder) with
bench/provider_server. Prints the rate, CPU seconds of both sides, and how the daemon's memory went
while the messages waited: events are posted as fast as they are taken."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

import running

binary = os.path.abspath(sys.argv[1])
messages = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
in_flight = int(os.environ.get("IN_FLIGHT", "1000"))
delay_ms = int(os.environ.get("DELAY_MS", "50"))
server_path = os.path.join(os.environ.get("BUILD", os.path.dirname(binary)), "bench",
                           "provider_server")
CHANNEL = ("out: {provider: webhook, url: \"http://127.0.0.1:%s/hook\", secret: env:SECRET, "
           "max_in_flight: %d}")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BATCH = 1000
ROWS = 12

server = subprocess.Popen([server_path, str(delay_ms)], stdout=subprocess.PIPE, text=True)
try:
    port = server.stdout.readline().strip()
    with running.Daemon(binary, CHANNEL % (port, in_flight), "谢谢您的五星好评，常回来看看！", "out",
                        {"SECRET": SECRET}) as daemon:
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

print(f"{seen['requests']} messages, {in_flight} at a time, answered after {delay_ms} ms: "
      f"{seen['requests'] / seen['seconds']:.0f} a second over {seen['connections']} connections, "
      f"at most {seen['waiting_max']} waiting at the provider; CPU: daemon "
      f"{cpu / messages * 1000:.3f} ms a message, provider "
      f"{server_cpu / messages * 1000:.3f}")
print("     s   posted  accepted  resident MB")
step = max(1, len(curve) // ROWS)
for seconds, at, done, resident in curve[:-1:step] + curve[-1:]:
    print(f"{seconds:6.1f} {at:8d} {done:9.0f} {resident:12d}")
