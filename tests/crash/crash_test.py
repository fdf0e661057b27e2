#!/usr/bin/env python3
"""kill -9 under load, over and over, with an outside ledger.

    crash_test.py [--binary build/release/huitou] [--rounds 100] [--seed 1]

A client posts orders and reviews, remembers what was answered 202, and repeats what was not
answered with the same ids. Meanwhile the daemon is killed at random moments, some of them while it
starts, and started again at once on the same state directory. The provider, a process of its own,
keeps every message and coupon that reached it. In the end all three are compared with a plain
model:

  every accepted event counts once; every message that is due has reached the provider; no coupon
  is issued twice; where the channel promises `at_most_once` no message comes twice;
  elsewhere a repeat carries the same dispatch id.

The first half of the rounds asks the shop's coupon API, the second makes codes on the spot.
Exit code 1 when something differs; --keep keeps the folder of the daemon then.
"""

import argparse
import collections
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "end_to_end"))
from house import House, ask, control, judge, order, received, review, wait_for  # noqa: E402

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COUPON_TOKEN = "judge-coupon-token"
CHANNELS = ("often", "once", "keyed")
AWAY_S = 2.0

CONFIG = """
state: {dir: state, commit_interval: 20ms}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api}}]
channels:
  often: {provider: webhook, url: PROVIDER/webhook, secret: env:SECRET, promise: at_least_once}
  once: {provider: webhook, url: PROVIDER/webhook, secret: env:SECRET, promise: at_most_once}
  keyed: {provider: webhook, url: PROVIDER/webhook, secret: env:SECRET,
          promise: exactly_once_by_key}
coupons: COUPONS
http: {listen: "127.0.0.1:{port}"}
log: {level: warning}
"""
COUPONS_HTTP = "{provider: http, url: PROVIDER/coupons, token: env:COUPON_TOKEN}"
COUPONS_LOCAL = "{provider: local}"

THANKS = """
campaign: thanks-CHANNEL
trigger: {event: review.posted}
where: event.review.rating == 5
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks-CHANNEL, via: [CHANNEL]}}
"""
COUPON = """
campaign: reward
trigger: {event: order.paid}
reentry: {key: event.order.id}
steps:
  - {id: gift, coupon: {value: 5 CNY}}
  - {id: message, send: {template: reward, via: [often]}}
"""
AWAY = """
campaign: away
trigger: {absence: {after: order.paid, of: order.paid, within: AWAYs}}
steps:
  - {id: gift, coupon: {value: 9 CNY}}
  - {id: message, send: {template: away, via: [keyed]}}
""".replace("AWAY", str(int(AWAY_S)))
CAMPAIGNS = {"reward": COUPON, "away": AWAY,
             **{f"thanks-{name}": THANKS.replace("CHANNEL", name) for name in CHANNELS}}
TEMPLATES = {"reward": "谢谢 {{coupon.code}}", "away": "好久不见 {{coupon.code}}",
             **{f"thanks-{name}": "谢谢" for name in CHANNELS}}


class Client(threading.Thread):
    """Posts events until it is told to end; then finishes what is open."""

    def __init__(self, port, seed, number):
        super().__init__(daemon=True)
        self.port = port
        self.random = random.Random(f"{seed} client {number}")
        self.number = number
        self.ending = threading.Event()
        self.pause = threading.Event()
        self.accepted = []  # (event, when it was made, when it was answered)
        self.acknowledged_at = 0.0
        self.count = 0
        self.repeats = 0
        self.wrong = []

    def batch(self):
        now = time.time()
        events = []
        for _ in range(self.random.choice((1, 1, 3, 10))):
            self.count += 1
            name = f"{self.number}-{self.count}"
            # Most customers come once or twice, a few again and again.
            customer = f"regular-{self.number}-{self.random.randrange(5)}" \
                if self.random.random() < 0.3 else f"guest-{self.number}-{self.count // 2}"
            make = order if self.random.random() < 0.5 else review
            events.append(make(name, customer, now))
        return events, now

    def post(self, events):
        """Until it is answered."""
        while True:
            try:
                status, answer = ask(self.port, "POST", "/v1/events", events, timeout_s=20)
            except OSError:
                status, answer = 0, ""
            except Exception as broken:  # half an answer
                status, answer = 0, str(broken)
            if status == 202:
                self.acknowledged_at = time.time()
                return
            if status == 400:
                self.wrong.append(f"refused: {answer}")
                return
            self.repeats += 1
            time.sleep(0.005)

    def run(self):
        while not self.ending.is_set():
            if self.pause.is_set():
                time.sleep(0.02)
                continue
            events, made = self.batch()
            self.post(events)
            self.accepted += [(event, made, self.acknowledged_at) for event in events]
            if self.random.random() < 0.05:  # some shops say everything twice
                self.post(events)
            time.sleep(self.random.choice((0, 0.02, 0.1)))


