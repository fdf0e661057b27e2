#!/usr/bin/env python3
"""The whole daemon at a real Apache Kafka broker: real data into four partitions, decisions
equal to the reference, through kill -9; outage and backlog; a broker that restarts under load; poison
records; a second daemon of the group.

    kafka_test.py [build/release/huitou] [unittest arguments]

KAFKA_TOOL names kafka_tool where it is not that of the build directory.
"""

import collections
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import ROOT, SKIPPED, House, binary_of, order, small_config, wait_for  # noqa: E402

BINARY = None
BROKER = os.path.join(ROOT, "tests", "kafka", "broker", "broker.sh")
DATA = os.path.join(ROOT, "..", "shared", "data", "online_retail")
BUILD = os.environ.get("HUITOU_BUILD_DIR", os.path.join(ROOT, "build", "release"))
TOOL = os.environ.get("KAFKA_TOOL", os.path.join(BUILD, "tests", "kafka_tool"))

CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources:
  - kafka: {name: shop, brokers: "BROKERS", topics: [TOPIC], group: GROUP, allowed_lateness: 0s,
           properties: {session.timeout.ms: "2000", heartbeat.interval.ms: "400"}}
channels:
  outbox: {provider: file, path: outbox.jsonl}
sinks:
  decisions: {file: {path: decisions.jsonl}}
  dead_letters: {file: {path: dead.jsonl}}
http: {listen: "127.0.0.1:{port}"}
"""
SHOP = """
shop: {name: Shop, currency: CURRENCY, timezone: UTC, locale: en, order_counts_on: EVENT}
consent: {default: opt_out}
"""
ABSENCE = """
campaign: NAME
trigger: {absence: {after: EVENT, of: EVENT, within: WITHIN}}
late: {then: fire}
steps:
  - {id: message, send: {template: away, via: [outbox]}}
