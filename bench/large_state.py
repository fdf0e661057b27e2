#!/usr/bin/env python3
"""Opening a large state: many customers, each with a pending timer; then kill -9 and a restart.
Prints for each size the time to readiness, resident memory, how long erasing a customer takes, and
the time from a restart behind kill -9 under load to the first event applied, and to readiness once
more with a channel whose `recipient` makes every customer's addresses be indexed again. LOG_MB in
the environment: the load goes on until the write-ahead log has so many megabytes.

usage: bench/large_state.py HUITOU FILL_STORE [CUSTOMERS]...     1000000 and 10000000 without numbers
"""
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SLICES = 4  # of the embedded log
CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels: {console: {provider: console}%s}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
"""
OF_CONTACTS = """, contacts: {provider: wecom_external, corp_id: ww1, corp_secret: env:SECRET,
                   recipient: external_userid}"""
SHOP = """
shop: {currency: CNY}
"""
CAMPAIGN = """
campaign: absence
class: transactional
trigger:
  absence: {after: order.paid, of: order.paid, within: 30d}
steps:
  - emit: {type: absence.fired}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, binary, folder, port):
        self.url = f"http://127.0.0.1:{port}"
        self.begin = time.monotonic()
        self.process = subprocess.Popen([binary, "run", "--config", "huitou.yaml"], cwd=folder,
                                        env={**os.environ, "SECRET": "secret"})

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as answer:
            return answer.read().decode()

    def post(self, events):
        body = "\n".join(json.dumps(event) for event in events).encode()
        urllib.request.urlopen(urllib.request.Request(
            self.url + "/v1/events", body, {"Content-Type": "application/x-ndjson"})).read()

    def erase(self, customer):
        begin = time.monotonic()
        urllib.request.urlopen(urllib.request.Request(
            f"{self.url}/v1/customers/{customer}", method="DELETE")).read()
        return time.monotonic() - begin

    def ready(self):
        while True:
            try:
                self.get("/readyz")
                return time.monotonic() - self.begin
            except OSError:
                if self.process.poll() is not None or time.monotonic() > self.begin + 300:
                    sys.exit("the daemon does not become ready")
                time.sleep(0.02)

    def applied(self):
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").splitlines()
                   if line.startswith("huitou_events_total{"))

    def first_event(self):
        while self.applied() < 1:
            time.sleep(0.01)
        return time.monotonic() - self.begin

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait()


def log_mb(folder):
    """Of the write-ahead log on the disk."""
    return sum(os.path.getsize(path) for path in glob.glob(f"{folder}/state/db/*.log")) / 1e6


def orders(count, first):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return [{"id": f"e{first + n}", "type": "order.paid", "time": now,
             "customer": {"id": f"c{(first + n) * 7919 % 1000000:08d}"},
             "order": {"id": f"o{first + n}", "total": "99.00", "currency": "CNY"}}
            for n in range(count)]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def measure(binary, fill, customers):
    with tempfile.TemporaryDirectory(dir=os.environ.get("WORK")) as folder:
        os.makedirs(f"{folder}/campaigns")
        os.makedirs(f"{folder}/state")
        port = free_port()
        write(f"{folder}/huitou.yaml", CONFIG % ("", port))
        write(f"{folder}/shop.yaml", SHOP)
        write(f"{folder}/campaigns/absence.yaml", CAMPAIGN)
        subprocess.run([fill, f"{folder}/state/db", str(customers), str(SLICES), "absence"], check=True)
        write(f"{folder}/state/currency", "CNY")  # as the daemon's first start does
        size = subprocess.run(["du", "-sm", f"{folder}/state"], capture_output=True, text=True,
                              check=True).stdout.split()[0]
        daemon = Daemon(binary, folder, port)
        opened = daemon.ready()
        time.sleep(2)
        rss = daemon.rss_mb()
        erased = sorted(daemon.erase(f"c{number * 4973:08d}") for number in range(1, 21))
        batch = 0
        while batch < 20 or log_mb(folder) < float(os.environ.get("LOG_MB", "0")):
            daemon.post(orders(1000, batch * 1000))
            batch += 1
        log = log_mb(folder)
        daemon.end(signal.SIGKILL)
        daemon = Daemon(binary, folder, port)
        again = daemon.ready()
        daemon.post(orders(1, 1_000_000_000))
        first = daemon.first_event()
        daemon.end(signal.SIGTERM)
        write(f"{folder}/huitou.yaml", CONFIG % (OF_CONTACTS, port))
        daemon = Daemon(binary, folder, port)
        indexed = daemon.ready()
        daemon.end(signal.SIGTERM)
    print(f"{customers} customers: {size} MB of store, ready in {opened:.2f} s, RSS {rss} MB; "
          f"an erasure takes {erased[10]:.2f} s, at most {erased[-1]:.2f} s; behind kill -9 with "
          f"{log:.0f} MB of log ready in {again:.2f} s, first event in {first:.2f} s; "
          f"with all addresses indexed anew ready in {indexed:.2f} s", flush=True)


def main():
    binary, fill = (os.path.abspath(path) for path in sys.argv[1:3])
    for customers in [int(word) for word in sys.argv[3:]] or [1_000_000, 10_000_000]:
        measure(binary, fill, customers)


if __name__ == "__main__":
    main()
