#!/usr/bin/env python3
"""The whole daemon with HTTP and file sources, console and file channels: reload, stop, pause,
erase, bad input, a full disk, a corrupt store.

    http_test.py [build/release/huitou] [unittest arguments]
"""

import contextlib
import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import House, binary_of, judge, order, received, control, review, rfc3339, \
    small_config, wait_for  # noqa: E402

BINARY = None
TOKEN = "a-token-of-the-test-1234567890"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

CONFIG = small_config("  screen: {provider: console}\n")
THANKS = """
campaign: thanks
trigger: {event: review.posted}
where: event.review.rating == 5
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks, via: [outbox]}}
"""
TEMPLATES = {"thanks": "谢谢您的好评"}


def house(config=CONFIG, campaigns=None, templates=None, **more):
    return House(BINARY, config, campaigns or {"thanks": THANKS}, templates or TEMPLATES, **more)


def sent(one):
    """What the file channel has written."""
    if not os.path.exists(one.path("outbox.jsonl")):
        return []
    return [json.loads(line) for line in one.read("outbox.jsonl").splitlines()]


def orders_of(one, customer):
    status, known = one.get(f"/v1/customers/{customer}")
    return known["orders"] if status == 200 else 0


class Running(unittest.TestCase):
    def test_a_review_is_answered_and_everything_says_so(self):
        with house() as one:
            one.start()
            self.assertEqual(one.get("/healthz")[0], 200)
            one.post(review(1, "c1", time.time()), review(2, "c1", time.time(), rating=4))
            message = wait_for("the message", lambda: sent(one))[0]
            self.assertEqual((message["customer"], message["text"]), ("c1", "谢谢您的好评"))
            self.assertEqual(one.outcomes("c1"), ["entered", "dispatched", "completed"])
            self.assertEqual(one.decisions("c1")[1]["dispatch"], message["dispatch"])
            status, campaigns = one.get("/v1/campaigns")
            self.assertEqual([campaign["id"] for campaign in campaigns["campaigns"]], ["thanks"])
            self.assertEqual(campaigns["campaigns"][0]["counts"], {
                "candidates": 1, "entered": 1, "rejected": 0, "holdout": 0, "pending": 0,
                "waiting": 0, "completed": 1, "exited": 0, "failed": 0,
                "converted": {"treated": 0, "holdout": 0}, "money": {}})
            samples = one.metrics()
            self.assertEqual(
                samples['huitou_events_total{source="api",type="review.posted"}'], 2)
            self.assertEqual(samples["huitou_conservation_violations_total"], 0)
            self.assertEqual({name: value for name, value in samples.items()
                              if name.startswith("huitou_dispatches_total")},
                             {'huitou_dispatches_total{channel="outbox",outcome="accepted",'
                              'provider="file"}': 1})
            self.assertEqual(one.get("/v1/customers/nobody/timeline")[0], 404)

    def test_what_a_campaign_costs_and_brings_is_measured_and_survives_a_kill(self):
        gift = """
campaign: gift
trigger: {event: review.posted}
reentry: {key: event.review.id}
goal: {on: order.paid, within: 14d}
holdout: 50%
steps:
  - {id: gift, coupon: {value: 5 CNY, expires: 7d}}
  - {id: message, send: {template: thanks, via: [outbox]}}
"""
        with house(campaigns={"gift": gift}) as one:
            one.start()
            now = time.time()
            customers = [f"c{i}" for i in range(40)]
            one.post(*(review(name, name, now) for name in customers))
            one.post(*(order(name, name, now) for name in customers[:20]))
            wait_for("every order", lambda: sum(orders_of(one, name)
                                                for name in customers[:20]) == 20)
            treated = [name for name in customers if "entered" in one.outcomes(name)]
            self.assertGreater(len(treated), 5)
            self.assertLess(len(treated), 35)
            converted = sum(name in treated for name in customers[:20])
            rate = converted / len(treated) - (20 - converted) / (40 - len(treated))

            def measured():
                samples = one.metrics()
                estimate = samples.get('huitou_uplift{bound="estimate",campaign="gift"}')
                return estimate is not None and abs(estimate - rate) < 1e-6 and samples

            samples = wait_for("the uplift", measured)
            self.assertLess(samples['huitou_uplift{bound="lower",campaign="gift"}'], rate)
            self.assertGreater(samples['huitou_uplift{bound="upper",campaign="gift"}'], rate)
            money = 'huitou_money_spent{campaign="gift",currency="CNY"}'
            self.assertEqual(samples[money], 5 * len(treated))
            arms = [samples[f'huitou_conversions_total{{arm="{arm}",campaign="gift"}}']
                    for arm in ("treated", "holdout")]
            self.assertEqual(arms, [converted, 20 - converted])
            commits = [count for name, count in samples.items()
                       if name.startswith("huitou_commit_seconds_count")]
            self.assertGreater(sum(commits), 0)
            one.kill()
            one.start()
            samples = wait_for("the same uplift", measured)
            self.assertEqual(samples[money], 5 * len(treated))

    def test_a_condition_that_fails_is_counted_and_told(self):
        odd = THANKS.replace("event.review.rating == 5", "event.review.attributes.stars == 5")
        with house(campaigns={"thanks": odd}) as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            wait_for("the count", lambda: one.metrics().get(
                'huitou_condition_errors_total{campaign="thanks"}') == 1)
            wait_for("the word", lambda: "a condition failed" in one.log())

    def test_the_console_channel_prints(self):
        campaign = THANKS.replace("via: [outbox]", "via: [screen]")
        with house(campaigns={"thanks": campaign}) as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            wait_for("the text on the screen", lambda: "谢谢您的好评" in one.log())

    def test_explain_says_why_not(self):
        with house(shop="""
shop: {name: Shop, currency: CNY, timezone: Asia/Shanghai, locale: zh-CN}
consent: {default: opt_in}
""") as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            wait_for("the decision", lambda: one.outcomes("c1"))
            self.assertEqual([one["reason"] for one in one.decisions("c1")], ["consent"])
            code, text, _ = one.command("explain", "--customer", "c1", "--url",
                                        f"http://127.0.0.1:{one.port}")
            self.assertEqual(code, 0)
            self.assertIn("consent", text)
            self.assertEqual(one.get("/v1/customers/c1/explain?campaign=thanks")[0], 200)

    def test_repeated_events_count_once_and_late_ones_fire_nothing(self):
        away = ("campaign: away\ntrigger: {absence: {after: order.paid, of: order.paid, "
                "within: 1d}}\nsteps:\n  - {send: {template: thanks, via: [outbox]}}\n")
        config = CONFIG.replace("{name: api}", "{name: api, allowed_lateness: 1h}")
        with house(config, campaigns={"away": away}) as one:
            one.start()
            now = time.time()
            first = order(1, "c1", now)
            one.post(first, first)
            one.post(first, order(2, "c1", now))
            wait_for("two orders", lambda: orders_of(one, "c1") == 2)
            # Its window is long over: the profile has it, no win-back goes out for the past.
            one.post(order(3, "c2", now - 10 * 86400))
            wait_for("the late order", lambda: orders_of(one, "c2") == 1)
            wait_for("the counts", lambda: one.metrics().get(
                'huitou_duplicates_dropped_total{kind="event"}') == 2)
            self.assertEqual(one.metrics()['huitou_events_late_total{source="api"}'], 1)
            time.sleep(0.5)
            self.assertEqual(orders_of(one, "c1"), 2)
            self.assertEqual(one.outcomes("c2"), [])
            self.assertEqual(sent(one), [])

    def test_an_absence_survives_a_kill(self):
        away = ("campaign: away\ntrigger: {absence: {after: order.paid, of: order.paid, "
                "within: 2s}}\nsteps:\n  - {send: {template: thanks, via: [outbox]}}\n")
        with house(campaigns={"away": away}) as one:
            one.start()
            one.post(order(1, "c1", time.time()))
            one.kill()
            time.sleep(2)
            one.start()
            wait_for("the firing", lambda: sent(one))
            self.assertEqual(one.outcomes("c1"), ["entered", "dispatched", "completed"])

    def test_bad_events_are_named_and_none_is_taken(self):
        with house() as one:
            one.start()
            now = time.time()
            without_id = order(2, "c1", now)
            del without_id["id"]
            wrong_time = {**order(3, "c1", now), "time": "yesterday"}
            status, answer = one.ask("POST", "/v1/events",
                                     [order(1, "c1", now), without_id, wrong_time])
            self.assertEqual(status, 400)
            self.assertEqual([(error["index"], error["reason"]) for error in answer["errors"]],
                             [(1, "missing_field"), (2, "bad_time")])
            for body in (b"{", b"[{]", b"\xff\xfe", b"null", b"[1]", b"{}" * 3, b"[" * 100_000):
                status, answer = one.ask("POST", "/v1/events", body)
                self.assertEqual((status, answer["status"]), (400, 400), body[:20])
            self.assertIn(one.ask("POST", "/v1/events", b"x" * 20_000_000)[0], (413,))
            self.assertEqual(one.get("/v1/nowhere")[0], 404)
            self.assertEqual(one.ask("PUT", "/v1/events", b"")[0], 405)
            one.post(order(4, "c1", now))
            wait_for("the good one", lambda: orders_of(one, "c1") == 1)

    def test_forms_of_a_body(self):
        with house() as one:
            one.start()
            now = time.time()
            lines = "\n".join(json.dumps(order(i, "c1", now)) for i in range(3)).encode()
            self.assertEqual(one.ask("POST", "/v1/events", lines)[0], 202)
            self.assertEqual(one.ask("POST", "/v1/events", order(3, "c1", now))[0], 202)
            data = {"customer": {"id": "c1"}, "order": order(4, "c1", now)["order"]}
            headers = {"ce-specversion": "1.0", "ce-id": "ce4", "ce-type": "order.paid",
                       "ce-source": "/shop", "ce-time": rfc3339(now)}
            self.assertEqual(one.ask("POST", "/v1/events", data, headers)[0], 202)
            structured = {"specversion": "1.0", "id": "ce5", "type": "order.paid",
                          "source": "/shop", "time": rfc3339(now), "data": data}
            self.assertEqual(one.ask("POST", "/v1/events", structured, {
                "content-type": "application/cloudevents+json"})[0], 202)
            wait_for("six orders", lambda: orders_of(one, "c1") == 6)

    def test_slow_clients_do_not_keep_others_waiting(self):
        with house() as one:
            one.start()
            slow = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(40)]
            try:
                for connection in slow:
                    connection.sendall(b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n")

                def served():
                    try:
                        return one.get("/healthz")[0] == 200
                    except OSError:
                        return False
                wait_for("an answer beside 40 slow clients", served, patience_s=30)
            finally:
                for connection in slow:
                    connection.close()


class Reloading(unittest.TestCase):
    def test_a_good_set_is_taken_up_and_a_bad_one_is_not(self):
        with house() as one:
            one.start()
            more = THANKS.replace("campaign: thanks", "campaign: more").replace(
                "via: [outbox]", "via: [screen]")
            one.write("campaigns/more.yaml", more)
            one.process.send_signal(signal.SIGHUP)
            wait_for("the new campaign", lambda: len(one.get("/v1/campaigns")[1]["campaigns"]) == 2)
            numbers = iter(range(1000))

            def both():  # every shard takes the new set up between two turns
                number = next(numbers)
                one.post(review(f"try-{number}", f"try-{number}", time.time()))
                time.sleep(0.2)
                return one.outcomes(f"try-{number}").count("dispatched") == 2
            wait_for("both campaigns", both)

            one.write("campaigns/thanks.yaml", THANKS.replace("rating == 5", "ratin == 5"))
            one.process.send_signal(signal.SIGHUP)
            wait_for("the refusal", lambda: "reload refused" in one.log())
            self.assertIn("thanks.yaml:4", one.log())
            self.assertEqual(len(one.get("/v1/campaigns")[1]["campaigns"]), 2)
            one.post(review(2, "c2", time.time()))
            wait_for("the old set", lambda: one.outcomes("c2").count("dispatched") == 2)

            one.write("campaigns/thanks.yaml", THANKS)
            os.remove(one.path("campaigns/more.yaml"))
            one.process.send_signal(signal.SIGHUP)
            wait_for("one campaign", lambda: len(one.get("/v1/campaigns")[1]["campaigns"]) == 1)

            def only_the_old_one():
                number = next(numbers)
                one.post(review(f"try-{number}", f"try-{number}", time.time()))
                time.sleep(0.2)
                return one.outcomes(f"try-{number}").count("dispatched") == 1
            wait_for("the first campaign alone", only_the_old_one)

    def test_an_open_episode_goes_on_with_the_version_it_began_with(self):
        waiting = THANKS + "  - wait: {until: order.paid}\n" + \
            "  - {id: second, send: {template: second, via: [outbox]}}\n"
        texts = {**TEMPLATES, "second": "旧"}
        with house(campaigns={"thanks": waiting}, templates=texts) as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            wait_for("the first message", lambda: len(sent(one)) == 1)
            one.write("campaigns/thanks.yaml", THANKS)
            one.process.send_signal(signal.SIGHUP)
            wait_for("the reload", lambda: '"reloaded"' in one.log())
            self.assertEqual(one.stop(), 0)
            one.start()  # the old version comes from the store
            one.post(order(1, "c1", time.time()))
            wait_for("the second message", lambda: len(sent(one)) == 2)
            one.post(review(2, "c2", time.time()))
            wait_for("an episode of the new version",
                     lambda: one.outcomes("c2") == ["entered", "dispatched", "completed"])

    def refuses(self, one, *words):
        """What is on disk now is not taken up, and the log says why."""
        before = one.log().count("reload refused")
        one.process.send_signal(signal.SIGHUP)
        wait_for("the refusal", lambda: one.log().count("reload refused") > before)
        for word in words:
            self.assertIn(word, one.log().splitlines()[-1])

    def test_a_campaign_whose_channel_does_not_run_yet_is_not_taken_up(self):
        with house() as one:
            one.start()
            text = one.read("huitou.yaml")
            one.write("huitou.yaml", text.replace(
                "  screen:", "  letters: {provider: file, path: letters.jsonl}\n  screen:"))
            one.write("campaigns/more.yaml", THANKS.replace("campaign: thanks", "campaign: more")
                      .replace("via: [outbox]", "via: [letters, outbox]"))
            self.refuses(one, "more", "letters", "restart")
            one.post(review(1, "c1", time.time()))
            wait_for("the old set", lambda: one.outcomes("c1").count("dispatched") == 1)
            self.assertEqual(one.stop(), 0)
            one.start()
            one.post(review(2, "c2", time.time()))
            wait_for("both campaigns", lambda: one.outcomes("c2").count("dispatched") == 2)

    def test_another_provider_of_coupons_begins_with_a_restart(self):
        with house() as one:
            one.start()
            one.write("huitou.yaml", one.read("huitou.yaml") +
                      "coupons: {provider: http, url: \"http://127.0.0.1:1/\"}\n")
            self.refuses(one, "coupons", "restart")

    def test_the_currency_of_a_state_stays(self):
        with house() as one:
            one.start()
            one.write("shop.yaml", one.read("shop.yaml").replace("CNY", "JPY"))
            self.refuses(one, "CNY", "JPY", "state")
            self.assertEqual(one.stop(), 0)
            one.spawn()
            self.assertEqual(one.process.wait(60), 3, one.log())
            self.assertIn("JPY", one.log().splitlines()[-1])

    def test_a_paused_campaign_lets_nobody_in_until_it_is_resumed(self):
        with house() as one:
            one.start()
            self.assertEqual(one.ask("POST", "/v1/campaigns/thanks/pause")[0], 200)
            self.assertEqual(one.ask("POST", "/v1/campaigns/nothing/pause")[0], 404)
            one.post(review(1, "c1", time.time()))
            wait_for("the refusal", lambda: one.outcomes("c1") == ["rejected"])
            self.assertEqual(one.decisions("c1")[0]["reason"], "active")
            one.kill()
            one.start()  # it stays paused
            one.post(review(2, "c2", time.time()))
            wait_for("the refusal", lambda: one.outcomes("c2") == ["rejected"])
            self.assertEqual(one.ask("POST", "/v1/campaigns/thanks/resume")[0], 200)
            one.post(review(3, "c3", time.time()))
            wait_for("the message", lambda: len(sent(one)) == 1)


class Stopping(unittest.TestCase):
    def test_sigterm_lets_what_is_on_its_way_arrive(self):
        config = CONFIG.replace("  screen:", "  hook: {provider: webhook, url: "
                                "\"http://127.0.0.1:JUDGE/webhook\", secret: env:SECRET}\n"
                                "  screen:")
        campaign = THANKS.replace("via: [outbox]", "via: [hook]")
        with judge("provider_server.py") as (provider,), \
                house(config.replace("JUDGE", str(provider)), {"thanks": campaign},
                      env={"SECRET": SECRET}) as one:
            one.start()
            control(provider, path="/webhook", fault="slow", delay_ms=1000, times=-1)
            one.post(*[review(i, f"c{i}", time.time()) for i in range(20)])
            wait_for("sends on their way", lambda: received(provider)["open"] > 0)
            self.assertEqual(one.stop(), 0)
            before = {message["id"] for message in received(provider)["messages"]}
            control(provider, reset=True)
            one.start()
            wait_for("the rest", lambda: len(before | {
                message["id"] for message in received(provider)["messages"]}) == 20)
            again = [message["id"] for message in received(provider)["messages"]]
            self.assertEqual(before & set(again), set(), "sent twice around a clean stop")

    def test_a_stop_ends_though_nobody_reads_and_what_was_not_printed_comes_later(self):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 512)
        os.set_blocking(writer, True)
        campaign = THANKS.replace("[outbox]", "[screen]")
        with house(campaigns={"thanks": campaign}) as one:
            one.start(writer)
            one.post(*(review(i, f"c{i}", time.time()) for i in range(60)))
            wait_for("all decisions", lambda: one.get("/v1/campaigns")[1]["campaigns"][0]
                     ["counts"]["entered"] == 60)
            began = time.monotonic()
            self.assertEqual(one.stop(), 0)
            self.assertLess(time.monotonic() - began, 25)
            os.close(writer)
            self.assertEqual(b"", os.read(reader, 1 << 20).strip(b"x"), "nothing was printed")
            os.close(reader)
            one.start()
            printed = wait_for("all messages", lambda: one.log().count("thanks to c") >= 60)
            self.assertTrue(printed)
            self.assertEqual(one.stop(), 0)
            self.assertEqual([one.log().count(f"thanks to c{i}\n") for i in range(60)], [1] * 60)


