#!/usr/bin/env python3
"""How long from an event's POST to its message in the file channel, through a running daemon.
usage: bench/latency.py build/release/huitou [REVIEWS]      prints p50, p99 and the worst, in ms"""
import json, os, subprocess, sys, tempfile, time, urllib.request

binary = os.path.abspath(sys.argv[1])
reviews = int(sys.argv[2]) if len(sys.argv) > 2 else 300
CONFIG = """
state: {dir: state}
campaigns: [campaigns]
sources: [{http: {name: api, allowed_lateness: 1m}}]
channels: {out: {provider: file, path: out.jsonl, rate: 100000/s}}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
templates: templates
"""
CAMPAIGN = """
campaign: thanks
class: transactional
trigger: {event: review.posted}
steps:
  - send: {template: thanks, via: [out]}
"""
with tempfile.TemporaryDirectory() as folder:
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.makedirs(f"{folder}/campaigns")
    os.makedirs(f"{folder}/templates")
    for name, text in {"c.yaml": CONFIG % port, "campaigns/thanks.yaml": CAMPAIGN,
                       "templates/thanks.mustache": "thanks"}.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    daemon = subprocess.Popen([binary, "run", "--config", "c.yaml"], cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url + "/readyz").read()
                break
            except OSError:
                time.sleep(0.1)
        took = []
        out = f"{folder}/out.jsonl"
        for number in range(reviews):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            event = {"id": f"e{number}", "type": "review.posted", "time": now,
                     "customer": {"id": f"c{number}"}, "review": {"id": f"r{number}", "rating": 5}}
            begin = time.perf_counter()
            urllib.request.urlopen(urllib.request.Request(
                url + "/v1/events", json.dumps(event).encode(), {"Content-Type": "application/json"}))
            while not os.path.exists(out) or sum(1 for _ in open(out)) <= number:
                if time.perf_counter() - begin > 10:
                    sys.exit(f"review {number} did not arrive within 10 s")
                time.sleep(0.0005)
            took.append((time.perf_counter() - begin) * 1000)
        took.sort()
        print(f"{reviews} reviews: p50 {took[len(took) // 2]:.1f} ms, "
              f"p99 {took[int(len(took) * 0.99)]:.1f} ms, worst {took[-1]:.1f} ms")
    finally:
        daemon.terminate()
        daemon.wait()
