#!/usr/bin/env python3
"""Judges our requests to Twilio by Twilio's own OpenAPI document, in the hands of Prism.

    twilio_api_test.py BUILD_DIR

Every request that dump_requests writes for Twilio, of each kind of sender and key, with Chinese,
emoji, reserved characters, empty and longest texts, must be allowed by the document: path, fields,
types, patterns, content type and authentication. What was spoilt must be refused, or Prism would
judge nothing. And the answer that the document gives as an example is one that the daemon accepts.
"""

import json
import os
import sys
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
sys.path.insert(0, HERE)
import channels_test  # noqa: E402
import prism  # noqa: E402
from house import House, order, small_config, wait_for  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
KINDS = ("twilio", "twilio_service")  # by number and auth token; by pool and API key
DUMPED = channels_test.dumped(BUILD)
REQUESTS = [one for one in DUMPED if one["provider"] in KINDS]
QUERIES = [one for one in DUMPED if one["provider"] == "twilio_query"]
DOCUMENT = prism.twilio_document()
FORM = "application/x-www-form-urlencoded"

CONFIG = small_config("""\
  sms: {provider: twilio, account_sid: AC0123456789abcdef0123456789abcdef,
        auth_token: env:AUTH_TOKEN, from: "+15005550006", endpoint: "http://127.0.0.1:PRISM"}
""")
THANKS = """
campaign: thanks
trigger: {event: order.paid}
steps:
  - {id: message, send: {template: thanks, via: [sms]}}
"""


class Twilio(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        mock = prism.mock(DOCUMENT)
        cls.port = mock.__enter__()
        cls.addClassCleanup(mock.__exit__, None, None, None)

    def ask(self, request, body=None, path=None, **headers):
        """The status, and what Prism finds wrong."""
        sent = {name: value for name, value in request["headers"].items() if name != "host"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        status, answer = channels_test.call(
            self.port, request["method"], path or channels_test.path_of(request),
            request["body"] if body is None else body,
            {name: value for name, value in sent.items() if value is not None})
        return status, json.loads(answer)

    def test_allows_every_request(self):
        for kind in KINDS:
            asked = [request for request in REQUESTS if request["provider"] == kind]
            self.assertGreater(len(asked), 8)
            for request in asked:
                status, answer = self.ask(request)
                self.assertEqual(status, 201, f"{request['text'][:40]}: {answer}")

    def test_allows_every_question(self):
        self.assertGreater(len(QUERIES), 8)
        for request in QUERIES:
            status, answer = self.ask(request)
            # The document's own example of an answer is not as the document wants it.
            found = [one for one in answer.get("validation", ())
                     if one["location"][0] != "response"]
            self.assertEqual(found, [])
            self.assertIn(status, (200, 500))
        path = channels_test.path_of(QUERIES[1])
        self.assertEqual(self.ask(QUERIES[1], path=path.replace("/SM", "/XX"))[0], 422)

    def test_knows_every_field(self):
        # The document lets unknown fields pass, as Twilio does.
        with open(DOCUMENT, encoding="utf-8") as file:
            path = json.load(file)["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]
        known = path["post"]["requestBody"]["content"][FORM]["schema"]["properties"]
        for request in REQUESTS:
            fields = urllib.parse.parse_qsl(request["body"].decode(), keep_blank_values=True)
            self.assertLessEqual({name for name, _ in fields}, set(known))

    def test_refuses_what_was_spoilt(self):
        request = REQUESTS[0]
        path, body = channels_test.path_of(request), request["body"]
        self.assertEqual(self.ask(request, path=path.replace("Messages", "Message"))[0], 404)
        self.assertEqual(self.ask(request, path=path.replace("/AC", "/XX"))[0], 422)
        self.assertEqual(self.ask(request, authorization=None)[0], 401)
        self.assertEqual(self.ask(request, content_type="application/json", body=b"{}")[0], 415)
        self.assertEqual(self.ask(request, body=body.replace(b"To=", b"Two="))[0], 422)
        self.assertEqual(self.ask(request, body=body.replace(b"ValidityPeriod=3600",
                                                             b"ValidityPeriod=soon"))[0], 422)

    def test_answers_what_the_daemon_takes_for_accepted(self):
        config = CONFIG.replace("PRISM", str(self.port))
        with House(os.path.join(BUILD, "huitou"), config, {"thanks": THANKS},
                   {"thanks": "谢谢 🎁"}, env={"AUTH_TOKEN": "judge-auth-token"}) as one:
            one.start()
            one.post(order(1, "c1", time.time(), phone="+8613900000000"))
            accepted = 'huitou_dispatches_total{channel="sms",outcome="accepted",provider="twilio"}'
            wait_for("the answer", lambda: one.metrics().get(accepted) == 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