class Judgement:
    """Compares what was accepted, what the daemon says and what the provider has."""

    def __init__(self, house, provider, clients):
        self.house = house
        self.report = received(provider)
        self.failures = [wrong for client in clients for wrong in client.wrong]
        self.by_customer = collections.defaultdict(list)
        for client in clients:
            for entry in client.accepted:
                self.by_customer[entry[0]["customer"]["id"]].append(entry)
        self.messages = collections.defaultdict(list)  # dispatch -> as they came
        for message in self.report["messages"]:
            self.messages[message["id"]].append(message)
        self.missing = collections.Counter()  # by template
        self.expected = set()
        self.codes = {}
        self.issued = set()

    def fail(self, text):
        self.failures.append(text)

    def judge(self):
        for refused in self.report["refused"]:
            self.fail(f"the provider refused: {refused}")
        for customer, entries in sorted(self.by_customer.items()):
            self.judge_customer(customer, entries)
        self.judge_provider()
        return self.failures

    def judge_customer(self, customer, entries):
        orders = [entry for entry in entries if "order" in entry[0]]
        reviews = [entry for entry in entries if "review" in entry[0]]
        status, known = self.house.get(f"/v1/customers/{customer}")
        if status != 200:
            self.fail(f"{customer}: {status} {known}")
            return
        for name, counted in (("orders", len(orders)), ("reviews", len(reviews))):
            if known[name] != counted:
                self.fail(f"{customer}: {known[name]} {name} instead of {counted}")
        if known["spend"] != f"{100 * len(orders)}.00":
            self.fail(f"{customer}: spend {known['spend']} for {len(orders)} orders of 100.00")
        decisions = self.house.decisions(customer)
        places = [(one["episode"], one["seq"]) for one in decisions]
        if len(places) != len(set(places)):
            self.fail(f"{customer}: a decision is there twice")
        entered = collections.Counter(one["campaign"] for one in decisions
                                      if one["outcome"] == "entered")
        for channel in CHANNELS:
            if entered[f"thanks-{channel}"] != len(reviews):
                self.fail(f"{customer}: thanks-{channel} entered {entered[f'thanks-{channel}']} "
                          f"times for {len(reviews)} reviews")
        if entered["reward"] != len(orders):
            self.fail(f"{customer}: reward entered {entered['reward']} times for {len(orders)} "
                      "orders")
        self.judge_absence(customer, orders, entered["away"])
        self.judge_decisions(customer, decisions)

    def judge_absence(self, customer, orders, entered):
        """A gap longer than the window, or the end, is one firing. Where an order came in later
        than the moment that it decides about, it was late: either is right then."""
        orders = sorted(orders, key=lambda entry: entry[1])
        least = most = 0
        for i, (_, made, answered) in enumerate(orders):
            deadline = made + AWAY_S
            following = orders[i + 1] if i + 1 < len(orders) else None
            if following is not None and following[1] <= deadline and following[2] < deadline:
                continue
            certain = answered < deadline and (following is None or following[1] > deadline)
            least += 1 if certain else 0
            most += 1
        if not least <= entered <= most:
            self.fail(f"{customer}: away entered {entered} times, not {least} to {most}")

    def judge_decisions(self, customer, decisions):
        """Every dispatch that was decided is with the provider, as decided."""
        issued_in = {}
        planned = collections.defaultdict(set)
        for one in decisions:
            if one["outcome"] not in ("issued", "dispatched"):
                continue
            if one["dispatch"] in self.expected:
                self.fail(f"{customer}: dispatch {one['dispatch']} was decided twice")
            self.expected.add(one["dispatch"])
            planned[one["episode"]].add(one["outcome"])
            if one["outcome"] == "issued":
                self.issued.add(one["dispatch"])
                issued_in[one["episode"]] = one["dispatch"]
                continue
            came = self.messages.get(one["dispatch"], [])
            if not came:
                self.missing[one["template"]] += 1
                if one["template"] != "thanks-once":
                    self.fail(f"{customer}: dispatch {one['dispatch']} ({one['template']}) is lost")
            for message in came:
                self.judge_message(customer, one, message, issued_in.get(one["episode"]))
        for one in decisions:
            if one["outcome"] == "entered":
                wanted = {"dispatched"} if one["campaign"].startswith("thanks") else \
                    {"issued", "dispatched"}
                if planned[one["episode"]] != wanted:
                    self.fail(f"{customer}: {one['campaign']} did "
                              f"{sorted(planned[one['episode']])}")

    def judge_message(self, customer, decision, message, issued):
        if (message["customer"], message["template"]) != (customer, decision["template"]):
            self.fail(f"{customer}: the provider got {message} for {decision}")
        if issued is None:
            return
        code = message["text"].split()[-1]
        asked = self.report["coupons"].get(issued)
        if asked is not None and asked != code:
            self.fail(f"{customer}: the message says {code}, the coupon is {asked}")
        if self.codes.setdefault(issued, code) != code:
            self.fail(f"{customer}: two codes for one coupon: {code}, {self.codes[issued]}")

    def judge_provider(self):
        for dispatch, came in self.messages.items():
            if dispatch not in self.expected:
                self.fail(f"nothing decided the message {came[0]}")
            if len({(one["text"], one["customer"], one["template"]) for one in came}) > 1:
                self.fail(f"dispatch {dispatch} came with different texts: {came}")
            if came[0]["template"] == "thanks-once" and len(came) > 1:
                self.fail(f"at most once, yet {len(came)} times: {came[0]}")
        for key in self.report["coupons"]:
            if key not in self.issued:
                self.fail(f"the shop issued a coupon that nothing decided: {key}")
        if len(set(self.codes.values())) != len(self.codes):
            self.fail("one code for two coupons")

    def repeats(self):
        return sum(len(came) - 1 for came in self.messages.values())


