#!/usr/bin/env python3
"""The whole daemon against providers that fail in every way at once, as a seed decides: what they
took is their ledger, and it must agree with what the daemon says it did.

    stress_test.py [build/release/huitou] [--seed N] [unittest arguments]

Without a seed it draws one and prints the command that repeats it. Takes about 90 s, most of them
the minute for which a receipt may settle a lost answer.
"""

import collections
import json
import os
import random
import re
import secrets
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "end_to_end")]
from fault_server import FAULTY, TWILIO, WECHAT, FaultServer  # noqa: E402
from house import House, binary_of, review, wait_for  # noqa: E402
import receipts  # noqa: E402

BINARY = None
SEED = None
SENDS = 40
# 40 answers of 1 MB each at once, each in a transfer or on its way to be read, and room for what
# the daemon needs by itself; the answers as they are sent have 400 MB.
MEMORY_MAX = 200 * 1024 * 1024
SECRETS = {"WEBHOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "KEY_ID": "judge-key-id",
           "KEY": "judge-key-secret", "APP_SECRET": "judge-app-secret",
           "CALLBACK": "sms-callback-token-1234", "TWILIO": "judge-auth-token"}
CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api}}]
sinks:
  decisions: {file: {path: decisions.jsonl}}
  dead_letters: {file: {path: dead.jsonl}}
channels:
  hook: {provider: webhook, url: "http://127.0.0.1:HTTP/webhook", secret: env:WEBHOOK, timeout: 2s,
         max_in_flight: 8}
  keyed: {provider: webhook, url: "http://127.0.0.1:HTTP/keyed", secret: env:WEBHOOK, timeout: 2s,
          max_in_flight: 8, promise: exactly_once_by_key}
  sms: {provider: aliyun, access_key_id: env:KEY_ID, access_key_secret: env:KEY,
        sign_name: 回头小店, endpoint: "http://127.0.0.1:HTTP", callback_token: env:CALLBACK,
        timeout: 2s, max_in_flight: 8, batch: 1}
  twilio: {provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef,
           auth_token: env:TWILIO, from: "+15005550006", endpoint: "http://127.0.0.1:HTTP",
           timeout: 2s, rate: 1000/s, max_in_flight: 8,
           callback_url: "http://127.0.0.1:{port}/v1/callbacks/twilio"}
  wechat: {provider: wechat_template, app_id: wx5823bf96d3bd56c7, app_secret: env:APP_SECRET,
           endpoint: "http://127.0.0.1:HTTP", timeout: 2s, max_in_flight: 8}
  healthy: {provider: webhook, url: "http://127.0.0.1:HTTP/healthy", secret: env:WEBHOOK}
  stuck: {provider: webhook, url: "http://127.0.0.1:HTTP/stuck", secret: env:WEBHOOK, timeout: 10m}
  huge: {provider: webhook, url: "http://127.0.0.1:HTTP/huge", secret: env:WEBHOOK,
         max_in_flight: 50}
  moved: {provider: webhook, url: "http://127.0.0.1:HTTP/moved", secret: env:WEBHOOK}
  tls: {provider: webhook, url: "https://127.0.0.1:TLS/webhook", secret: env:WEBHOOK}
