#!/usr/bin/env python3
"""Judges our SMS requests and callbacks by the vendors' own libraries.

    vendors_test.py BUILD_DIR

What dump_requests writes, with Chinese, emoji, reserved characters, empty and longest texts, must be
what the vendor's library makes of the same message, signature and all. What the vendor's library
signs, the daemon must believe, and nothing else.
"""

import base64
import json
import os
import re
import sys
import unittest
import urllib.parse
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
sys.path.insert(0, HERE)
import channels_test  # noqa: E402
import vendors  # noqa: E402
from house import House, ask  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

from alibabacloud_dysmsapi20170525.models import (  # noqa: E402
    QuerySendDetailsRequest, QuerySendDetailsResponseBody, SendBatchSmsRequest)
from alibabacloud_openapi_util.client import Client as AlibabaClient  # noqa: E402
from Tea.request import TeaRequest  # noqa: E402
from tencentcloud.common.credential import Credential  # noqa: E402
from tencentcloud.common.http.request import RequestInternal  # noqa: E402
from tencentcloud.sms.v20210111 import models as tencent_models  # noqa: E402
from tencentcloud.sms.v20210111.models import SendSmsRequest, SendSmsResponse  # noqa: E402
from tencentcloud.sms.v20210111.sms_client import SmsClient  # noqa: E402
from twilio.http import HttpClient  # noqa: E402
from twilio.http.response import Response  # noqa: E402
from twilio.request_validator import RequestValidator  # noqa: E402
from twilio.rest import Client as TwilioClient  # noqa: E402

REQUESTS = channels_test.dumped(BUILD)
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "judge-auth-token"


def requests_of(provider):
    found = [request for request in REQUESTS if request["provider"] == provider]
    assert len(found) > 8, provider
    return found


def sms_text(request):
    return request["text"].rstrip("\r\n")


class Alibaba(unittest.TestCase):
    def test_signs_the_same(self):
        for request in (requests_of("aliyun") + requests_of("aliyun_batch")
                        + requests_of("aliyun_query")):
            tea = TeaRequest()
            tea.method, tea.pathname = "POST", "/"
            query = urllib.parse.urlsplit(request["url"]).query
            tea.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            tea.headers = {name: value for name, value in request["headers"].items()
                           if name in ("host", "content-type") or name.startswith("x-acs-")}
            body = AlibabaClient.hash(request["body"], "ACS3-HMAC-SHA256")
            self.assertEqual(AlibabaClient.hex_encode(body),
                             request["headers"]["x-acs-content-sha256"])
            theirs = AlibabaClient.get_authorization(
                tea, "ACS3-HMAC-SHA256", request["headers"]["x-acs-content-sha256"],
                "judge-key-id", "judge-key-secret")
            self.assertEqual(theirs, request["headers"]["authorization"], request["text"][:40])

    def test_reads_the_batch_that_was_meant(self):
        for request in requests_of("aliyun_batch"):
            self.assertEqual(request["headers"]["x-acs-action"], "SendBatchSms")
            query = urllib.parse.urlsplit(request["url"]).query
            form = urllib.parse.parse_qsl(request["body"].decode(), keep_blank_values=True,
                                          strict_parsing=True)
            members = {**dict(urllib.parse.parse_qsl(query)), **dict(form)}
            message = SendBatchSmsRequest().from_map(members)
            self.assertEqual(message.to_map(), members)  # it knows every member
            message.validate()
            values = {"name": request["text"], "x y": "1"}
            self.assertEqual(json.loads(message.phone_number_json),
                             ["8613900000000", "8613900000001"])
            self.assertEqual(json.loads(message.sign_name_json), ["回头小店", "回头小店"])
            self.assertEqual(json.loads(message.template_param_json), [values, values])
            self.assertEqual(message.template_code, "SMS_154950909")
            self.assertLess(len(message.out_id), 256)


    def test_reads_the_question_that_was_meant(self):
        for request in requests_of("aliyun_query"):
            self.assertEqual(request["headers"]["x-acs-action"], "QuerySendDetails")
            query = urllib.parse.urlsplit(request["url"]).query
            members = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
            question = QuerySendDetailsRequest().from_map(members)
            self.assertEqual(question.to_map(), members)  # it knows every member
            self.assertEqual(question.phone_number, "13900000000")
            self.assertRegex(question.send_date, r"^20\d\d[01]\d[0-3]\d$")

    def test_answers_have_the_members_that_we_read(self):
        details = {"OutId": "1", "SendStatus": 3, "ErrCode": "DELIVERED", "PhoneNum": "139",
                   "ReceiveDate": "2026-01-01 00:00:00"}
        answer = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [details]}}
        self.assertEqual(QuerySendDetailsResponseBody().from_map(answer).to_map(), answer)


