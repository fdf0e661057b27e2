#!/usr/bin/env python3
"""What customers reach from their messages: the preference page, one-click unsubscribe and counted
links of the whole daemon, the page in a real Chromium.

    public_test.py [build/release/huitou] [unittest arguments]

SCREENSHOTS=FOLDER keeps pictures of the pages.
"""

import json
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chromium  # noqa: E402
from house import House, ask, binary_of, review, small_config, wait_for  # noqa: E402

BINARY = None

CONFIG = small_config("""\
  email: {provider: smtp, url: "smtp://127.0.0.1:1", from: "Shop <shop@example.com>"}
  sms: {provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef, auth_token: env:SECRET,
        from: "+15005550006"}
""")
PUBLIC = """
public:
  url: http://127.0.0.1:{port}
  secret: env:SECRET
  links: {sale: "https://shop.example.com/sale?from=huitou"}
"""
CAMPAIGNS = {
    "thanks": """
campaign: thanks
trigger: {event: review.posted}
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks, via: [outbox]}}
""",
    "curious": """
campaign: curious
trigger: {event: message.clicked}
reentry: always
steps:
  - {id: message, send: {template: curious, via: [outbox]}}
"""}
TEMPLATES = {"thanks": "谢谢 {{link.sale}} 退订 {{unsubscribe_url}}", "curious": "新款到店"}
PERSON = {"email": "li@example.com", "phone": "+8613800000000"}


def house(config=CONFIG + PUBLIC, **more):
    return House(BINARY, config, CAMPAIGNS, TEMPLATES, env={"SECRET": "a-secret-of-the-test-1234"},
                 **more)


def sent(one):
    if not os.path.exists(one.path("outbox.jsonl")):
        return []
    return [json.loads(line) for line in one.read("outbox.jsonl").splitlines()]


def links_of(one, number=1, customer="c1", **fields):
    """The paths of a counted link and of the page, out of a message that they get."""
    already = len(sent(one))
    one.post(review(number, customer, time.time(), **PERSON, **fields))
    text = wait_for("the message", lambda: sent(one)[already:])[0]["text"]
    link, page = re.findall(r"http://127\.0\.0\.1:\d+(/\S+)", text)
    assert link.startswith("/l/") and page.startswith("/u/"), text
    return link, page


def post_form(one, page, body):
    return ask(one.port, "POST", page, body.encode(),
               {"content-type": "application/x-www-form-urlencoded"})


def refusals(one, customer="c1"):
    return [line["reason"] for line in one.decisions(customer) if line["outcome"] == "rejected"]


class Unsubscribe(unittest.TestCase):
    def test_one_click_ends_the_messages_and_outlives_a_crash(self):
        with house() as one:
            one.start()
            _, page = links_of(one)
            for method in ("GET", "HEAD", "GET"):
                self.assertEqual(ask(one.port, method, page)[0], 200)
            links_of(one, 2)  # looking changed nothing
            self.assertEqual(post_form(one, page, "List-Unsubscribe=One-Click")[0], 200)
            one.kill()  # what was answered is durable
            one.start()
            one.post(review(3, "c1", time.time()))
            wait_for("the refusal", lambda: refusals(one) == ["consent"])
            self.assertEqual(len(sent(one)), 2)
            status, explained = one.get("/v1/customers/c1/explain")
            self.assertEqual(status, 200)
            self.assertIn("consent", json.dumps(explained))

    def test_another_instance_with_the_secret_knows_the_token(self):
        with house() as one, house() as other:
            one.start()
            other.start()
            _, page = links_of(one)
            self.assertEqual(post_form(other, page, "List-Unsubscribe=One-Click")[0], 200)
            other.post(review(1, "c1", time.time()))
            wait_for("the refusal", lambda: refusals(other) == ["consent"])

    def test_strangers_get_nowhere(self):
        with house() as one:
            one.start()
            link, page = links_of(one)
            for path in (page[:-1], page + "A", page[:-4] + "AAAA", "/u/" + "A" * 900,
                         link[:-1] + ("A" if link[-1] != "A" else "B")):
                self.assertEqual(ask(one.port, "GET", path)[0], 404, path)
                self.assertIn(post_form(one, path, "action=stop")[0], (404, 405), path)
            links_of(one, 2)


class Links(unittest.TestCase):
    def test_a_click_leads_on_and_starts_a_campaign(self):
        with house() as one:
            one.start()
            link, _ = links_of(one)
            self.assertEqual(ask(one.port, "HEAD", link)[0], 302)
            self.assertEqual(ask(one.port, "GET", link, headers={"sec-purpose": "prefetch"})[0],
                             503)
            self.assertEqual(len(sent(one)), 1)
            self.assertEqual(ask(one.port, "GET", link)[0], 302)
            wait_for("the campaign", lambda: len(sent(one)) == 2)
            self.assertEqual(sent(one)[1]["text"], "新款到店")
            self.assertLessEqual(len(link), len("/l/") + 32)

    def test_a_click_of_an_erased_customer_is_none(self):
        with house() as one:
            one.start()
            link, _ = links_of(one)
            self.assertEqual(one.ask("DELETE", "/v1/customers/c1")[0], 204)
            self.assertEqual(ask(one.port, "GET", link)[0], 302)
            one.post(review(9, "other", time.time()))
            wait_for("a later event", lambda: one.outcomes("other"))
            self.assertEqual(one.get("/v1/customers/c1")[0], 404)


