#!/usr/bin/env python3
"""Judges our WeChat and WeCom requests by wechatpy, which others wrote.

    wechat_test.py BUILD_DIR

What dump_requests writes, with Chinese, emoji, reserved characters, empty and longest texts, must be
what wechatpy sends for the same message: method, address, token and JSON. And what wechatpy
encrypts and signs as WeCom's callbacks, the daemon must read, and nothing else; what they say of a
customer must reach that customer.
"""

import json
import os
import re
import signal
import sys
import time
import types
import unittest
import unittest.mock
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
sys.path.insert(0, HERE)
import channels_test  # noqa: E402
import vendors  # noqa: E402
from house import House, ask, review, rfc3339, small_config, wait_for  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

import requests as http  # noqa: E402
from wechatpayv3 import utils as pay  # noqa: E402
from wechatpy.client import WeChatClient  # noqa: E402
from wechatpy.enterprise import WeChatClient as WeComClient  # noqa: E402
from wechatpy.utils import WeChatSigner  # noqa: E402
from wechatpy.enterprise.crypto import PrpCrypto, WeChatCrypto  # noqa: E402

REQUESTS = channels_test.dumped(BUILD)
OPENID = "oia2TjuEGTNoeX76QEjQNrcURxG8"
TEMPLATE = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"


class Recorder:
    """Stands where wechatpy's HTTP session would."""

    def request(self, method, url, params=None, data=None, **_):
        self.sent = (method.upper(), url + "?" + urllib.parse.urlencode(params), json.loads(data))
        answer = http.Response()
        answer.status_code, answer._content = 200, b'{"errcode": 0, "errmsg": "ok"}'
        return answer


def text_of(request):
    return request["text"].rstrip("\r\n")


class Requests(unittest.TestCase):
    def setUp(self):
        self.recorder = Recorder()

    def client(self, kind, *account):
        client = kind(*account, access_token="TOKEN")
        client._http = self.recorder
        return client

    def compare(self, provider, ask, left_out=()):
        found = [request for request in REQUESTS if request["provider"] == provider]
        self.assertGreater(len(found), 8, provider)
        for request in found:
            ask(request)
            method, url, theirs = self.recorder.sent
            for name in left_out:
                del theirs[name]
            self.assertEqual(("POST", request["url"], json.loads(request["body"])),
                             (method, url, theirs), request["text"][:40])

    def test_subscription_messages(self):
        client = self.client(WeChatClient, "wx5823bf96d3bd56c7", "judge-app-secret")
        self.compare("wechat_subscription", lambda request: client.message.send_subscribe_message(
            OPENID, TEMPLATE, {"thing1": {"value": request["text"]}},
            page="https://shop.example.com/"))

    def test_customer_service_messages(self):
        client = self.client(WeChatClient, "wx5823bf96d3bd56c7", "judge-app-secret")
        self.compare("wechat_customer_service", lambda request: client.message.send_text(
            OPENID, text_of(request), account="help@gh_shop"))

    def test_messages_of_a_wecom_app(self):
        client = self.client(WeComClient, "ww5823bf96d3bd56c7", "judge-corp-secret")
        self.compare("wecom_app", lambda request: client.message.send_text(
            1000002, "zhangsan", text_of(request)), left_out=("toparty", "totag", "safe"))

    def test_messages_to_wecom_contacts(self):
        client = self.client(WeComClient, "ww5823bf96d3bd56c7", "judge-corp-secret")
        self.compare("wecom_external", lambda request: client.external_contact.add_msg_template({
            "chat_type": "single", "external_userid": ["woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"],
            "sender": "zhangsan", "text": {"content": text_of(request)}}))


CORP_ID = "ww5823bf96d3bd56c7"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
COMPANY = small_config("""\
  team: {provider: wecom_app, agent_id: 1000002, recipient: assistant, ALL}
  contacts: {provider: wecom_external, recipient: external_userid, ALL}
""".replace("ALL", f"corp_id: {CORP_ID}, corp_secret: env:CORP_SECRET, callback_token: env:TOKEN, "
                   "encoding_aes_key: env:AES"))


def company(campaigns=None, templates=None):
    return House(os.path.join(BUILD, "huitou"), COMPANY, campaigns or {}, templates or {}, env={
        "CORP_SECRET": "judge-corp-secret", "TOKEN": "judgetoken", "AES": AES_KEY})