class Tencent(unittest.TestCase):
    def setUp(self):
        self.client = SmsClient(Credential("judge-secret-id", "judge-secret-key"), "ap-guangzhou")

    def signed_by_the_vendor(self, request):
        theirs = RequestInternal(host=request["headers"]["host"], method="POST", uri="/")
        theirs.header = {"Content-Type": request["headers"]["content-type"],
                         "Host": request["headers"]["host"],
                         "X-TC-Timestamp": request["headers"]["x-tc-timestamp"]}
        theirs.data = request["body"]
        date = re.search(r"/(\d{4}-\d\d-\d\d)/sms/", request["headers"]["authorization"]).group(1)
        return self.client._get_tc3_signature({}, theirs, date, "sms", "judge-secret-key")

    def test_signs_the_same(self):
        actions = dict.fromkeys(("tencent", "tencent_batch"), "SendSms")
        actions["tencent_query"] = "PullSmsSendStatusByPhoneNumber"
        polls = iter(("PullSmsSendStatus", "PullSmsReplyStatus"))
        for request in REQUESTS:
            if not request["provider"].startswith("tencent"):
                continue
            action = actions.get(request["provider"]) or next(polls)
            authorization = request["headers"]["authorization"]
            self.assertRegex(authorization,
                             r"^TC3-HMAC-SHA256 Credential=judge-secret-id/\d{4}-\d\d-\d\d/sms/"
                             r"tc3_request, SignedHeaders=content-type;host, "
                             r"Signature=[0-9a-f]{64}$")
            self.assertEqual(authorization.rpartition("=")[2], self.signed_by_the_vendor(request),
                             request["text"][:40])
            self.assertEqual(request["headers"]["x-tc-version"], self.client._apiVersion)
            self.assertEqual(request["headers"]["x-tc-action"], action)
            self.assertEqual(request["headers"]["host"],
                             urllib.parse.urlsplit(request["url"]).netloc)
            self.assertEqual(request["headers"]["host"], self.client._get_endpoint())

    def test_reads_the_message_that_was_meant(self):
        for request in requests_of("tencent") + requests_of("tencent_batch"):
            batch = request["provider"] == "tencent_batch"
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of members that the vendor does not know
                message = SendSmsRequest()
                message.from_json_string(request["body"].decode())
            self.assertEqual(message.PhoneNumberSet,
                             ["+8613900000000", "+8613900000001"][:1 + batch])
            self.assertEqual(message.TemplateParamSet, [request["text"], "second"])
            self.assertEqual(message.SessionContext, None if batch else request["dispatch"])
            self.assertEqual((message.SmsSdkAppId, message.SignName, message.TemplateId),
                             ("1400006666", "回头小店", "1234"))
            self.assertEqual(json.loads(request["body"]),
                             {name: value for name, value in message._serialize().items() if value is not None})

    def test_reads_the_question_that_was_meant(self):
        for request in REQUESTS:
            if request["provider"] not in ("tencent_query", "tencent_poll"):
                continue
            kind = getattr(tencent_models, request["headers"]["x-tc-action"] + "Request")
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of members that the vendor does not know
                question = kind()
                question.from_json_string(request["body"].decode())
            self.assertEqual((question.SmsSdkAppId, question.Limit), ("1400006666", 100))
            self.assertEqual(json.loads(request["body"]),
                             {name: value for name, value in question._serialize().items()
                              if value is not None})

    def test_pulled_answers_have_the_members_that_we_read(self):
        status = {"SerialNo": "1", "SessionContext": "x", "ReportStatus": "SUCCESS",
                  "Description": "DELIVRD", "UserReceiveTime": 1}
        reply = {"PhoneNumber": "+86", "ReplyContent": "TD", "ReplyTime": 1}
        for item, of, answer in (
                (status, "PullSmsSendStatusSet", tencent_models.PullSmsSendStatusResponse),
                (status, "PullSmsSendStatusSet",
                 tencent_models.PullSmsSendStatusByPhoneNumberResponse),
                (reply, "PullSmsReplyStatusSet", tencent_models.PullSmsReplyStatusResponse)):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read = answer()
                read._deserialize({of: [item], "RequestId": "r"})
            self.assertEqual({name: value for name, value in
                              getattr(read, of)[0]._serialize().items() if value is not None}, item)

    def test_answers_have_the_members_that_we_read(self):
        answer = SendSmsResponse()
        status = {"SerialNo": "1", "PhoneNumber": "+86", "Fee": 1, "SessionContext": "x",
                  "Code": "Ok", "Message": "m", "IsoCode": "CN"}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer._deserialize({"SendStatusSet": [status], "RequestId": "r"})
        self.assertEqual(answer.SendStatusSet[0].Code, "Ok")