class Showing(unittest.TestCase):
    def test_the_page_for_a_browser_shows_every_part_with_its_figures(self):
        with house() as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            wait_for("the message", lambda: sent(one))
            for row in ("<td>api</td><td>http</td><td class=\"n\">0</td><td>ok</td>",
                        "<td>outbox</td><td>file</td><td>closed</td><td class=\"n\">0</td>",
                        "<td>thanks</td><td>active</td><td class=\"n\">1</td><td class=\"n\">0</td>",
                        "<p class=\"good\">ready</p>"):
                wait_for(row, lambda text=row: text in one.get("/")[1])

    def test_a_first_start_that_was_killed_leaves_nothing_in_the_way_of_the_next(self):
        with house() as one:
            os.makedirs(one.path("state", "db"))
            one.start()
            self.assertEqual(one.stop(), 0)
            one.start()
            self.assertEqual(one.stop(), 0)

    def test_a_state_that_has_lost_its_store_does_not_begin_anew(self):
        with house() as one:
            one.start()
            self.assertEqual(one.stop(), 0)
            shutil.rmtree(one.path("state", "db"))
            for _ in range(2):
                one.spawn()
                self.assertEqual(one.process.wait(60), 3)
                self.assertIn("is empty, though", one.log())

    def test_a_state_that_kept_no_currency_says_which_one_it_takes(self):
        with house() as one:
            one.start()
            self.assertEqual(one.stop(), 0)
            self.assertNotIn("kept no currency", one.log())
            os.remove(one.path("state", "currency"))
            for _ in range(2):
                one.start()
                self.assertEqual(one.stop(), 0)
                self.assertEqual(one.log().count("kept no currency"), 1)
                self.assertIn('"currency":"CNY"', one.log())