def call(house, channel, inner, corp_id=CORP_ID, spoil=lambda text: text, created=None):
    now = str(int(time.time()))
    xml = (f"<xml><ToUserName>{corp_id}</ToUserName><FromUserName>zhangsan</FromUserName>"
           f"<CreateTime>{created or now}</CreateTime>{inner}</xml>")
    body = WeChatCrypto("judgetoken", AES_KEY, corp_id).encrypt_message(xml, "nonce", now)
    signature = re.search(r"<MsgSignature><!\[CDATA\[(\w+)", body)[1]
    return ask(house.port, "POST", f"/v1/callbacks/{channel}?" + urllib.parse.urlencode(
        {"msg_signature": signature, "timestamp": now, "nonce": "nonce"}), spoil(body).encode())


def change_of_contact(change, external_userid="woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA"):
    return ("<MsgType>event</MsgType><Event>change_external_contact</Event>"
            f"<ChangeType>{change}</ChangeType><UserID>zhangsan</UserID>"
            f"<ExternalUserID>{external_userid}</ExternalUserID>")


def receipts(house, channel, kind, known):
    return house.metrics().get(
        f'huitou_receipts_total{{channel="{channel}",kind="{kind}",known="{known}"}}', 0)


class WecomCallbacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = company()
        cls.house.__enter__()
        cls.addClassCleanup(cls.house.__exit__, None, None, None)
        cls.house.start()

    def call(self, channel, inner, **more):
        return call(self.house, channel, inner, **more)

    def count(self, channel, kind):
        return receipts(self.house, channel, kind, "no")

    def test_the_console_s_question_is_answered(self):
        crypto = WeChatCrypto("judgetoken", AES_KEY, CORP_ID)
        echo = PrpCrypto(crypto.key).encrypt("1616140317555161061", CORP_ID).decode()
        now = str(int(time.time()))
        signer = WeChatSigner()
        signer.add_data("judgetoken", now, "nonce", echo)
        for channel in ("team", "contacts"):
            for signature, wanted in ((signer.signature, 200), ("0" * 40, 403)):
                query = urllib.parse.urlencode({"msg_signature": signature, "timestamp": now,
                                                "nonce": "nonce", "echostr": echo})
                status, answer = ask(self.house.port, "GET", f"/v1/callbacks/{channel}?{query}")
                self.assertEqual(status, wanted)
                self.assertEqual(str(answer) == "1616140317555161061", wanted == 200)

    def test_what_employees_write_and_what_customers_do_is_read(self):
        text = "<MsgType>text</MsgType><Content><![CDATA[好的 😊]]></Content>"
        self.assertEqual(self.call("team", text)[0], 200)
        wait_for("the reply", lambda: self.count("team", "replied") == 1)
        for change, kind in (("del_follow_user", "unsubscribed"),
                             ("add_external_contact", "subscribed")):
            self.assertEqual(self.call("contacts", change_of_contact(change))[0], 200)
            wait_for(kind, lambda kind=kind: self.count("contacts", kind) == 1)

    def test_what_is_another_company_s_or_was_spoilt_is_not_believed(self):
        text = "<MsgType>text</MsgType><Content>hi</Content>"
        self.assertEqual(self.call("contacts", text, corp_id="ww0000000000000000")[0], 403)
        self.assertEqual(self.call("contacts", text, spoil=lambda body: body.replace(
            "<Encrypt><![CDATA[", "<Encrypt><![CDATA[AAAA"))[0], 403)


GIFT = """
campaign: gift
trigger: {event: channel.subscribed}
steps:
  - {id: message, send: {template: gift, via: [outbox]}}
"""
OFFER = """
campaign: offer
trigger: {event: review.posted}
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: gift, via: [contacts]}}
"""


