#!/usr/bin/env python3
"""What the daemon holds for messages on their way: resident memory by the limit of them, and by how
many wait behind it.
usage: bench/in_flight.py build/release/huitou
Each run is the same but for `max_in_flight` and the number of events, each one message to a provider
that has not yet answered when the memory is read. Environment: BUILD, as for bench/messages.py; PLOT,
a file for both curves as SVG (gnuplot)."""
import os
import subprocess
import sys
import time

import running

binary = os.path.abspath(sys.argv[1])
EVENTS = 20_000
LIMITS = (1, 100, 500, 1000, 2000, 3000, 4000)
LIMIT = 1000
BACKLOGS = (20_000, 100_000, 200_000, 400_000, 800_000)
BATCH = 1000
ANSWER_MS = 600_000
SETTLE_S = 5
server_path = os.path.join(os.environ.get("BUILD", os.path.dirname(binary)), "bench",
                           "provider_server")
CHANNEL = ("out: {provider: webhook, url: \"http://127.0.0.1:%s/hook\", secret: env:SECRET, "
           "max_in_flight: %d, timeout: 10m}")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEMPLATE = "谢谢您的五星好评，常回来看看！"


def resident(limit, events):
    server = subprocess.Popen([server_path, str(ANSWER_MS)], stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().strip()
        with running.Daemon(binary, CHANNEL % (port, limit), TEMPLATE, "out",
                            {"SECRET": SECRET}) as daemon:
            base = daemon.resident_mb()
            for first in range(0, events, BATCH):
                daemon.post(running.reviews(first, min(BATCH, events - first)))
            deadline = time.monotonic() + 300
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


def measure(points):
    """[(x, limit, events)]: resident MB by x."""
    curve = []
    for x, limit, events in points:
        base, memory, connections = resident(limit, events)
        curve.append((x, memory))
        print(f"{events:7d}  {limit:9d}  {base:9d}  {memory:12d}  {connections:10d}", flush=True)
    return curve


def plot(curves, path):
    """`curves`: (what x is, the points), each a panel."""
    script = [f"set terminal svg size 900,380 font 'sans,12' background '#ffffff' noenhanced",
              f"set output '{path}'; set multiplot layout 1,2; set grid; unset key",
              "set yrange [0:*]; set ylabel 'resident memory, MB'; set format x \"%'.0f\""]
    for number, (label, points) in enumerate(curves):
        rows = "".join(f"{x} {memory}\n" for x, memory in points)
        script += [f"$panel{number} << EOD\n{rows}EOD", f"set xlabel '{label}'",
                   f"set xrange [0:{points[-1][0] * 1.05}]; set xtics {points[-1][0] / 4}",
                   f"plot $panel{number} with linespoints linewidth 2 pointtype 7"]
    subprocess.run(["gnuplot"], check=True, text=True, input="\n".join([*script, ""]))


print("planned  in flight  MB before  MB with them  open files")
by_limit = measure([(limit, limit, EVENTS) for limit in LIMITS])
by_backlog = measure([(events, LIMIT, events) for events in BACKLOGS])
if "PLOT" in os.environ:
    plot([(f"max_in_flight, {EVENTS:,} messages planned", by_limit),
          (f"messages planned, max_in_flight {LIMIT:,}", by_backlog)], os.environ["PLOT"])
