#!/usr/bin/env python3
"""Judges our WeChat and WeCom requests by wechatpy, which others wrote.

    wechat_test.py BUILD_DIR

What dump_requests writes, with Chinese, emoji, reserved characters, empty and longest texts, must be
what wechatpy sends for the same message: method, address, token and JSON.
"""

import json
import os
import sys
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import channels_test  # noqa: E402
import vendors  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

import requests as http  # noqa: E402
from wechatpy.client import WeChatClient  # noqa: E402

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

    def compare(self, provider, ask):
        found = [request for request in REQUESTS if request["provider"] == provider]
        self.assertGreater(len(found), 8, provider)
        for request in found:
            ask(request)
            self.assertEqual(("POST", request["url"], json.loads(request["body"])),
                             self.recorder.sent, request["text"][:40])

    def test_subscription_messages(self):
        client = self.client(WeChatClient, "wx5823bf96d3bd56c7", "judge-app-secret")
        self.compare("wechat_subscription", lambda request: client.message.send_subscribe_message(
            OPENID, TEMPLATE, {"thing1": {"value": request["text"]}},
            page="https://shop.example.com/"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
