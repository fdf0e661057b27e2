#!/usr/bin/env python3
"""Judges our WeChat and WeCom requests by wechatpy, which others wrote.

    wechat_test.py BUILD_DIR

What dump_requests writes, with Chinese, emoji, reserved characters, empty and longest texts, must be
what wechatpy sends for the same message: method, address, token and JSON.
"""

import json
import os
import re
import sys
import types
import unittest
import unittest.mock
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import channels_test  # noqa: E402
import vendors  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

import requests as http  # noqa: E402
from wechatpayv3 import utils as pay  # noqa: E402
from wechatpy.client import WeChatClient  # noqa: E402
from wechatpy.enterprise import WeChatClient as WeComClient  # noqa: E402

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
