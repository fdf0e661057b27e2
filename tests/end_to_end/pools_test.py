#!/usr/bin/env python3
"""Coupon codes of the shop file's pools through the whole daemon: killed in the middle, run out,
appended to, reloaded.

    pools_test.py [build/release/huitou] [unittest arguments]
"""

import collections
import json
import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import House, SHOP, binary_of, order, small_config, wait_for  # noqa: E402

BINARY = None

GIFT = """
campaign: NAME
trigger: {event: order.paid}
where: customer.id.startsWith("NAME")
steps:
  - {id: gift, coupon: {value: 50 CNY, codes: pool:POOL}}
  - {id: message, send: {template: gift, via: [outbox]}}
"""
TEMPLATES = {"gift": "code {{coupon.code}}"}


def gift(name, pool):
    return GIFT.replace("NAME", name).replace("POOL", pool)


def pools(**lows):
    entries = ", ".join(f"{name}: {{file: {name}.csv, low: {low}}}" for name, low in lows.items())
    return SHOP + f"pools: {{{entries}}}\n"


def codes_by_dispatch(one):
    """What was sent: the dispatches with their codes; a repeat must carry the same."""
    codes = {}
    if os.path.exists(one.path("outbox.jsonl")):
        for line in one.read("outbox.jsonl").splitlines():
            message = json.loads(line)
            code = message["text"].removeprefix("code ")
            assert codes.setdefault(message["dispatch"], code) == code, message
    return codes


def given(one, pool):
    """The book: dispatches by code."""
    book = collections.defaultdict(set)
    for record in one.read(f"{pool}.csv.given").split("\n"):
        fields = record.split("\t")
        if fields[0] == "given":
            book[fields[1]].add(fields[2])
    return book


class Pools(unittest.TestCase):
    def house(self, shop):
        return House(BINARY, small_config(), {"a": gift("a", "big")}, TEMPLATES, shop=shop)

    def test_killed_over_and_over_it_gives_every_code_once(self):
        chance = random.Random(3)
        codes = [f"CODE-{number:04}" for number in range(150)]
        customers = [f"a{number}" for number in range(240)]
        with self.house(pools(big=10)) as one:
            one.write("big.csv", "\n".join(codes) + "\n")
            one.start()
            for first in range(0, len(customers), 20):
                now = time.time()
                one.post(*[order(name, name, now) for name in customers[first:first + 20]])
                if chance.random() < 0.7:
                    time.sleep(chance.random() * 0.2)
                    one.kill()
                    one.start()
            ends = {}

            def all_ended():
                for name in customers:
                    if ends.get(name) not in ("completed", "failed", "rejected"):
                        ends[name] = (one.outcomes(name) or [""])[-1]
                return set(ends.values()) <= {"completed", "failed", "rejected"}

            wait_for("the end of every episode", all_ended, every_s=0.2)
            count = collections.Counter(ends.values())
            self.assertEqual(count["completed"], len(codes), count)
            for name in customers:
                reasons = {one_of.get("reason") for one_of in one.decisions(name)
                           if one_of["outcome"] in ("failed", "rejected")}
                self.assertLessEqual(reasons, {"stock", "coupon_refused"})
            wait_for("the messages", lambda: len(codes_by_dispatch(one)) == len(codes))
            self.assertEqual(sorted(codes_by_dispatch(one).values()), codes)
            self.assertTrue(all(len(to) == 1 for to in given(one, "big").values()))
            self.assertEqual(one.metrics()['huitou_coupon_pool_remaining{pool="big"}'], 0)
            self.assertEqual(one.stop(), 0)
            one.start()
            self.assertEqual(sorted(codes_by_dispatch(one).values()), codes)

    def test_an_empty_pool_refuses_until_codes_are_appended(self):
        with self.house(pools(big=2)) as one:
            one.write("big.csv", "A\nB\n")
            one.start()
            gauge = 'huitou_coupon_pool_remaining{pool="big"}'
            wait_for("the gauge", lambda: one.metrics().get(gauge) == 2)
            self.assertEqual(one.metrics()['huitou_coupon_pool_low{pool="big"}'], 2)
            for name in ("a1", "a2", "a3"):
                one.post(order(name, name, time.time()))
                wait_for(name, lambda: (one.outcomes(name) or [""])[-1] in
                         ("completed", "rejected"))
            self.assertEqual(one.outcomes("a3"), ["rejected"])
            self.assertEqual(one.decisions("a3")[0]["reason"], "stock")
            self.assertIn("refused: stock", one.command(
                "explain", "--customer", "a3", "--url", f"http://127.0.0.1:{one.port}")[1])
            wait_for("the warning", lambda: "coupon pool empty" in one.log())
            with open(one.path("big.csv"), "a", encoding="utf-8") as file:
                file.write("C\nD\n")
            wait_for("the new codes", lambda: one.metrics().get(gauge) == 2)
            one.post(order("a4", "a4", time.time()))
            wait_for("a4", lambda: "completed" in one.outcomes("a4"))
            # An episode that only sends is complete before its message is written.
            wait_for("the messages", lambda: sorted(codes_by_dispatch(one).values()) ==
                     ["A", "B", "C"])

    def test_a_reload_takes_up_new_pools_and_refuses_wrong_ones(self):
        with self.house(pools(big=0)) as one:
            one.write("big.csv", "A\nB\n")
            one.start()
            one.post(order("a1", "a1", time.time()))
            wait_for("a1", lambda: "completed" in one.outcomes("a1"))
            one.write("shop.yaml", pools(big=0, small=0))
            code, _, told = one.command("check", "--config", "huitou.yaml", "shop.yaml")
            self.assertEqual(code, 1)
            self.assertIn("cannot read 'small.csv'", told)
            one.process.send_signal(signal.SIGHUP)
            wait_for("the refusal", lambda: "reload refused" in one.log())
            one.write("small.csv", "S-1\nS-2\nS-1\n")
            self.assertIn("small.csv:3:1: error: the code of line 1 again",
                          one.command("check", "--config", "huitou.yaml", "shop.yaml")[2])
            one.write("small.csv", "S-1\nS-2\n")
            one.write("campaigns/b.yaml", gift("b", "small"))
            one.process.send_signal(signal.SIGHUP)
            wait_for("the reload", lambda: '"reloaded"' in one.log() or " reloaded" in one.log())
            for name in ("a2", "b1"):
                one.post(order(name, name, time.time()))
                wait_for(name, lambda: "completed" in one.outcomes(name))
            # An episode that only sends is complete before its message is written.
            wait_for("the messages", lambda: sorted(codes_by_dispatch(one).values()) ==
                     ["A", "B", "S-1"])
            one.write("shop.yaml", pools(small=0))
            os.remove(one.path("campaigns/a.yaml"))
            one.process.send_signal(signal.SIGHUP)
            gauge = 'huitou_coupon_pool_remaining{pool="big"}'
            wait_for("the pool to go", lambda: gauge not in one.metrics())

    def test_two_daemons_do_not_give_from_one_file(self):
        with self.house(pools(big=0)) as one, self.house(pools(big=0)) as other:
            one.write("big.csv", "A\n")
            one.start()
            other.write("shop.yaml", SHOP + f"pools: {{big: {{file: {one.path('big.csv')}}}}}\n")
            other.spawn()
            self.assertEqual(other.process.wait(60), 3)
            self.assertIn("another daemon gives these codes", other.log())


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    unittest.main(verbosity=2)