class Rights(unittest.TestCase):
    def test_erase_leaves_nothing(self):
        with house() as one:
            one.start()
            now = time.time()
            one.post(order(1, "c1", now, phone="+8613812345678", email="erika@example.com"),
                     review(1, "c1", now), review(2, "other", now))
            wait_for("both messages", lambda: len(sent(one)) == 2)
            url = f"http://127.0.0.1:{one.port}"
            code, text, error = one.command("export", "--customer", "c1", "--url", url)
            self.assertEqual(code, 0, error)
            self.assertIn("+8613812345678", text)
            self.assertIn("review-1", text)
            code, text, error = one.command("erase", "--customer", "c1", "--url", url)
            self.assertEqual((code, text), (0, "erased\n"), error)
            self.assertEqual(one.get("/v1/customers/c1")[0], 404)
            self.assertEqual(one.get("/v1/customers/c1/timeline")[0], 404)
            self.assertEqual(one.command("export", "--customer", "c1", "--url", url)[:2], (1, ""))
            self.assertEqual(one.stop(), 0)
            self.assertEqual(
                one.command("export", "--customer", "c1", "--state", "state")[:2], (1, ""))
            self.assertEqual(
                one.command("export", "--customer", "other", "--state", "state")[0], 0)
            one.start()
            self.assertEqual(one.get("/v1/customers/c1")[0], 404)
            self.assertEqual(one.get("/v1/customers/other")[0], 200)
            one.post(order(9, "c1", time.time()))  # a new customer of the same name
            wait_for("the new order", lambda: orders_of(one, "c1") == 1)

    def test_erase_from_the_state_directory(self):
        with house() as one:
            one.start()
            one.post(order(1, "c1", time.time()), order(2, "c2", time.time()))
            wait_for("the orders", lambda: orders_of(one, "c1") == 1 == orders_of(one, "c2"))
            self.assertEqual(one.stop(), 0)
            code, text, error = one.command("export", "--customer", "c1", "--state", "state")
            self.assertEqual(code, 0, error)
            self.assertIn("order-1", text)
            self.assertEqual(one.command("erase", "--customer", "c1", "--state", "state")[0], 0)
            self.assertEqual(
                one.command("export", "--customer", "c1", "--state", "state")[:2], (1, ""))
            one.start()
            self.assertEqual(one.get("/v1/customers/c1")[0], 404)
            self.assertEqual(orders_of(one, "c2"), 1)

    def test_who_has_no_token_learns_nothing(self):
        config = CONFIG.replace("{port}\"}", "{port}\", tokens: file:tokens}")
        with house(config) as one:
            one.write("tokens", TOKEN + "\n")
            one.start()
            for path in ("/v1/campaigns", "/v1/customers/c1", "/v1/customers/c1/timeline",
                         "/v1/customers/c1/explain", "/", "/openapi.json"):
                self.assertEqual(one.get(path)[0], 401, path)
            self.assertEqual(one.ask("POST", "/v1/events", order(1, "c1", time.time()))[0], 401)
            self.assertEqual(one.ask("DELETE", "/v1/customers/c1")[0], 401)
            self.assertEqual(one.ask("POST", "/v1/campaigns/thanks/pause")[0], 401)
            for wrong in (TOKEN[:-1], TOKEN + "x", "", "Basic"):
                one.headers = {"authorization": "Bearer " + wrong}
                self.assertEqual(one.get("/v1/campaigns")[0], 401)
            one.headers = {"authorization": "Bearer " + TOKEN}
            self.assertEqual(one.get("/v1/campaigns")[0], 200)
            one.headers = {}
            for path in ("/metrics", "/healthz", "/readyz"):
                self.assertEqual(one.get(path)[0], 200, path)
            # Only a provider that signs may call back; the file channel has none.
            self.assertEqual(one.ask("POST", "/v1/callbacks/outbox", {})[0], 404)
            self.assertGreaterEqual(sum(
                value for name, value in one.metrics().items()
                if name.startswith("huitou_http_requests_total") and 'status="401"' in name), 13)
            self.assertNotIn(TOKEN, one.log())

    def test_a_page_in_a_browser_has_no_right_on_loopback(self):
        with house() as one:
            one.start()
            self.assertIn(one.ask("GET", "/v1/campaigns", headers={
                "origin": "https://evil.example.com"})[0], (401, 403))
            connection = http.client.HTTPConnection("127.0.0.1", one.port)
            connection.request("GET", "/v1/campaigns", headers={"host": "evil.example.com"})
            self.assertIn(connection.getresponse().status, (401, 403))
            connection.close()

    def test_secrets_and_addresses_are_never_printed(self):
        config = CONFIG.replace("  screen:", """  hook: {provider: webhook, secret: env:SECRET,
         url: "http://127.0.0.1:1/webhook"}
  sms: {provider: aliyun, access_key_id: env:KEY_ID, access_key_secret: env:KEY, sign_name: s,
        endpoint: "http://127.0.0.1:1"}
  screen:""").replace("{port}\"}", "{port}\", tokens: file:tokens}\nlog: {level: debug}")
        campaign = THANKS.replace("via: [outbox]", "via: [sms, hook, outbox]")
        texts = {"thanks": "thanks", "thanks.sms": "---\ncode: SMS_1\n---\nthanks"}
        secrets = {"SECRET": SECRET, "KEY_ID": "LTAI-key-id-of-the-test",
                   "KEY": "key-secret-of-the-test"}
        with house(config, {"thanks": campaign}, texts, env=secrets) as one:
            one.write("tokens", TOKEN + "\n")
            one.headers = {"authorization": "Bearer " + TOKEN}
            one.start()
            one.post(review(1, "c1", time.time(), phone="+8613812345678",
                            email="erika@example.com", wechat_openid="openid-of-erika"))
            one.ask("POST", "/v1/events", [{"id": "x", "customer": {"phone": "+8613812345678"}}])
            wait_for("an attempt", lambda: any(
                name.startswith("huitou_dispatches_total") for name in one.metrics()))
            answers = json.dumps([one.get(path) for path in (
                "/metrics", "/v1/campaigns", "/v1/customers/c1", "/v1/customers/c1/explain")])
            self.assertEqual(one.stop(), 0)
            for word in [TOKEN, *secrets.values(), SECRET[6:], "13812345678",
                         "erika@example.com", "openid-of-erika"]:
                self.assertNotIn(word, one.log())
                self.assertNotIn(word, answers)