class Recorder(HttpClient):
    """What the vendor's client would send."""

    def __init__(self):
        self.sent = None

    def request(self, method, uri, params=None, data=None, headers=None, auth=None, timeout=None,
                allow_redirects=False):
        self.sent = (method, uri, {name: str(value) for name, value in data.items()}, auth)
        return Response(201, json.dumps({"sid": "SM1", "status": "queued"}))


class Twilio(unittest.TestCase):
    def test_sends_the_same(self):
        for request in requests_of("twilio"):
            recorder = Recorder()
            TwilioClient(ACCOUNT, AUTH_TOKEN, http_client=recorder).messages.create(
                to="+8613900000000", from_="+15005550006", body=sms_text(request),
                validity_period=3600, status_callback="https://huitou.example.com/v1/callbacks/sms"
                "?dispatch=" + request["dispatch"])
            method, url, fields, auth = recorder.sent
            self.assertEqual((method, url), ("POST", request["url"]))
            self.assertEqual(fields, dict(urllib.parse.parse_qsl(
                request["body"].decode(), keep_blank_values=True, strict_parsing=True)))
            scheme, _, word = request["headers"]["authorization"].partition(" ")
            self.assertEqual((scheme, base64.b64decode(word).decode()), ("Basic", ":".join(auth)))


CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels:
  sms: {provider: twilio, account_sid: ACCOUNT, auth_token: env:AUTH_TOKEN, from: "+15005550006",
        callback_url: "https://huitou.example.com/v1/callbacks/sms"}
http: {listen: "127.0.0.1:{port}"}
""".replace("ACCOUNT", ACCOUNT)


class TwilioCallbacks(unittest.TestCase):
    """Signed by the vendor's own validator, read by the whole daemon behind a proxy."""

    @classmethod
    def setUpClass(cls):
        binary = os.path.join(BUILD, "huitou")
        cls.house = House(binary, CONFIG, {}, {}, env={"AUTH_TOKEN": AUTH_TOKEN})
        cls.house.__enter__()
        cls.addClassCleanup(cls.house.__exit__, None, None, None)
        cls.house.start()

    def post(self, fields, query="", token=AUTH_TOKEN, port="", **changed):
        validator = RequestValidator(token)
        url = f"https://huitou.example.com{port}/v1/callbacks/sms{query}"
        signature = validator.compute_signature(url, fields)
        self.assertTrue(validator.validate(url, fields, signature))
        body = urllib.parse.urlencode({**fields, **changed}).encode()
        return ask(self.house.port, "POST", "/v1/callbacks/sms" + query, body, {
            "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature})

    def test_are_believed_with_every_text(self):
        for request in requests_of("twilio"):
            incoming = {"From": "+8613900000000", "To": "+15005550006", "Body": request["text"],
                        "MessageSid": "SM2", "AccountSid": ACCOUNT, "": ""}
            status, answer = self.post(incoming)
            self.assertEqual(status, 200, request["text"][:40])
            self.assertIn("<Response></Response>", answer)
            query = "?dispatch=" + request["dispatch"]
            self.assertEqual(self.post({"MessageSid": "SM1", "MessageStatus": "delivered",
                                        "Extra": request["text"]}, query)[0], 200)

    def test_are_believed_with_a_port_in_the_url_too(self):
        self.assertEqual(self.post({"MessageSid": "SM1", "MessageStatus": "sent"}, port=":443")[0],
                         200)

    def test_are_refused_when_anything_was_changed(self):
        good = {"From": "+8613900000000", "Body": "STOP", "MessageSid": "SM2"}
        self.assertEqual(self.post(good, token="another")[0], 403)
        self.assertEqual(self.post(good, Body="START")[0], 403)
        self.assertEqual(self.post(good, Extra="1")[0], 403)
        self.assertEqual(self.post(good, port=":8443")[0], 403)
        self.assertEqual(self.post(good)[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=1)