"""


class Broker:
    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="huitou-broker-")
        self.address = self.run("start", *arguments)

    def run(self, command, *arguments):
        done = subprocess.run([BROKER, command, self.folder, *arguments], check=True,
                              stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def produce(self, topic, lines, *arguments):
        done = subprocess.run([TOOL, "produce", "--brokers", self.address, "--topic", topic,
                               *arguments], input="".join(line + "\n" for line in lines),
                              stdout=subprocess.PIPE, text=True, check=True)
        answer = json.loads(done.stdout)
        assert answer == {"produced": len(lines), "failed": 0}, answer

    def post(self, topic, *events):
        self.produce(topic, [json.dumps(event) for event in events])

    def records(self, topic):
        """Everything in the topic, as kafka_tool tells it."""
        done = subprocess.run([TOOL, "consume", "--brokers", self.address, "--topic", topic,
                               "--json"], stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def secure(self):
        """The address of the listener with TLS and SASL, and what a client of it must be told."""
        with open(os.path.join(self.folder, "bootstrap.secure"), encoding="utf-8") as file:
            address = file.read().strip()
        with open(os.path.join(self.folder, "client.properties"), encoding="utf-8") as file:
            return address, dict(line.strip().split("=", 1) for line in file)

    def gave_up(self, group):
        """Whether the coordinator has removed a member that was silent past its session."""
        with open(os.path.join(self.folder, "broker.log"), encoding="utf-8") as log:
            return any(f"group {group} has failed, removing" in line for line in log)

    def end(self):
        self.run("stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def decompress(path):
    return subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


class AtABroker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.end)

    def house(self, topic, campaigns, event="order.paid", currency="CNY"):
        config = CONFIG.replace("BROKERS", self.broker.address).replace("TOPIC", topic) \
            .replace("GROUP", topic)
        shop = SHOP.replace("CURRENCY", currency).replace("EVENT", event)
        return House(BINARY, config, campaigns, {"away": "We miss you"}, shop=shop)

    def topic(self, name):
        self.broker.run("topic", name, "4")
        return name

    def absence(self, name, within, event="order.paid"):
        return ABSENCE.replace("NAME", name).replace("WITHIN", within).replace("EVENT", event)

    def lines(self, one, name):
        """The whole lines of a sink file, repeats dropped."""
        if not os.path.exists(one.path(name)):
            return []
        whole = one.read(name).rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in dict.fromkeys(whole)]

    def caught_up(self, one):
        """Nothing is left in the topic."""
        samples = one.metrics() if one.readiness()[0] == 200 else {}
        lags = [value for name, value in samples.items()
                if name.startswith("huitou_source_lag_records")]
        return len(lags) == 4 and sum(lags) == 0


class RealData(AtABroker):
    SCOPES = {"all": "", "category_own": ", per: category, cancel: own"}

    def setUp(self):
        if not os.path.isdir(DATA) or shutil.which("zstd") is None:
            self.skipTest("needs ../shared/data and zstd")

    def reference(self, days, last):
        rows = csv.DictReader(io.StringIO(decompress(os.path.join(DATA, "firings.csv.zst"))))
        return collections.Counter(
            (row["scope"], row["category"], row["customer_id"], row["deadline"])
            for row in rows if row["window_days"] == str(days) and row["deadline"] <= last)

    def test_decisions_equal_the_reference_through_a_kill(self):
        days = 47
        campaigns = {scope: self.absence(scope, f"{days}d{more}", "order.placed").replace(
            "steps:\n  - {id: message, send: {template: away, via: [outbox]}}",
            "steps:\n  - {set: {tags: {add: [away]}}}")
            for scope, more in self.SCOPES.items()}
        events = decompress(os.path.join(DATA, "events.jsonl.zst")).splitlines()
        last = max(json.loads(line)["time"] for line in events)
        topic = self.topic("retail")
        with self.house(topic, campaigns, "order.placed", "GBP") as one:
            # All of it first: at the topic's end the frontier is the present.
            self.broker.produce(topic, events)
            one.spawn()
            wait_for("the first decisions", lambda: self.lines(one, "decisions.jsonl"),
                     every_s=0.01)
            one.kill()
            one.start()
            wait_for("the end of the topic", lambda: self.caught_up(one))

            def firings():
                seen = {(line["episode"], line["seq"]): line
                        for line in self.lines(one, "decisions.jsonl")}
                return collections.Counter(
                    (line["campaign"], line.get("clock", ""), line["customer"], line["time"])
                    for line in seen.values()
                    if line["outcome"] == "entered" and line["time"] <= last)
            reference = self.reference(days, last)
            self.assertGreater(len(reference), 1000)
            try:
                wait_for("every firing", lambda: firings() == reference, every_s=1)
            except AssertionError:
                got = firings()
                self.fail(f"{len(got)} firings instead of {len(reference)}; missing "
                          f"{list((reference - got).items())[:5]}, too many "
                          f"{list((got - reference).items())[:5]}")


class Outages(AtABroker):
    def test_who_came_back_during_an_outage_gets_no_win_back(self):
        topic = self.topic("outage")
        with self.house(topic, {"away": self.absence("away", "6s")}) as one:
            one.start()
            began = time.time()
            self.broker.post(topic, order(1, "back", began), order(2, "gone", began))
            wait_for("both orders", lambda: all(
                one.get(f"/v1/customers/{name}")[0] == 200 for name in ("back", "gone")))
            self.assertEqual(one.stop(), 0)
            self.broker.post(topic, order(3, "back", began + 3))
            time.sleep(max(0, began + 7 - time.time()))
            one.start()
            wait_for("the firing", lambda: one.outcomes("gone"))
            wait_for("the firing of the new clock", lambda: one.outcomes("back"))
            # The first clock of "back" was stopped by the order that waited in the topic.
            times = [line["time"] for line in one.decisions("back") if line["outcome"] == "entered"]
            self.assertEqual(len(times), 1)
            self.assertEqual(times[0][17:19], time.strftime("%S", time.gmtime(began + 9)))

    def test_a_broker_that_restarts_under_load_loses_and_doubles_nothing(self):
        topic = self.topic("restart")
        with self.house(topic, {"away": self.absence("away", "30d")}) as one:
            one.start()
            now = time.time()
            lines = [json.dumps(order(i, f"c{i % 40}", now)) for i in range(4000)]
            producer = subprocess.Popen(
                [TOOL, "produce", "--brokers", self.broker.address, "--topic", topic, "--rate",
                 "400"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            producer.stdin.write("\n".join(lines) + "\n")
            producer.stdin.close()
            time.sleep(2)
            self.broker.run("kill")
            self.broker.run("restart")
            answer = json.loads(producer.stdout.read())
            producer.stdout.close()
            self.assertEqual(producer.wait(), 0, answer)

            def orders():
                return sum(one.get(f"/v1/customers/c{i}")[1].get("orders", 0) for i in range(40))
            wait_for("all orders", lambda: orders() >= 4000, patience_s=120, every_s=1)
            self.assertEqual(orders(), 4000)
            self.assertIsNone(one.process.poll())

    def test_a_daemon_that_slept_past_its_session_goes_on_and_doubles_nothing(self):
        topic = self.topic("slept")
        with self.house(topic, {"away": self.absence("away", "30d")}) as one:
            one.start()
            now = time.time()

            def orders():
                return sum(one.get(f"/v1/customers/c{i}")[1].get("orders", 0) for i in range(40))
            self.broker.post(topic, *[order(i, f"c{i % 40}", now) for i in range(1000)])
            wait_for("some orders", lambda: orders() > 0)
            one.process.send_signal(signal.SIGSTOP)
            try:
                wait_for("the group to give it up", lambda: self.broker.gave_up(topic))
                self.broker.post(topic, *[order(i, f"c{i % 40}", now) for i in range(1000, 2000)])
            finally:
                one.process.send_signal(signal.SIGCONT)
            wait_for("all orders", lambda: orders() >= 2000, every_s=1)
            self.assertEqual(orders(), 2000)
            wait_for("readiness", lambda: one.readiness()[0] == 200)
            self.assertIsNone(one.process.poll())
            self.assertEqual(one.stop(), 0)

    def test_poison_and_tombstones_are_dead_letters_and_the_stream_goes_on(self):
        topic = self.topic("poison")
        with self.house(topic, {"away": self.absence("away", "30d")}) as one:
            good = json.dumps(order(1, "c1", time.time()))
            records = [{"key": "c1", "value": "no json {", "partition": 0},
                       {"key": "c1", "value": None, "partition": 1},
                       {"value_hex": "00ff41", "partition": 2},
                       {"key": "c1", "value": "{}", "partition": 2}]
            self.broker.produce(topic, [json.dumps(record) for record in records], "--records")
            self.broker.produce(topic, [good])
            one.start()
            wait_for("the good one", lambda: one.get("/v1/customers/c1")[0] == 200)
            letters = wait_for("the dead letters",
                               lambda: len(self.lines(one, "dead.jsonl")) >= 4 and
                               self.lines(one, "dead.jsonl"))
            found = {(letter["source"], letter["topic"], letter["partition"], letter["offset"],
                      letter["reason"]) for letter in letters}
            self.assertLessEqual({("shop", topic, 0, 0, "bad_json"),
                                  ("shop", topic, 1, 0, "tombstone"),
                                  ("shop", topic, 2, 1, "missing_field")}, found)
            self.assertIn(("shop", topic, 2, 0), {one[:4] for one in found})
            one.kill()
            one.start()
            time.sleep(1)
            self.assertEqual(len(self.lines(one, "dead.jsonl")), 4)


class Group(AtABroker):
    def test_a_second_daemon_without_the_state_stays_unready_and_says_why(self):
        topic = self.topic("group")
        campaigns = {"away": self.absence("away", "30d")}
        with self.house(topic, campaigns) as first, self.house(topic, campaigns) as second:
            first.start()
            self.broker.post(topic, *[order(i, f"c{i}", time.time()) for i in range(20)])
            wait_for("the orders", lambda: all(
                first.get(f"/v1/customers/c{i}")[0] == 200 for i in range(20)))
            second.spawn()

            def refuses():
                if second.process.poll() is not None:
                    return second.process.returncode, second.log()
                status, why = second.readiness()
                return (status, why) if status == 503 and "state" in json.dumps(why) else None
            status, why = wait_for("the reason", refuses)
            self.assertEqual(status, 503, why)
            time.sleep(3)
            self.assertEqual(second.readiness()[0], 503)
            for i in range(20):
                self.assertNotEqual(second.get(f"/v1/customers/c{i}")[0], 200)
            second.kill()
            wait_for("the first to have everything", lambda: first.readiness()[0] == 200,
                     patience_s=120)
            self.broker.post(topic, *[order(100 + i, f"c{i}", time.time()) for i in range(20)])
            wait_for("the new orders", lambda: all(
                first.get(f"/v1/customers/c{i}")[1].get("orders") == 2 for i in range(20)))


class Records(unittest.TestCase):
    """Messages that leave as records of a topic."""

    CONFIG = small_config("""\
  messages: {provider: kafka, brokers: "BROKERS", topic: TOPIC, timeout: 2s, properties: PROPERTIES}