class WecomContacts(unittest.TestCase):
    """From what WeCom calls us with to what the customer gets, or gets no more."""

    def tell(self, house, change, external_userid, created=None):
        inner = change_of_contact(change, external_userid)
        self.assertEqual(call(house, "contacts", inner, created=created)[0], 200)

    def test_who_leaves_gets_no_more_and_who_comes_gets_one_gift(self):
        with company({"gift": GIFT, "offer": OFFER}, {"gift": "欢迎"}) as house:
            house.start()
            now = time.time()
            house.post({"id": "e1", "type": "customer.updated", "time": rfc3339(now - 10),
                        "customer": {"id": "c1", "external_userid": "wo1", "member": "m1"}})
            wait_for("the customer", lambda: house.get("/v1/customers/c1")[0] == 200)
            self.tell(house, "del_follow_user", "wo1")
            self.assertEqual(receipts(house, "contacts", "unsubscribed", "yes"), 1)
            house.post(review(1, "c1", now))
            wait_for("a decision", lambda: house.decisions("c1"))
            self.assertEqual([(one["campaign"], one["outcome"], one["reason"])
                              for one in house.decisions("c1")],
                             [("offer", "rejected", "suppression")])
            added = int(now)
            for _ in range(3):  # as often as WeCom repeats what it thinks was not heard
                self.tell(house, "add_external_contact", "wo1", created=added)
            self.assertEqual(receipts(house, "contacts", "subscribed", "yes"), 3)
            gifts = [one["outcome"] for one in house.decisions("c1") if one["campaign"] == "gift"]
            self.assertEqual(gifts.count("dispatched"), 1)
            self.tell(house, "del_external_contact", "wo1")
            self.assertEqual(receipts(house, "contacts", "unsubscribed", "yes"), 1)

            # Another recipient, like all that is said of channels, begins with a restart.
            house.write("huitou.yaml", house.read("huitou.yaml").replace(
                "recipient: external_userid", "recipient: member"))
            house.process.send_signal(signal.SIGHUP)
            wait_for("the reload", lambda: "reloaded" in house.log())
            self.tell(house, "del_follow_user", "wo1")
            self.assertEqual(receipts(house, "contacts", "unsubscribed", "yes"), 2)

            self.assertEqual(house.stop(), 0)
            house.start()
            self.tell(house, "del_follow_user", "wo1")
            self.tell(house, "del_follow_user", "m1")
            self.assertEqual(receipts(house, "contacts", "unsubscribed", "no"), 1)
            self.assertEqual(receipts(house, "contacts", "unsubscribed", "yes"), 1)


def pay_keys():
    """The test key of WeChat Pay's own SDK, as our tests have it."""
    with open(os.path.join(HERE, "..", "channels", "pay_key.h"), encoding="utf-8") as header:
        lines = re.findall(r'"(.*)\\n"', header.read())
    middle = lines.index("-----END PRIVATE KEY-----") + 1
    return (pay.load_private_key("\n".join(lines[:middle])),
            pay.load_public_key("\n".join(lines[middle:])))


class WechatPay(unittest.TestCase):
    def test_requests_are_signed_as_wechatpayv3_signs_them(self):
        key, _ = pay_keys()
        found = [request for request in REQUESTS if request["provider"] == "wechat_pay"]
        self.assertEqual(len(found), 4)
        for request in found:
            ours = request["headers"]["authorization"]
            scheme, _, rest = ours.partition(" ")
            fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            url = urllib.parse.urlsplit(request["url"])
            self.assertEqual(url.path, "/v3/marketing/favor/users/"
                             + urllib.parse.quote(request["text"], safe="") + "/coupons")
            with unittest.mock.patch.object(pay.time, "time", lambda: int(fields["timestamp"])):
                theirs = pay.build_authorization(
                    url.path, "POST", "1900009191", "F5765756002FDD77", key,
                    data=request["body"].decode(), nonce_str=fields["nonce_str"])
            their_scheme, _, rest = theirs.partition(" ")
            self.assertEqual((scheme, fields),
                             (their_scheme, dict(re.findall(r'(\w+)="([^"]*)"', rest))))

    def test_coupons_are_asked_for_as_wechatpayv3_asks(self):
        from wechatpayv3 import marketing
        for request in [one for one in REQUESTS if one["provider"] == "wechat_pay"][:2]:
            asked = {}
            shop = types.SimpleNamespace(_appid="wx5823bf96d3bd56c7", _core=types.SimpleNamespace(
                request=lambda path, method, data: asked.update(path=path, data=data)))
            marketing.marketing_favor_stock_send(shop, "9856000", request["text"],
                                                 request["dispatch"], "1900009191")
            self.assertEqual(asked, {"path": urllib.parse.urlsplit(request["url"]).path,
                                     "data": json.loads(request["body"])})


if __name__ == "__main__":
    unittest.main(verbosity=1)
