#!/usr/bin/env python3
"""The whole daemon with mail, SMS, WeChat and webhooks towards judges that verify for real: Chinese
texts, tokens that expire, refusals, limits, providers that hang or are down, fallbacks, receipts.

    channels_test.py [build/release/huitou] [unittest arguments]
"""

import datetime
import importlib.util
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import SKIPPED, House, ask, binary_of, control, free_port, judge, received, review, \
    wait_for  # noqa: E402

BINARY = None
SECRETS = {"WEBHOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "KEY_ID": "judge-key-id",
           "KEY": "judge-key-secret", "APP_SECRET": "judge-app-secret",
           "SMS_CALLBACK": "sms-callback-token-1234", "WECHAT_CALLBACK": "wechatcallbacktoken",
           "TENCENT_ID": "judge-secret-id", "TENCENT_KEY": "judge-secret-key",
           "TWILIO": "judge-auth-token",
           "AES": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
APP_ID = "wx5823bf96d3bd56c7"
CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api}}]
channels:
  email: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: "回头小店 <shop@example.com>"}
  sms: {provider: aliyun, access_key_id: env:KEY_ID, access_key_secret: env:KEY,
        sign_name: 回头小店, endpoint: "http://127.0.0.1:HTTP", callback_token: env:SMS_CALLBACK,
        timeout: 1s}
  tencent: {provider: tencent, secret_id: env:TENCENT_ID, secret_key: env:TENCENT_KEY,
            sdk_app_id: "1400006666", sign_name: 回头小店, endpoint: "http://127.0.0.1:HTTP",
            callback_token: env:SMS_CALLBACK, timeout: 1s}
  twilio: {provider: twilio, account_sid: ACCOUNT, auth_token: env:TWILIO, from: "+15005550006",
           endpoint: "http://127.0.0.1:HTTP", timeout: 1s, rate: 100/s,
           callback_url: "http://127.0.0.1:{port}/v1/callbacks/twilio"}
  wechat: {provider: wechat_template, app_id: APP_ID, app_secret: env:APP_SECRET,
           endpoint: "http://127.0.0.1:HTTP", callback_token: env:WECHAT_CALLBACK,
           encoding_aes_key: env:AES}
  subscription: {provider: wechat_subscription, app_id: APP_ID, app_secret: env:APP_SECRET,
                 endpoint: "http://127.0.0.1:HTTP"}
  hook: {provider: webhook, url: "http://127.0.0.1:HTTP/webhook", secret: env:WEBHOOK, timeout: 1s}