""")
    THANKS = """
campaign: thanks
trigger: {event: order.paid}
reentry: always
steps:
  - {id: message, send: {template: thanks, via: [messages]}}
"""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker("--secure")
        cls.addClassCleanup(cls.broker.end)

    def house(self, topic, brokers, properties, **secrets):
        config = self.CONFIG.replace("BROKERS", brokers).replace("TOPIC", topic) \
            .replace("PROPERTIES", json.dumps(properties))
        return House(BINARY, config, {"thanks": self.THANKS}, {"thanks": "谢谢 {{customer.id}} 🎁"},
                     shop=SHOP.replace("CURRENCY", "CNY").replace("EVENT", "order.paid"),
                     env=secrets)

    def count(self, one, outcome):
        return one.metrics().get(
            f'huitou_dispatches_total{{channel="messages",outcome="{outcome}",provider="kafka"}}', 0)

    def test_are_read_with_key_value_and_headers_behind_tls_and_sasl(self):
        self.broker.run("topic", "messages", "4")
        address, properties = self.broker.secure()
        password = properties.pop("sasl.password")
        with self.house("messages", address, {**properties, "sasl.password": "env:PASSWORD"},
                        PASSWORD=password) as one:
            one.start()
            one.post(*[order(i, f"客户-{i}", time.time()) for i in range(20)])
            wait_for("all of them", lambda: self.count(one, "accepted") == 20)
            self.assertNotIn(password, one.log())
        records = self.broker.records("messages")
        self.assertEqual({record["key"] for record in records}, {f"客户-{i}" for i in range(20)})
        self.assertGreater(len({record["partition"] for record in records}), 1)
        for record in records:
            value = json.loads(record["value"])
            self.assertEqual(record["headers"], {"content-type": "application/json",
                                                 "dispatch": value["dispatch"]})
            self.assertEqual((value["customer"], value["channel"], value["template"]),
                             (record["key"], "messages", "thanks"))
            self.assertEqual(value["text"].rstrip("\n"), f"谢谢 {record['key']} 🎁")

    def test_wait_for_a_broker_that_is_down_and_none_is_lost(self):
        self.broker.run("topic", "patient", "4")
        with self.house("patient", self.broker.address, {}) as one:
            one.start()
            one.post(*[order(i, f"c{i}", time.time()) for i in range(50)])
            wait_for("the first", lambda: self.count(one, "accepted") > 0)
            self.broker.run("kill")
            one.post(*[order(i, f"c{i}", time.time()) for i in range(50, 100)])
            # Not sent, or sent with the answer lost: a matter of milliseconds.
            wait_for("a failure", lambda: self.count(one, "retry") + self.count(one, "unknown") > 0)
            self.broker.run("restart")
            wait_for("all of them", lambda: {
                record["key"] for record in self.broker.records("patient")} ==
                {f"c{i}" for i in range(100)}, patience_s=180, every_s=1)
            # A repeat is one whose answer was lost: the same message under the same id.
            ids = {record["headers"]["dispatch"] for record in self.broker.records("patient")}
            self.assertEqual(len(ids), 100)
            self.assertEqual(one.stop(), 0)

    def test_a_property_that_nobody_knows_is_told_before_anything_is_sent(self):
        with self.house("nowhere", self.broker.address, {"no.such.property": "1"}) as one:
            one.spawn()
            wait_for("its end", lambda: one.process.poll() is not None)
            self.assertIn("'no.such.property' is not known to librdkafka", one.log())


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    for needed, hint in ((TOOL, "build kafka_tool"), (shutil.which("java") or "java", "Java")):
        if not os.path.exists(needed):
            print(f"skipped: no {needed} ({hint})")
            sys.exit(SKIPPED)
    unittest.main(verbosity=2)
