#!/usr/bin/env python3
"""How long behind its time a due timer's message reaches its channel, while other events flow.
usage: bench/timers.py HUITOU [TIMERS] [EVENTS_PER_SECOND]     prints p50, p99 and the worst, in ms"""
import datetime
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

WITHIN_S = 3
CONFIG = """
state: {dir: state}
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels: {out: {provider: file, path: out.jsonl, rate: 100000/s}}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
"""
CAMPAIGN = f"""
campaign: away
class: transactional
trigger:
  absence: {{after: order.paid, of: order.paid, within: {WITHIN_S}s}}
steps:
  - send: {{template: away, via: [out]}}
"""


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event(kind, number, customer):
    return {"id": f"{kind}-{number}", "type": kind, "time": rfc3339(time.time()),
            "customer": {"id": customer}}


def main():
    binary = os.path.abspath(sys.argv[1])
    timers = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def post(events):
        body = "\n".join(json.dumps(one) for one in events).encode()
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/events", body,
            {"Content-Type": "application/x-ndjson"})).read()

    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/campaigns")
        os.makedirs(f"{folder}/templates")
        for name, text in {"huitou.yaml": CONFIG % port, "campaigns/away.yaml": CAMPAIGN,
                           "templates/away.mustache": "for <{{customer.id}}>"}.items():
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        open(f"{folder}/out.jsonl", "w").close()
        daemon = subprocess.Popen([binary, "run", "--config", "huitou.yaml"], cwd=folder)
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                    break
                except OSError:
                    time.sleep(0.1)
            done = threading.Event()

            def flow():
                number = 0
                while not done.wait(0.05):
                    post([event("page.viewed", number + n, f"b{(number + n) % 10000}")
                          for n in range(rate // 20)])
                    number += rate // 20

            due, late_ms = {}, []

            def order():
                for number in range(0, timers, 10):
                    batch = [event("order.paid", number + n, f"c{number + n}") for n in range(10)]
                    for one in batch:
                        moment = datetime.datetime.fromisoformat(one["time"].replace("Z", "+00:00"))
                        due[one["customer"]["id"]] = moment.timestamp() + WITHIN_S
                    post(batch)
                    time.sleep(0.05)

            threads = [threading.Thread(target=flow), threading.Thread(target=order)]
            for thread in threads:
                thread.start()
            end = time.time() + WITHIN_S + 60 + timers * 0.01
            with open(f"{folder}/out.jsonl", encoding="utf-8") as out:
                while len(late_ms) < timers and time.time() < end:
                    line = out.readline()
                    if not line.endswith("\n"):
                        time.sleep(0.001)
                        continue
                    customer = re.search(r"<(c\d+)>", line)
                    if customer:
                        late_ms.append((time.time() - due[customer.group(1)]) * 1000)
            done.set()
            for thread in threads:
                thread.join()
        finally:
            daemon.terminate()
            daemon.wait()
    if len(late_ms) < timers:
        sys.exit(f"only {len(late_ms)} of {timers} messages came")
    late_ms.sort()
    print(f"{timers} timers while {rate} events/s flow: p50 {late_ms[len(late_ms) // 2]:.0f} ms, "
          f"p99 {late_ms[int(len(late_ms) * 0.99)]:.0f} ms, worst {late_ms[-1]:.0f} ms")


if __name__ == "__main__":
    main()