http: {listen: "127.0.0.1:{port}"}
""".replace("ACCOUNT", "AC0123456789abcdef0123456789abcdef")
THANKS = """
campaign: thanks-{name}
trigger: {event: review.posted}
where: event.review.sku == '{name}' || event.review.sku == 'all'
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks, via: [{via}], defaults: {name: 朋友}}}
"""
TEXT = "{{#name}}{{name}}{{/name}}：谢谢您的五星好评！😊 “常回来看看” & <3"
TEMPLATES = {
    "thanks": TEXT,
    "thanks.email": "---\nsubject: 谢谢您，{{#name}}{{name}}{{/name}}！这是一个足够长的主题，"
                    "长到一行邮件标题放不下为止\n---\n" + TEXT,
    "thanks.sms": "---\ncode: SMS_123456\nparam.name: {{#name}}{{name}}{{/name}}\n---\n" + TEXT,
    "thanks.tencent": "---\ntemplate_id: 1234\nparam.1: {{#name}}{{name}}{{/name}}\n---\n" + TEXT,
    "thanks.wechat": "---\ntemplate_id: WECHAT_TEMPLATE_ID_00000001\n"
                     "data.thing1: {{#name}}{{name}}{{/name}}\n---\n" + TEXT,
}
TEMPLATES["thanks.subscription"] = TEMPLATES["thanks.wechat"]
NAME = "王小明 “O'Neil”"
RENDERED = NAME + "：谢谢您的五星好评！😊 “常回来看看” & <3"


def of_provider(port, provider):
    return [message for message in received(port)["messages"] if message["provider"] == provider]


def campaign(name, via=None):
    return THANKS.replace("{name}", name).replace("{via}", via or name)


def customer(number):
    return {"phone": f"+86138{number:08d}", "email": f"c{number}@example.com",
            "wechat_openid": f"openid_{number:04d}", "name": NAME}


def five_stars(number, sku):
    made = review(f"{sku}-{number}", f"c{number}", time.time(), **customer(number))
    made["review"]["sku"] = sku
    return made


class WithJudges(unittest.TestCase):
    """A house with every channel and both judges."""

    campaigns = {name: campaign(name) for name in ("email", "sms", "wechat", "hook")}
    smtp_arguments = ()
    CONFIG = CONFIG

    def setUp(self):
        self.open()
        self.house.start()

    def open(self):
        def enter(context):
            entered = context.__enter__()
            self.addCleanup(context.__exit__, None, None, None)
            return entered
        self.http, = enter(judge("provider_server.py"))
        self.smtp, self.mail = enter(judge("smtp_server.py", *self.smtp_arguments))
        config = self.CONFIG.replace("SMTP", str(self.smtp)).replace("HTTP", str(self.http)) \
            .replace("APP_ID", APP_ID)
        self.house = enter(House(BINARY, config, self.campaigns, TEMPLATES, env=SECRETS))

    def push_receipts(self, provider, **order):
        channel, more = {
            "aliyun": ("sms?token=" + SECRETS["SMS_CALLBACK"], {}),
            "tencent": ("tencent?token=" + SECRETS["SMS_CALLBACK"], {}),
            "twilio": ("twilio", {"token": SECRETS["TWILIO"]}),
            "wechat_template": ("wechat", {"token": SECRETS["WECHAT_CALLBACK"],
                                           "aes_key": SECRETS["AES"], "app_id": APP_ID})}[provider]
        url = f"http://127.0.0.1:{self.house.port}/v1/callbacks/{channel}"
        _, answer = ask(self.http, "POST", "/control", {"receipts": {
            "provider": provider, "url": url, **more, **order}})
        return answer["pushed"]

    def delivered(self, channel, provider):
        name = f'huitou_dispatches_total{{channel="{channel}",outcome="delivered",' \
               f'provider="{provider}"}}'
        return lambda: self.house.metrics().get(name) == 1

    def arrived(self, count, provider):
        def enough():
            found = of_provider(self.http, provider)
            return found if len(found) >= count else None
        return wait_for(f"{count} messages by {provider}", enough)


class EveryChannel(WithJudges):
    def test_chinese_texts_arrive_as_they_were_meant(self):
        self.house.post(five_stars(1, "all"))
        mail = wait_for("the mail", lambda: received(self.mail)["messages"])[0]
        self.assertEqual(mail["text"], RENDERED + "\n")
        self.assertEqual(mail["subject"], f"谢谢您，{NAME}！这是一个足够长的主题，"
                                          "长到一行邮件标题放不下为止")
        self.assertEqual(mail["to"], ["c1@example.com"])
        self.assertEqual(mail["headers"]["from"], "回头小店 <shop@example.com>")
        self.assertEqual(mail["defects"], [])
        sms, = self.arrived(1, "aliyun")
        self.assertEqual((sms["address"], sms["sign_name"], sms["values"]),
                         ("8613800000001", "回头小店", {"name": NAME}))
        wechat, = self.arrived(1, "wechat_template")
        self.assertEqual((wechat["address"], wechat["values"]), ("openid_0001", {"thing1": NAME}))
        hook, = self.arrived(1, "webhook")
        self.assertEqual((hook["customer"], hook["text"]), ("c1", RENDERED))
        self.assertEqual(received(self.http)["refused"], [])
        decided = {one["dispatch"] for one in self.house.decisions("c1")
                   if one["outcome"] == "dispatched"}
        self.assertEqual({sms["id"], wechat["id"], hook["id"]} - decided, set())
        self.assertEqual(len(decided), 4)

    def test_what_comes_together_leaves_together_and_each_has_its_receipt(self):
        self.house.post(*[five_stars(number, "sms") for number in range(20)])
        messages = self.arrived(20, "aliyun")
        self.assertEqual(sorted(one["address"] for one in messages),
                         [f"86138{number:08d}" for number in range(20)])
        self.assertLess(received(self.http)["requests"]["/"], 20)
        self.assertLess(len({one["receipt_id"] for one in messages}), 20)
        wait_for("all to be accepted", lambda: self.house.metrics().get(
            'huitou_dispatches_total{channel="sms",outcome="accepted",provider="aliyun"}') == 20)
        self.assertEqual(self.push_receipts("aliyun", status="delivered"), [200] * 20)
        wait_for("their receipts", lambda: sum(
            value for name, value in self.house.metrics().items()
            if name.startswith("huitou_dispatches_total") and 'outcome="delivered"' in name) == 20)
        self.assertEqual(self.house.metrics()['huitou_outbox_depth{channel="sms"}'], 0)

    def test_429_is_asked_again_after_the_time_that_the_provider_named(self):
        control(self.http, path="/webhook", fault="status", status=429,
                headers={"retry-after": "2"}, times=1)
        started = time.time()
        self.house.post(five_stars(1, "hook"))
        message, = self.arrived(1, "webhook")
        self.assertGreaterEqual(message["time"] - started, 2)
        self.assertEqual(received(self.http)["requests"]["/webhook"], 2)

    def test_greylisted_mail_comes_later_and_once(self):
        ask(self.mail, "POST", "/control", {"at": "rcpt", "reply": "450 4.2.0 later", "times": 2})
        self.house.post(five_stars(1, "email"))
        wait_for("the mail", lambda: received(self.mail)["messages"])
        time.sleep(1)
        self.assertEqual(len(received(self.mail)["messages"]), 1)

    def test_a_mailbox_that_does_not_exist_is_not_used_again(self):
        ask(self.mail, "POST", "/control",
            {"at": "rcpt", "reply": "550 5.1.1 no such user", "times": 1})
        self.house.post(five_stars(1, "email"))
        wait_for("the refusal", lambda: self.house.metrics().get(
            'huitou_dispatches_total{channel="email",outcome="rejected",provider="smtp"}'))
        again = five_stars(1, "email")
        again["id"], again["review"]["id"] = "again", "again"

        def refused():
            again["id"] += "."
            again["review"]["id"] += "."
            self.house.post(again)
            time.sleep(0.2)
            return self.house.decisions("c1")[-1]
        decision = refused()
        self.assertEqual((decision["outcome"], decision["reason"]), ("rejected", "suppression"))
        self.assertEqual(received(self.mail)["messages"], [])

    def test_who_answers_with_a_stop_word_gets_no_more(self):
        self.house.post(five_stars(1, "sms"))
        self.arrived(1, "aliyun")
        self.assertEqual(self.push_receipts("aliyun", reply="TD"), [200])
        second = five_stars(1, "sms")
        second["id"], second["review"]["id"] = "second", "second"
        self.house.post(second)
        wait_for("the refusal", lambda: "rejected" in self.house.outcomes("c1"))
        self.assertEqual(len(of_provider(self.http, "aliyun")), 1)

    def test_a_stop_word_of_a_stranger_is_counted_and_not_lost_silently(self):
        self.house.post(five_stars(1, "sms"))
        self.arrived(1, "aliyun")
        status, _ = self.house.ask(
            "POST", "/v1/callbacks/sms?token=" + SECRETS["SMS_CALLBACK"],
            [{"phone_number": "13911112222", "content": "TD", "send_time": "2026-01-01 00:00:00"}])
        self.assertEqual(status, 200)
        self.assertEqual(self.house.metrics().get(
            'huitou_receipts_total{channel="sms",kind="unsubscribed",known="no"}'), 1)
        log = wait_for("the log to say so", lambda: [
            line for line in self.house.log().splitlines() if "an opt-out from an address" in line])
        self.assertNotIn("1391111", log[0])

    def test_callbacks_without_the_provider_s_signature_are_not_believed(self):
        for path in ("/v1/callbacks/sms", "/v1/callbacks/sms?token=wrong", "/v1/callbacks/wechat"):
            self.assertIn(self.house.ask("POST", path, [])[0], (401, 403), path)
        self.assertEqual(self.house.ask("POST", "/v1/callbacks/nothing", [])[0], 404)


class SubscriptionMessages(WithJudges):
    campaigns = {"subscription": campaign("subscription")}
    PATH = "/cgi-bin/message/subscribe/bizsend"

    def says_yes(self, times):
        self.house.post({
            "id": f"yes-{times}-{time.time()}", "type": "consent.granted",
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "customer": {"id": "c1", "wechat_openid": "openid_0001"},
            "consent": {"channel": "subscription", "template": "thanks", "credits": times}})

    def review(self, number, outcome):
        """Until this came of it; its reason."""
        before = len(self.house.outcomes("c1"))
        one = five_stars(1, "subscription")
        one["id"] = one["review"]["id"] = f"review-{number}"
        self.house.post(one)
        found = wait_for(f"review {number}: {outcome}", lambda: [
            decision for decision in self.house.decisions("c1")[before:]
            if decision["outcome"] == outcome])
        return found[0].get("reason")

    def test_without_a_yes_nothing_is_asked_of_wechat_though_the_shop_says_opt_out(self):
        self.assertEqual(self.review(1, "rejected"), "consent")
        self.assertNotIn(self.PATH, received(self.http)["requests"])
        self.says_yes(1)
        self.review(2, "dispatched")
        self.arrived(1, "wechat_template")
        self.assertEqual(self.review(3, "rejected"), "consent")

    def test_each_yes_lets_one_message_pass_and_43101_takes_back_those_that_are_left(self):
        self.says_yes(3)
        self.review(1, "dispatched")
        self.arrived(1, "wechat_template")
        control(self.http, path=self.PATH, fault="status", status=200, times=1,
                body='{"errcode": 43101, "errmsg": "user refuse to accept the msg"}')
        self.review(2, "dispatched")
        wait_for("the refusal in the timeline", lambda: [
            line for line in self.house.get("/v1/customers/c1/timeline")[1]["decisions"]
            if (line["outcome"], line.get("reason")) == ("undelivered", "opted_out")])
        _, text, _ = self.house.command("explain", "--customer", "c1", "--url",
                                        f"http://127.0.0.1:{self.house.port}")
        self.assertRegex(text, r"thanks-subscription +undelivered +subscription thanks opted_out")
        self.assertEqual(self.review(3, "rejected"), "consent")
        self.assertEqual(received(self.http)["requests"][self.PATH], 2)


class SmsOfOtherProviders(WithJudges):
    campaigns = {name: campaign(name) for name in ("tencent", "twilio")}
    TWILIO_PATH = "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json"

    def wait_for_outcome(self, provider, outcome):
        name = f'huitou_dispatches_total{{channel="{provider}",outcome="{outcome}",' \
               f'provider="{provider}"}}'
        wait_for(name, lambda: self.house.metrics().get(name) == 1)

    def test_a_key_that_is_refused_is_told_to_who_asks_why_nothing_came(self):
        control(self.http, path=self.TWILIO_PATH, fault="status", status=401, times=1,
                body='{"code": 20003, "message": "Authenticate", "status": 401}')
        self.house.post(five_stars(1, "twilio"))
        self.wait_for_outcome("twilio", "channel_paused")
        text = wait_for("the channel that is down", lambda: [
            text for _, text, _ in [self.house.command(
                "explain", "--customer", "c1", "--url", f"http://127.0.0.1:{self.house.port}")]
            if "what waits" in text])[0]
        self.assertRegex(text, r"\n  twilio +unauthorized: code 20003\n")
        self.assertIn("unauthorized: code 20003", self.house.log())

    def test_arrive_as_they_were_meant_and_their_receipts_count(self):
        self.house.post(five_stars(1, "all"))
        tencent, = self.arrived(1, "tencent")
        self.assertEqual((tencent["address"], tencent["sign_name"], tencent["values"]),
                         ("+8613800000001", "回头小店", [NAME]))
        twilio, = self.arrived(1, "twilio")
        self.assertEqual((twilio["address"], twilio["text"]), ("+8613800000001", RENDERED))
        self.assertEqual(received(self.http)["refused"], [])
        for provider in self.campaigns:
            self.wait_for_outcome(provider, "accepted")
            self.assertEqual(self.push_receipts(provider), [200])
            self.wait_for_outcome(provider, "delivered")

    def test_who_answers_with_a_stop_word_gets_no_more(self):
        self.house.post(five_stars(1, "all"))
        for provider, word in (("tencent", "TD"), ("twilio", "Stop")):
            self.arrived(1, provider)
            self.assertEqual(self.push_receipts(provider, reply=word), [200])
            second = five_stars(1, provider)
            second["id"], second["review"]["id"] = provider, provider
            self.house.post(second)
        wait_for("both refusals", lambda: self.house.outcomes("c1").count("rejected") == 2)
        for provider in self.campaigns:
            self.assertEqual(len(of_provider(self.http, provider)), 1)

    def test_a_signed_receipt_settles_a_lost_answer(self):
        control(self.http, path=self.TWILIO_PATH, fault="hang", after=True, times=1)
        self.house.post(five_stars(1, "twilio"))
        self.wait_for_outcome("twilio", "unknown")
        self.assertEqual(self.push_receipts("twilio"), [200])
        self.wait_for_outcome("twilio", "delivered")
        self.assertEqual(received(self.http)["requests"][self.TWILIO_PATH], 1)


class Asked(WithJudges):
    """Providers that call nobody back."""
    CONFIG = CONFIG.replace(" callback_token: env:SMS_CALLBACK,\n        timeout: 1s",
                            " timeout: 1s").replace(
        "            callback_token: env:SMS_CALLBACK, timeout: 1s",
        "            poll: 5s, timeout: 1s")
    campaigns = {
        "asked": campaign("asked", "sms, hook").replace(
            "via: [sms, hook]", "via: [sms, hook], wait_receipt: 1s"),
        "tencent": campaign("tencent")}

    def test_whether_it_arrived_before_the_next_channel_s_turn(self):
        control(self.http, fates={"aliyun": 3})
        self.house.post(five_stars(1, "asked"))
        wait_for("the answer", self.delivered("sms", "aliyun"))
        control(self.http, fates={"aliyun": 2})
        self.house.post(five_stars(2, "asked"))
        hook, = self.arrived(1, "webhook")
        self.assertEqual(hook["customer"], "c2")
        self.assertEqual(self.house.metrics()[
            'huitou_provider_queries_total{answer="told",channel="sms"}'], 2)

    def test_for_receipts_again_and_again(self):
        control(self.http, fates={"tencent": "SUCCESS"})
        self.house.post(five_stars(1, "tencent"))
        wait_for("the receipt", self.delivered("tencent", "tencent"))


class Fallback(WithJudges):
    WAITING = campaign("NAME", "wechat, sms").replace(
        "via: [wechat, sms]", "via: [wechat, sms], wait_receipt: 2s") + \
        "  - wait: {WAIT}\n" \
        "  - {when: messages.message.delivered, send: {template: thanks, via: [hook]," \
        " defaults: {name: x}}}\n"
    campaigns = {
        "refused": campaign("refused", "wechat, sms"),
        "waiting": WAITING.replace("NAME", "waiting").replace("WAIT", "for: 4s"),
        "heard": WAITING.replace("NAME", "heard").replace(
            "WAIT", "for: 1h, until: message.delivered")}

    def test_a_refusal_by_wechat_becomes_an_sms(self):
        control(self.http, path="/cgi-bin/message/template/send", fault="status", status=200,
                body=json.dumps({"errcode": 43004, "errmsg": "require subscribe"}))
        self.house.post(five_stars(1, "refused"))
        sms, = self.arrived(1, "aliyun")
        decided = [one for one in self.house.decisions("c1") if one["outcome"] == "dispatched"]
        self.assertEqual([one["dispatch"] for one in decided], [sms["id"]])
        self.assertEqual(of_provider(self.http, "wechat_template"), [])

    def test_without_a_receipt_in_time_it_becomes_an_sms(self):
        self.house.post(five_stars(1, "waiting"))
        wechat, = self.arrived(1, "wechat_template")
        sms, = self.arrived(1, "aliyun")
        self.assertEqual(wechat["id"], sms["id"])
        self.assertGreaterEqual(sms["time"] - wechat["time"], 2)

    def test_with_a_receipt_it_does_not(self):
        self.house.post(five_stars(1, "waiting"))
        self.arrived(1, "wechat_template")
        self.assertEqual(self.push_receipts("wechat_template", status="success"), [200])
        hook, = self.arrived(1, "webhook")  # the campaign knows of it
        self.assertEqual(hook["customer"], "c1")
        self.assertEqual(of_provider(self.http, "aliyun"), [])
        wait_for("the count", lambda: self.house.metrics().get(
            'huitou_dispatches_total{channel="wechat",outcome="delivered",'
            'provider="wechat_template"}') == 1)

    def test_a_receipt_ends_the_wait_for_it(self):
        self.house.post(five_stars(1, "heard"))
        self.arrived(1, "wechat_template")
        self.assertEqual(self.push_receipts("wechat_template", status="success"), [200])
        self.arrived(1, "webhook")

    def test_a_receipt_of_failure_becomes_an_sms_at_once(self):
        self.house.post(five_stars(1, "waiting"))
        self.arrived(1, "wechat_template")
        started = time.time()
        self.assertEqual(
            self.push_receipts("wechat_template", status="failed: system failed"), [200])
        sms, = self.arrived(1, "aliyun")
        self.assertLess(sms["time"] - started, 1.9)


class Down(unittest.TestCase):
    """Providers that are away for a while."""

    def test_nothing_is_lost_and_nothing_comes_twice(self):
        http, smtp, mail = free_port(), free_port(), free_port()
        config = CONFIG.replace("SMTP", str(smtp)).replace("HTTP", str(http)) \
            .replace("APP_ID", APP_ID)
        with House(BINARY, config, EveryChannel.campaigns, TEMPLATES, env=SECRETS) as house:
            house.start()
            house.post(*[five_stars(i, "all") for i in range(10)])
            wait_for("attempts", lambda: house.metrics().get(
                'huitou_dispatches_total{channel="hook",outcome="retry",provider="webhook"}'))
            self.assertEqual(house.stop(), 0)  # a kill would leave SMS whose fate is unknown
            house.start()
            house.post(*[five_stars(i, "all") for i in range(10, 20)])
            time.sleep(2)
            with judge("provider_server.py", "--port", str(http)), \
                    judge("smtp_server.py", "--port", str(smtp), "--control-port", str(mail)):
                def complete():
                    counts = [len(of_provider(http, name))
                              for name in ("aliyun", "wechat_template", "webhook")]
                    return min(*counts, len(received(mail)["messages"])) >= 20
                wait_for("all of four times 20", complete, patience_s=120)
                time.sleep(1)
                for provider in ("aliyun", "wechat_template", "webhook"):
                    ids = [(message["id"], message.get("address"))  # a batch has one id
                           for message in of_provider(http, provider)]
                    self.assertEqual((len(ids), len(set(ids))), (20, 20), provider)
                self.assertEqual(len(received(mail)["messages"]), 20)


class LongStories(WithJudges):
    """What takes a minute by its nature, all in one house: waits go on side by side."""

    def test_lost_answers_and_dead_tokens(self):
        self.house.post(five_stars(1, "wechat"))
        self.arrived(1, "wechat_template")
        # A token that dies before its time is replaced, yet not more often than WeChat allows.
        time.sleep(46)
        control(self.http, expire_tokens=True)
        # The SMS went out, its answer hangs: nothing is repeated, the provider is asked. Webhooks are.
        control(self.http, fates={"aliyun": 3})
        control(self.http, path="/", fault="hang", after=True, times=1)
        control(self.http, path="/webhook", fault="hang", times=1)
        self.house.post(*[five_stars(i, "wechat") for i in range(2, 12)], five_stars(1, "sms"),
                        five_stars(1, "hook"))
        wait_for("both to be unknown", lambda: sum(
            value for name, value in self.house.metrics().items()
            if name.startswith("huitou_dispatches_total") and 'outcome="unknown"' in name) == 2)

        def eleven():
            return len({one["id"] for one in of_provider(self.http, "wechat_template")}) == 11
        wait_for("the rest, by a new token", eleven, patience_s=120)
        self.assertEqual(len(of_provider(self.http, "wechat_template")), 11)
        self.assertLessEqual(received(self.http)["requests"]["/cgi-bin/stable_token"], 3)
        wait_for("the webhook again", lambda: of_provider(self.http, "webhook"), patience_s=120)
        wait_for("the SMS to be settled", lambda: self.house.metrics().get(
            'huitou_outbox_depth{channel="sms"}') == 0, patience_s=120)
        self.assertTrue(self.delivered("sms", "aliyun")())
        self.assertEqual(len(of_provider(self.http, "aliyun")), 1)
        self.assertEqual(received(self.http)["requests"]["/"], 2)  # the message and the question


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    if importlib.util.find_spec("aiosmtpd") is None:
        print("skipped: python3-aiosmtpd is not installed")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