http: {listen: "127.0.0.1:{port}"}
"""
PATHS = {"hook": "/webhook", "keyed": "/keyed", "sms": "/", "twilio": TWILIO, "wechat": WECHAT,
         "healthy": "/healthy", "stuck": "/stuck", "huge": "/huge", "moved": "/moved"}
FAULTY_CHANNELS = [channel for channel, path in PATHS.items() if path in FAULTY]
THANKS = """
campaign: thanks-{name}
class: transactional
trigger: {event: review.posted}
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks, via: [{name}]}}
"""
TEXT = "谢谢您的五星好评！😊"
TEMPLATES = {
    "thanks": TEXT,
    "thanks.sms": f"---\ncode: SMS_123456\n---\n{TEXT}",
    "thanks.wechat": f"---\ntemplate_id: WECHAT_TEMPLATE_ID_00000001\ndata.thing1: x\n---\n{TEXT}",
}


def customer(number):
    return {"phone": f"+86138{number:08d}", "email": f"private{number}@example.com",
            "wechat_openid": f"openid_{number:04d}"}


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Stress(unittest.TestCase):
    """One run, which is judged by many questions at its end."""

    def test_providers_that_fail_in_every_way(self):
        with FaultServer(SEED, SENDS) as self.server, FaultServer(tls=True) as self.untrusted:
            self.server.let_tokens_die(25)
            config = CONFIG.replace("HTTP", str(self.server.port)) \
                .replace("TLS", str(self.untrusted.port))
            campaigns = {name: THANKS.replace("{name}", name) for name in [*PATHS, "tls"]}
            with House(BINARY, config, campaigns, TEMPLATES, env=SECRETS) as self.house:
                self.house.start()
                self.run_through()
                self.assertEqual(self.house.stop(), 0)
                self.load_records()
                self.judge()

    # --- the run ---

    def run_through(self):
        self.house.post(*[review(n, f"c{n}", time.time(), **customer(n)) for n in range(SENDS)])
        self.house.ask("POST", "/v1/events", [{"id": "bad", "customer": customer(1)}])
        wait_for("the healthy channel's messages",
                 lambda: len(self.server.taken("/healthy")) == SENDS)
        # All of it while a neighbour hung with everything and two more were of no use.
        self.assertEqual(self.server.taken("/stuck"), [])
        wait_for("the gauges", lambda: self.depth("moved") == SENDS and
                 self.circuit("moved") == self.circuit("tls") == 1)
        self.assertEqual(self.depth("tls"), SENDS)
        self.server.release()
        wait_for("the huge answers", lambda: self.depth("huge") == 0)
        for channel in ("sms", "twilio"):
            wait_for(f"{SENDS} tries by {channel}",
                     lambda path=PATHS[channel]: self.server.requests(path) >= SENDS)
        self.told = {channel: self.tell(channel) for channel in ("sms", "twilio")}
        wait_for("an end of all that can end", self.settled, patience_s=400, every_s=0.5)
        with open(f"/proc/{self.house.process.pid}/status", encoding="ascii") as file:
            self.memory = int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * 1024
        self.metrics = self.house.metrics()
        self.metrics_text = self.house.get("/metrics")[1]

    def settled(self):
        for channel in ("sms", "twilio"):  # what came after the first round of receipts
            self.told[channel] |= self.tell(channel, self.told[channel])
        return all(self.depth(channel) == 0 for channel in [*FAULTY_CHANNELS, "stuck", "healthy"])

    def depth(self, channel):
        return self.house.metrics().get(f'huitou_outbox_depth{{channel="{channel}"}}')

    def circuit(self, channel):
        return self.house.metrics().get(f'huitou_circuit_open{{channel="{channel}"}}')

    def url_of(self, channel, token):
        query = f"?token={token}" if channel == "sms" else ""
        return f"http://127.0.0.1:{self.house.port}/v1/callbacks/{channel}{query}"

    def tell(self, channel, told=frozenset()):
        """Receipts of all that the ledger has and that was not `told`: forged ones first, then the
        true ones twice and in no order, strangers between them. Returns whose were told."""
        provider = {"sms": "aliyun", "twilio": "twilio"}[channel]
        messages = [one for one in self.server.taken(PATHS[channel]) if one["id"] not in told]
        forged = {"provider": provider, "url": self.url_of(channel, "wrong"), "token": "wrong",
                  "status": "MK:0001" if channel == "sms" else "30003"}
        for status in receipts.push(messages, forged):
            self.assertIn(status, (401, 403))
        strangers = [{**one, "id": secrets.token_hex(16), "receipt_id": f"9{number:033d}",
                      "callback": one.get("callback", "").replace(one["id"], "0" * 32)}
                     for number, one in enumerate(messages[:5])]
        order = [*messages, *messages, *strangers]
        random.Random(SEED).shuffle(order)
        true = {"provider": provider, "url": self.url_of(channel, SECRETS["CALLBACK"]),
                "token": SECRETS["TWILIO"]}
        for status in receipts.push(order, true):
            self.assertEqual(status, 200)
        return {one["id"] for one in messages}

    def load_records(self):
        self.dispatched = collections.defaultdict(set)
        for decision in json_lines(self.house.read("decisions.jsonl")):
            if decision["outcome"] == "dispatched":
                channel = decision["campaign"].removeprefix("thanks-")
                self.dispatched[channel].add(decision["dispatch"])
        self.dead = collections.defaultdict(dict)
        for letter in json_lines(self.house.read("dead.jsonl")):
            if letter["source"] == "outbox":
                self.dead[letter["topic"]][letter["value"]] = letter["reason"]

    # --- the questions ---

    def judge(self):
        for channel in [*PATHS, "tls"]:
            self.assertEqual(len(self.dispatched[channel]), SENDS, channel)
        for channel in PATHS:
            with self.subTest(channel):
                self.nothing_is_lost(channel)
                self.nothing_is_doubled_beyond_the_promise(channel)
        for channel in FAULTY_CHANNELS:
            with self.subTest(channel):
                self.its_circuit_opened_and_closed(channel)
        for channel in ("sms", "twilio"):
            with self.subTest(channel):
                self.receipts_counted_once(channel)
        self.nothing_went_elsewhere()
        self.nothing_leaked()
        self.assertLess(self.memory, MEMORY_MAX)
        self.assertEqual(self.metrics["huitou_conservation_violations_total"], 0)

    def counted(self, channel, outcome):
        return sum(value for name, value in self.metrics.items()
                   if name.startswith("huitou_dispatches_total") and
                   f'channel="{channel}",outcome="{outcome}"' in name)

    def nothing_is_lost(self, channel):
        taken = {message["id"] for message in self.server.taken(PATHS[channel])}
        dead = self.dead[channel]
        self.assertLessEqual(taken, self.dispatched[channel], "sent what nobody decided")
        if channel == "moved":
            self.assertEqual((taken, dead), (set(), {}))  # kept for the day when it is back
            return
        self.assertEqual(self.dispatched[channel] - taken - set(dead), set())
        self.assertLessEqual(set(dead.values()), {"bad_request", "unknown"})
        # What was given up without a doubt was refused, and so nobody has it.
        refused = {one for one, reason in dead.items() if reason == "bad_request"}
        self.assertLessEqual(len(refused & taken), self.counted(channel, "unknown"))

    def nothing_is_doubled_beyond_the_promise(self, channel):
        times = collections.Counter(one["id"] for one in self.server.taken(PATHS[channel]))
        doubled = sum(times.values()) - len(times)
        if channel in ("hook", "keyed"):  # for keyed, the repeats have the key of the first
            self.assertLessEqual(doubled, self.counted(channel, "unknown"))
        else:
            self.assertEqual(doubled, 0)

    def its_circuit_opened_and_closed(self, channel):
        log = self.house.log()
        for change in ("circuit open", "circuit closed"):
            self.assertRegex(log, f"{change}.*\\b{channel}\\b")
        self.assertEqual(self.metrics[f'huitou_circuit_open{{channel="{channel}"}}'], 0)

    def receipts_counted_once(self, channel):
        known = self.told[channel] - set(self.dead[channel])
        self.assertEqual(self.counted(channel, "delivered"), len(known))
        self.assertEqual(self.counted(channel, "undelivered"), 0)  # only forged ones said so

    def nothing_went_elsewhere(self):
        self.assertEqual(self.server.redirects_followed(), 0)
        self.assertEqual(self.untrusted.taken("/webhook"), [])
        self.assertGreater(self.counted("tls", "retry"), 0)
        self.assertEqual(self.dead["tls"], {})
        for name in ("moved", "tls"):
            self.assertEqual(self.metrics[f'huitou_circuit_open{{channel="{name}"}}'], 1)

    def nothing_leaked(self):
        texts = {"log": self.house.log(), "metrics": self.metrics_text,
                 "dead letters": self.house.read("dead.jsonl"),
                 "decisions": self.house.read("decisions.jsonl")}
        private = [*SECRETS.values(), *self.server.state.tokens]
        for number in range(SENDS):
            private += [f"138{number:08d}", *list(customer(number).values())[1:]]
        for name, text in texts.items():
            self.assertEqual([word for word in private if word in text], [], name)


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    if "--seed" in sys.argv:
        place = sys.argv.index("--seed")
        SEED = int(sys.argv[place + 1])
        del sys.argv[place:place + 2]
    else:
        SEED = secrets.randbelow(10**6)
    print(f"again: {sys.argv[0]} {BINARY} --seed {SEED}", flush=True)
    unittest.main(verbosity=2)
