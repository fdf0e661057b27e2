#!/usr/bin/env python3
"""How long from an event's POST to its message in the file channel, through a running daemon.
usage: bench/latency.py build/release/huitou [REVIEWS]      prints p50, p99 and the worst, in ms"""
import os
import sys
import time

import running

reviews = int(sys.argv[2]) if len(sys.argv) > 2 else 300
CHANNEL = "out: {provider: file, path: out.jsonl, rate: 100000/s}"
took = []
with running.Daemon(sys.argv[1], CHANNEL, "thanks", "out") as daemon:
    out = os.path.join(daemon.folder, "out.jsonl")
    for number in range(reviews):
        body = running.reviews(number, 1)
        begin = time.perf_counter()
        daemon.post(body)
        while not os.path.exists(out) or sum(1 for _ in open(out, encoding="utf-8")) <= number:
            if time.perf_counter() - begin > 10:
                sys.exit(f"review {number} did not arrive within 10 s")
            time.sleep(0.0005)
        took.append((time.perf_counter() - begin) * 1000)
took.sort()
print(f"{reviews} reviews: p50 {took[len(took) // 2]:.1f} ms, "
      f"p99 {took[int(len(took) * 0.99)]:.1f} ms, worst {took[-1]:.1f} ms")