class Crash:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.restarts = []
        self.round = 0
        self.killed_early = 0

    def run(self):
        with judge("provider_server.py") as (provider,):
            config = CONFIG.replace("COUPONS", COUPONS_HTTP).replace(
                "PROVIDER", f"http://127.0.0.1:{provider}")
            env = {"SECRET": SECRET, "COUPON_TOKEN": COUPON_TOKEN}
            with House(self.options.binary, config, CAMPAIGNS, TEMPLATES, env=env) as house:
                failures = self.play(house, provider)
                if failures:
                    if self.options.keep:
                        os.rename(house.folder, self.options.keep)
                    print(f"crash_test: seed {self.options.seed}, {self.round} rounds: "
                          f"{len(failures)} differences, the first:", file=sys.stderr)
                    for failure in failures[:20]:
                        print(f"  {failure}", file=sys.stderr)
                    return 1
        return 0

    def play(self, house, provider):
        clients = [Client(house.port, self.options.seed, number) for number in range(2)]
        half = (self.options.rounds + 1) // 2
        house.spawn()
        started = time.time()
        for client in clients:
            client.start()
        try:
            for self.round in range(self.options.rounds):
                if self.round == half:
                    self.change_coupons(house, provider, clients)
                    started = time.time()
                started = self.one_round(house, provider, clients, started)
            for client in clients:
                client.ending.set()
            for client in clients:
                client.join(120)
                assert not client.is_alive(), "the client gets no answer"
            time.sleep(AWAY_S)
            self.drain(house, provider)
            failures = self.judge(house, provider, clients)
        except AssertionError as error:
            failures = [f"round {self.round}: {error}", "the log ends:\n" + house.log()[-3000:]]
        finally:
            for client in clients:
                client.ending.set()
        return failures

    def one_round(self, house, provider, clients, started):
        """Ends with a new daemon; returns when that was started."""
        if self.random.random() < 0.2:
            control(provider, path="/webhook", fault="slow", delay_ms=self.random.choice((20, 200)),
                    times=20)
        if self.random.random() < 0.25:
            self.killed_early += 1
            time.sleep(self.random.uniform(0, 0.3))
        else:
            wait_for("the first event after a start",
                     lambda: any(client.acknowledged_at > started for client in clients) or
                     house.process.poll() is not None, every_s=0.002)
            first = min((client.acknowledged_at for client in clients
                         if client.acknowledged_at > started), default=started)
            self.restarts.append(first - started)
            time.sleep(self.random.uniform(0, 0.8))
        if house.process.poll() is not None:
            raise AssertionError("the daemon ended by itself: exit code "
                                 f"{house.process.returncode}")
        house.kill()
        house.spawn()
        return time.time()

    def change_coupons(self, house, provider, clients):
        """Everything that is planned leaves first: an open request belongs to the old provider."""
        for client in clients:
            client.pause.set()
        time.sleep(AWAY_S)
        self.drain(house, provider)
        code = house.stop()
        assert code == 0, f"SIGTERM: exit code {code}"
        text = re.sub("coupons:.*", "coupons: " + COUPONS_LOCAL, house.read("huitou.yaml"))
        house.write("huitou.yaml", text)
        house.spawn()
        for client in clients:
            client.pause.clear()

    def drain(self, house, provider):
        """Until nothing is on its way; what is unknown where nothing may be repeated stays so."""
        wait_for("readiness", lambda: house.readiness()[0] == 200)

        def quiet():
            depth = house.metrics()
            waiting = sum(value for name, value in depth.items()
                          if name.startswith("huitou_outbox_depth") and '"once"' not in name)
            count = len(received(provider)["messages"])
            time.sleep(1.2)  # gauges are set once a second
            return waiting == 0 and len(received(provider)["messages"]) == count
        wait_for("an empty outbox", quiet)

    def judge(self, house, provider, clients):
        judgement = Judgement(house, provider, clients)
        failures = judgement.judge()
        missing = judgement.missing["thanks-once"]
        # At most what was in flight at each kill.
        if missing > self.options.rounds * 50:
            failures.append(f"{missing} messages of at_most_once did not come")
        broken = house.metrics().get("huitou_conservation_violations_total", 0)
        if broken:
            failures.append(f"conservation was violated {broken} times")
        count = len(judgement.report["messages"])
        code = house.stop()
        if code != 0:
            failures.append(f"SIGTERM: exit code {code}")
        house.start()
        time.sleep(1)
        if len(received(provider)["messages"]) != count:
            failures.append("messages went out again after a clean stop and start")
        events = sum(len(client.accepted) for client in clients)
        restarts = sorted(self.restarts)
        print(f"crash_test: {self.options.rounds} rounds ({self.killed_early} killed while "
              f"starting), {events} events, {sum(client.repeats for client in clients)} posts "
              f"repeated, {count} messages ({judgement.repeats()} repeated with the same id, "
              f"{missing} of at_most_once unknown), {len(judgement.issued)} coupons; restart to "
              f"first event: median {restarts[len(restarts) // 2]:.2f} s, "
              f"most {restarts[-1]:.2f} s")
        return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    build = os.environ.get("HUITOU_BUILD_DIR", "build/release")
    parser.add_argument("--binary", default=os.environ.get("HUITOU", os.path.join(build, "huitou")))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--keep", metavar="DIR", help="where the daemon's folder goes on a failure")
    options = parser.parse_args()
    options.binary = os.path.abspath(options.binary)
    sys.exit(Crash(options).run())


if __name__ == "__main__":
    main()
