#!/usr/bin/env python3
"""Kafka to durable decision: the daemon beside Kafka Streams, Flink and bare store loops, in one run.

The work is that of ../shared/peers (its README has the rules): orders from a topic of four
partitions, "no order within 30 days" fires. The peers write a record per firing; Huitou issues a
coupon as well, so that its ledger and three decisions per firing are written. Broker on core 0,
the system on core 1, CPU seconds of the whole process; the peers' without their start.

usage: bench/kafka.py HUITOU [SYSTEM]...       all of SYSTEMS without names
environment: N (1000000), CUSTOMERS (N / 4), RUNS (1), RATE (30000 events/s of huitou-live),
             WORK (everything that is built, downloaded and measured)
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.normpath(os.path.join(HERE, "..", "..", "shared", "peers"))
CACHE = os.environ.get("HUITOU_CACHE", os.path.expanduser("~/.cache/huitou"))
SYSTEMS = ["huitou-live", "huitou-backlog", "streams-eos", "flink-timers", "b3"]
BROKER = "127.0.0.1:9092"
CORE = 1
PATIENCE_S = 900

CONFIG = """
state: {dir: state, commit_interval: 100ms, sync: false}
campaigns: [campaigns]
sources:
  - kafka: {name: shop, brokers: "%s", topics: [%s], group: %s, allowed_lateness: 0s,
            expect_event_within: 1h}
channels: {console: {provider: console}}
sinks: {decisions: {kafka: {topic: %s, brokers: "%s"}}}
coupons: {provider: local}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
"""
# The orders are old: the wall clock must not make them late, nor (expect_event_within) fire what
# only a later order could.
CAMPAIGN = """
campaign: absence
class: transactional
trigger:
  absence: {after: order.paid, of: order.paid, within: 30d}
late: {then: fire}
steps:
  - id: coupon
    coupon: {value: 10 CNY}
"""


def environment():
    env = dict(os.environ)
    env.setdefault("N", "1000000")
    env.setdefault("CUSTOMERS", str(int(env["N"]) // 4))
    env.setdefault("WORK", os.path.join(CACHE, "bench", "peers"))
    os.makedirs(env["WORK"], exist_ok=True)
    return env


def peers(env, *arguments):
    subprocess.run(["bash", os.path.join(PEERS, "run.sh"), *arguments], env=env, check=True,
                   stdout=subprocess.DEVNULL)


def topic(env, *arguments):
    script = f'. "{PEERS}/env.sh"; topic "$@"'
    subprocess.run(["bash", "-c", script, "topic", *arguments], env=env, check=True,
                   stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A daemon on one core, its CPU seconds taken when it has ended."""

    def __init__(self, binary, folder, orders, decisions):
        self.port = free_port()
        os.makedirs(f"{folder}/campaigns")
        config = CONFIG % (BROKER, orders, f"bench-{decisions}", decisions, BROKER, self.port)
        for name, text in {"huitou.yaml": config, "campaigns/absence.yaml": CAMPAIGN}.items():
            with open(f"{folder}/{name}", "w") as file:
                file.write(text)
        self.begin = time.monotonic()
        self.process = subprocess.Popen([binary, "run", "--config", "huitou.yaml"], cwd=folder,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {CORE}))

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            return answer.read().decode()

    def sum(self, metric):
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics").splitlines()
                   if line.startswith((metric + "{", metric + " ")))

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                if condition():
                    return time.monotonic() - self.begin
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"huitou: {what}: not reached")
            time.sleep(0.25)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = status
        return used


def keyed(env):
    """The orders as "customer TAB json", made once."""
    source = os.path.join(env["WORK"], "data", f"orders-{env['N']}.ndjson")
    target = source.replace(".ndjson", ".keyed")
    if not os.path.exists(target):
        with open(source) as lines, open(target + ".part", "w") as out:
            for line in lines:
                begin = line.index('"customer":{"id":"') + 18
                out.write(f"{line[begin:line.index(chr(34), begin)]}\t{line}")
        os.rename(target + ".part", target)
    return target