class FileSource(unittest.TestCase):
    CONFIG = CONFIG.replace("  - http: {name: api}", "  - http: {name: api}\n"
                            "  - file: {name: history, path: history.jsonl.gz}\n"
                            "  - file: {name: feed, path: feed.jsonl, follow: true}")

    def test_history_is_read_once_and_a_growing_file_for_ever(self):
        with house(self.CONFIG) as one:
            start = time.time() - 3600
            lines = [json.dumps(order(i, f"c{i % 10}", start + i)) for i in range(100)]
            lines.insert(50, "no json {")
            with gzip.open(one.path("history.jsonl.gz"), "wt") as file:
                file.write("\n".join(lines) + "\n")
            one.write("feed.jsonl", json.dumps(order("f1", "c1", time.time())) + "\n")
            one.start()
            wait_for("history and feed", lambda: orders_of(one, "c0") == 10 and
                     orders_of(one, "c1") == 11)
            rejected = 'huitou_events_rejected_total{reason="bad_json",source="history"}'
            wait_for("the count", lambda: one.metrics().get(rejected) == 1)
            with open(one.path("feed.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps(order("f2", "c1", time.time())) + "\n")
            wait_for("the new line", lambda: orders_of(one, "c1") == 12)
            one.kill()
            with open(one.path("feed.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps(order("f3", "c1", time.time())) + "\n")
            one.start()
            wait_for("the line after a kill", lambda: orders_of(one, "c1") == 13)
            self.assertEqual(orders_of(one, "c0"), 10)


class CannotRun(unittest.TestCase):
    def ends(self, one):
        one.spawn()
        code = one.process.wait(60)
        return code, one.log()

    def test_a_port_that_is_taken(self):
        with house() as one, socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", one.port))
            other.listen()
            code, log = self.ends(one)
            self.assertEqual(code, 3, log)
            self.assertIn(str(one.port), log)

    def test_a_second_daemon_on_one_state_directory(self):
        with house() as one:
            one.start()
            first = one.process
            text = one.read("huitou.yaml")
            one.write("huitou.yaml", text.replace(str(one.port), "0"))
            one.spawn()
            code = one.process.wait(60)
            one.process = first
            self.assertEqual(code, 3, one.log())
            self.assertIn("state", one.log())
            self.assertEqual(one.get("/readyz")[0], 200)

    def test_mistakes_in_the_configuration(self):
        with house() as one:
            one.write("campaigns/thanks.yaml", THANKS.replace("steps:", "step:"))
            code, log = self.ends(one)
            self.assertEqual(code, 1, log)
            self.assertRegex(log, r"thanks.yaml:\d+:\d+: error: .*step")

    def test_files_that_are_not_there(self):
        with house() as one:
            os.remove(one.path("huitou.yaml"))
            code, log = self.ends(one)
            self.assertEqual(code, 3, log)
            self.assertIn("huitou.yaml", log)

    def test_a_secret_that_is_not_there(self):
        config = CONFIG.replace("  screen:", "  hook: {provider: webhook, secret: env:NOT_THERE, "
                                "url: \"http://127.0.0.1:1/\"}\n  screen:")
        with house(config) as one:
            code, log = self.ends(one)
            self.assertIn(code, (1, 3), log)
            self.assertIn("NOT_THERE", log)

    def test_a_state_directory_that_cannot_be_made(self):
        with house() as one:
            one.write("state", "a file is in the way")
            code, log = self.ends(one)
            self.assertEqual(code, 3, log)
            self.assertIn("state", log)


class CorruptStore(unittest.TestCase):
    """Each way to spoil the files: the daemon refuses with a message and exit code 3."""

    def spoil(self, one, kind, change):
        folder = one.path("state/db")
        names = [name for name in sorted(os.listdir(folder)) if kind(name)]
        self.assertTrue(names, os.listdir(folder))
        for name in names:
            with open(os.path.join(folder, name), "r+b") as file:
                data = bytearray(file.read())
                change(data)
                file.seek(0)
                file.truncate()
                file.write(data)

    def refuses(self, kind, change):
        with house() as one:
            one.start()
            one.post(*[order(i, f"c{i % 50}", time.time()) for i in range(500)])
            wait_for("the orders", lambda: all(orders_of(one, f"c{i}") == 10 for i in range(50)))
            one.kill()  # closed in order, the store would have nothing left in its log
            self.spoil(one, kind, change)
            one.spawn()
            code = one.process.wait(60)
            self.assertEqual(code, 3, one.log())
            self.assertRegex(one.log().lower(), "corrupt|damaged|checksum|cannot be read|missing")
            self.assertIn(one.path("state"), one.log())

    @staticmethod
    def flip_in_the_middle(data):
        for i in range(len(data) // 2, min(len(data) // 2 + 64, len(data))):
            data[i] ^= 0xff

    def test_a_manifest_with_flipped_bytes(self):
        self.refuses(lambda name: name.startswith("MANIFEST"), self.flip_in_the_middle)

    def test_a_log_with_flipped_bytes(self):
        self.refuses(lambda name: name.endswith(".log"), self.flip_in_the_middle)

    def test_a_current_file_that_is_empty(self):
        self.refuses(lambda name: name == "CURRENT", lambda data: data.clear())


class FullDisk(unittest.TestCase):
    SIZE = 96 << 20

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small disk needs root")

    @contextlib.contextmanager
    def small_disk(self):
        """A house whose state is on a disk of SIZE, and the path of the file that fills it."""
        with house(CONFIG.replace("dir: state", "dir: disk/state")) as one:
            disk = one.path("disk")
            os.mkdir(disk)
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "tmpfs",
                                      disk], capture_output=True, check=False)
            if mounted.returncode != 0:
                self.skipTest("no right to mount a tmpfs here")
            try:
                yield one, os.path.join(disk, "ballast")
            finally:
                one.kill()
                subprocess.run(["umount", disk], check=True)

    def fill(self, one, ballast):
        """The number of orders that were taken until no more are."""
        one.start()
        taken = 0
        one.post(order("first", "c1", time.time()))
        taken += 1
        wait_for("the first order", lambda: orders_of(one, "c1") == 1)
        with open(ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * (1 << 16))
            except OSError:
                pass
        refused = 0
        number = 0
        # What was set aside before may still take some.
        while refused < 5 and number < 20_000:
            batch = [order(f"full-{number}-{i}", "c1", time.time(), note="x" * 1000)
                     for i in range(200)]
            number += 200
            status, answer = one.ask("POST", "/v1/events", batch)
            self.assertIn(status, (202, 429, 503), answer)
            if status == 202:
                taken += len(batch)
            else:
                refused += 1
                self.assertIn("disk is full", answer["detail"])
        self.assertEqual(refused, 5, "the disk is full, yet events are taken")
        self.assertIsNone(one.process.poll(), one.log()[-2000:])
        return taken

    def test_a_full_disk_refuses_events_and_recovers_by_itself(self):
        with self.small_disk() as (one, ballast):
            self.recovers(one, ballast)

    def test_a_stop_on_a_full_disk_is_no_corruption(self):
        with self.small_disk() as (one, ballast):
            taken = self.fill(one, ballast)
            self.assertEqual(one.stop(), 0)
            self.assertNotIn("trusted", one.log())
            os.remove(ballast)
            one.start()
            wait_for("every accepted order", lambda: orders_of(one, "c1") == taken)

    def recovers(self, one, ballast):
        taken = self.fill(one, ballast)
        wait_for("a word in the log", lambda: "disk is full" in one.log())
        wait_for("unreadiness", lambda: one.readiness()[0] == 503)
        self.assertIn("disk is full", str(one.readiness()[1]))
        wait_for("the gauge", lambda: one.metrics()["huitou_ready"] == 0)
        os.remove(ballast)
        wait_for("readiness after the disk has room", lambda: one.readiness()[0] == 200)

        def accepted():
            return one.ask("POST", "/v1/events", order("last", "c1", time.time()))[0] == 202
        wait_for("events are taken again", accepted)
        taken += 1
        wait_for("every accepted order", lambda: orders_of(one, "c1") >= taken)
        self.assertEqual(orders_of(one, "c1"), taken)
        self.assertEqual(one.stop(), 0)
        one.start()
        self.assertEqual(orders_of(one, "c1"), taken)


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    unittest.main(verbosity=2)