class Check(unittest.TestCase):
    def test_check_tells_what_is_missing(self):
        with house(CONFIG) as one:
            code, out, errors = one.command("check", "huitou.yaml")
            self.assertEqual(code, 0, errors)
            self.assertIn("thanks.mustache:1:6: warning: 'link.sale' is left out", out + errors)
            self.assertIn("'unsubscribe_url' is left out", out + errors)
        with house(CONFIG + PUBLIC.replace("sale:", "sales:")) as one:
            code, out, errors = one.command("check", "huitou.yaml")
            self.assertEqual(code, 1)
            self.assertIn("no link 'sale'", out + errors)
            self.assertIn("did you mean 'sales'", out + errors)
        with house() as one:
            code, out, errors = one.command("check", "huitou.yaml")
            self.assertEqual((code, "left out" in out + errors), (0, False), errors)

    def test_without_a_public_door_the_words_are_left_out(self):
        with house(CONFIG) as one:
            one.start()
            one.post(review(1, "c1", time.time()))
            self.assertEqual(wait_for("the message", lambda: sent(one))[0]["text"], "谢谢  退订 ")
            self.assertEqual(ask(one.port, "GET", "/u/AAAA")[0], 404)


@unittest.skipUnless(chromium.is_there(), "there is no Chromium")
class Browser(unittest.TestCase):
    def look(self, browser, name):
        """What every page must be; keeps a picture."""
        self.assertEqual(browser.complaints, [])
        self.assertLessEqual(browser.evaluate("document.documentElement.scrollWidth"),
                             browser.evaluate("document.documentElement.clientWidth"))
        self.assertEqual(browser.evaluate("document.scripts.length"), 0)
        self.assertEqual(browser.evaluate(
            "[...document.querySelectorAll('input[type=checkbox]')]"
            ".filter(e => e.labels.length != 1 || !e.labels[0].innerText.trim()).length"), 0)
        # A finger needs 44 pixels.
        self.assertGreaterEqual(browser.evaluate(
            "Math.min(...[...document.querySelectorAll('label,button')]"
            ".map(e => e.getBoundingClientRect().height))"), 44)
        if os.environ.get("SCREENSHOTS"):
            browser.screenshot(os.path.join(os.environ["SCREENSHOTS"], name + ".png"))

    def states(self, browser):
        return browser.evaluate("Object.fromEntries([...document.querySelectorAll("
                                "'input[type=checkbox]')].map(e => [e.value, e.checked]))")

    def test_a_customer_chooses_on_a_phone_in_english(self):
        with house() as one, chromium.Chromium("en-GB", 390, 844) as browser:
            one.start()
            _, page = links_of(one)
            url = f"http://127.0.0.1:{one.port}{page}"
            browser.open(url)
            self.assertEqual(browser.evaluate("document.documentElement.lang"), "en")
            self.look(browser, "phone-en")
            self.assertEqual({asked for asked in browser.requests
                              if not asked.startswith("data:")}, {url})
            everything = {f"{channel}.{kind}": True for channel in ("email", "outbox", "sms")
                          for kind in ("marketing", "transactional")}
            self.assertEqual(self.states(browser), everything)
            browser.click("label:has([value='email.marketing'])")
            browser.click("label:has([value='sms.transactional'])")
            browser.submit("button[value=save]")
            self.assertEqual(browser.evaluate("document.querySelector('[role=status]').innerText"),
                             "Saved.")
            chosen = {**everything, "email.marketing": False, "sms.transactional": False}
            self.assertEqual(self.states(browser), chosen)
            self.look(browser, "phone-en-saved")
            browser.open(url)
            self.assertEqual(self.states(browser), chosen)
            browser.click("label:has([value='email.marketing'])")
            browser.submit("button[value=save]")
            self.assertEqual(self.states(browser), {**everything, "sms.transactional": False})

    def test_a_customer_unsubscribes_in_chinese(self):
        with house() as one, chromium.Chromium("fr", 1024) as browser:
            one.start()
            _, page = links_of(one, locale="zh-CN")
            browser.open(f"http://127.0.0.1:{one.port}{page}")
            self.assertEqual(browser.evaluate("document.documentElement.lang"), "zh-CN")
            self.assertIn("短信", browser.evaluate("document.body.innerText"))
            self.look(browser, "wide-zh")
            browser.submit("button[value=stop]")
            self.assertIn("已退订", browser.evaluate("document.body.innerText"))
            self.look(browser, "wide-zh-stopped")
            one.post(review(2, "c1", time.time()))
            wait_for("the refusal", lambda: refusals(one) == ["consent"])
            browser.submit("button[value=stop_all]")
            self.assertEqual([name for name, on in self.states(browser).items()
                              if on and name.endswith(".marketing")], [])


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    unittest.main(verbosity=2)