def feed(path, orders, rate):
    """Orders at an even rate, as a shop would send them."""
    kcat = subprocess.Popen(
        ["taskset", "-c", "0", "kcat", "-P", "-b", BROKER, "-t", orders, "-K", "\t",
         "-X", "partitioner=murmur2_random", "-X", "linger.ms=5"], stdin=subprocess.PIPE)
    sent, begin = 0, time.monotonic()
    with open(path, "rb") as lines:
        for line in lines:
            kcat.stdin.write(line)
            sent += 1
            if sent % 500 == 0:
                kcat.stdin.flush()
                time.sleep(max(0.0, begin + sent / rate - time.monotonic()))
    kcat.stdin.close()
    kcat.wait()


def records_of(name):
    ends = subprocess.run(
        ["kcat", "-Q", "-b", BROKER] + [word for p in range(4) for word in ("-t", f"{name}:{p}:-1")],
        capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[-1]) for line in ends.splitlines())


def huitou(env, binary, live, stamp):
    n = int(env["N"])
    decisions = f"decisions-{stamp}"
    orders = f"live-{stamp}" if live else f"orders-{n}"
    for name in [decisions] + ([orders] if live else []):
        topic(env, "--create", "--topic", name, "--partitions", "4", "--replication-factor", "1")
    with tempfile.TemporaryDirectory(dir=env["WORK"]) as folder:
        daemon = Daemon(binary, folder, orders, decisions)
        if live:
            daemon.wait("ready", lambda: daemon.get("/readyz"))
            feed(keyed(env), orders, float(env.get("RATE", "30000")))
        daemon.wait("the last order", lambda: daemon.sum("huitou_events_total") >= n)
        wall = daemon.wait("the last decision", lambda: records_of(decisions) >=
                           daemon.sum("huitou_decisions_total"))
        commits = daemon.sum("huitou_commit_seconds_count")
        used = daemon.stop()
    outcomes = subprocess.run(
        f"kcat -C -b {BROKER} -t {decisions} -e -q | grep -o '\"outcome\":\"[a-z]*' | sort | uniq -c",
        shell=True, capture_output=True, text=True, check=True).stdout.split()
    counts = dict(zip([word[11:] for word in outcomes[1::2]], map(int, outcomes[::2])))
    for name in [decisions] + ([orders] if live else []):
        topic(env, "--delete", "--topic", name)
    return {"n": n, "wall": wall, "cpu": used.ru_utime + used.ru_stime, "fired": counts.get("entered", 0),
            "issued": counts.get("issued", 0), "rss_mb": used.ru_maxrss // 1024, "commits": int(commits)}


def peer(env, system):
    out = os.path.join(env["WORK"], "results.jsonl")
    if os.path.exists(out):
        os.remove(out)
    peers(dict(env, RUNS="1", OUT=out, KEEP_FIRED="0"), "bench", system)
    with open(out) as lines:
        result = json.loads(lines.readlines()[-1])
    return dict(result, commits=0)


def main():
    if not os.path.isdir(PEERS) or shutil.which("kcat") is None or shutil.which("mvn") is None:
        print("skipped: needs ../shared/peers, kcat and mvn")
        return
    binary = os.path.abspath(sys.argv[1])
    systems = sys.argv[2:] or SYSTEMS
    env = environment()
    peers(env, "setup")
    peers(env, "broker")
    peers(env, "data")
    rates = {}
    for run in range(int(env.get("RUNS", "1"))):
        for system in systems:
            stamp = f"{system}-{run}-{int(time.time())}"
            result = huitou(env, binary, system.endswith("live"), stamp) \
                if system.startswith("huitou") else peer(env, system)
            rate = result["n"] / result["cpu"]
            rates.setdefault(system, []).append(rate)
            print(f"{system:16} {rate / 1000:7.1f} k events/CPU-s {result['n'] / result['wall'] / 1000:7.1f} "
                  f"k events/s  fired {result['fired']} coupons {result.get('issued', '-')} "
                  f"commits {result['commits']} RSS {result['rss_mb']} MB", flush=True)
    for system in systems:
        for other in systems:
            if system.startswith("huitou") and not other.startswith("huitou"):
                ratio = statistics.median(rates[system]) / statistics.median(rates[other])
                print(f"{system} / {other}: {ratio:.2f}")


if __name__ == "__main__":
    main()
