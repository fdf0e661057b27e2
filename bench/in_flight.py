#!/usr/bin/env python3
"""What the daemon holds for messages on their way: resident memory by the limit of them.
usage: bench/in_flight.py build/release/huitou [EVENTS]
Each run is the same but for `max_in_flight`: as many events (20,000), each one message to a provider
that has not yet answered when the memory is read. Environment: BUILD, as for bench/messages.py."""
import os
import subprocess
import sys
import time

import running

binary = os.path.abspath(sys.argv[1])
events = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
LIMITS = (1, 10, 100, 1000, 4000)
BATCH = 1000
ANSWER_MS = 600_000
SETTLE_S = 5
server_path = os.path.join(os.environ.get("BUILD", os.path.dirname(binary)), "bench",
                           "provider_server")
CHANNEL = ("out: {provider: webhook, url: \"http://127.0.0.1:%s/hook\", secret: env:SECRET, "
           "max_in_flight: %d, timeout: 10m}")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEMPLATE = "谢谢您的五星好评，常回来看看！"


def resident(limit):
    server = subprocess.Popen([server_path, str(ANSWER_MS)], stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip()
        with running.Daemon(binary, CHANNEL % (port, limit), TEMPLATE, "out",
                            {"SECRET": SECRET}) as daemon:
            base = daemon.resident_mb()
            for first in range(0, events, BATCH):
                daemon.post(running.reviews(first, min(BATCH, events - first)))
            deadline = time.monotonic() + 60
            depth = 'huitou_outbox_depth{channel="out"}'
            while daemon.metric(depth) < events and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(SETTLE_S)
            connections = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
            memory = daemon.resident_mb()
            daemon.process.kill()  # it would wait for the answers
            return base, memory, connections
    finally:
        server.kill()
        server.wait()


print("in flight  MB before  MB with them  open files")
for limit in LIMITS:
    print("{:9d}  {:9d}  {:12d}  {:10d}".format(limit, *resident(limit)), flush=True)
