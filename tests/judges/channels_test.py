#!/usr/bin/env python3
"""Judges what Huitou's channels encode, with hard texts, by code that is not Huitou's.

    channels_test.py BUILD_DIR

Every request that dump_requests writes goes to provider_server.py, which verifies signatures, or to
smtp_server.py, which is a real mail server; what arrives must be what was meant. Then the same
requests are forged, byte by byte here and there, and must be refused.
"""

import http.client
import json
import os
import re
import smtplib
import subprocess
import sys
import time
import unittest
import urllib.parse
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
from house import judge  # noqa: E402

BUILD = os.environ.get("HUITOU_BUILD_DIR", ".")
SKIPPED = 77


def call(port, method, path, body=b"", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"host": "127.0.0.1", **(headers or {})}.items():
            connection.putheader(name, value)
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def control(port, **order):
    call(port, "POST", "/control", json.dumps(order).encode())


def received(port):
    return json.loads(call(port, "GET", "/received")[1])


def dumped(build):
    program = os.path.join(build, "tests", "dump_requests")
    lines = subprocess.run([program, str(int(time.time()))], check=True, capture_output=True,
                           text=True, encoding="utf-8").stdout.splitlines()
    requests = [json.loads(line) for line in lines]
    for request in requests:
        request["body"] = bytes.fromhex(request["body"])
    return requests


REQUESTS = []


def requests_of(provider):
    return [request for request in REQUESTS if request["provider"] == provider]


def path_of(request):
    url = urllib.parse.urlsplit(request["url"])
    return (url.path or "/") + ("?" + url.query if url.query else "")


class HttpChannels(unittest.TestCase):
    def setUp(self):
        self.judge = judge("provider_server.py")
        self.port = self.judge.__enter__()[0]
        self.addCleanup(self.judge.__exit__, None, None, None)

    def send(self, request, **changed):
        request = {**request, **changed}
        return call(self.port, "POST", path_of(request), request["body"], request["headers"])

    def wechat_token(self):
        body = json.dumps({"grant_type": "client_credential", "appid": "wx5823bf96d3bd56c7",
                           "secret": "judge-app-secret"}).encode()
        return json.loads(call(self.port, "POST", "/cgi-bin/stable_token", body)[1])["access_token"]

    def test_webhooks_carry_every_text_under_a_true_signature(self):
        for request in requests_of("webhook"):
            self.assertEqual(self.send(request)[0], 204, request["text"][:40])
        for request, message in zip(requests_of("webhook"), received(self.port)["messages"]):
            self.assertEqual(message["id"], request["dispatch"])
            self.assertEqual(message["text"], request["text"])
            self.assertEqual(message["customer"], request["customer"])
            self.assertEqual(message["values"], {"subject": request["text"]})

    def test_forged_webhooks_are_refused(self):
        request = requests_of("webhook")[0]
        forged = request["body"].replace("小明".encode(), "小强".encode())
        self.assertEqual(self.send(request, body=forged)[0], 401)
        for name in ("webhook-id", "webhook-signature"):
            value = request["headers"][name]
            middle = len(value) // 2
            other = "b" if value[middle] == "a" else "a"
            headers = {**request["headers"], name: value[:middle] + other + value[middle + 1:]}
            self.assertEqual(self.send(request, headers=headers)[0], 401, name)
        old = {**request["headers"], "webhook-timestamp": "1614265330"}
        self.assertEqual(self.send(request, headers=old)[0], 401)
        self.assertEqual(received(self.port)["messages"], [])

    def test_sms_carry_every_text_under_a_true_signature(self):
        for request in requests_of("aliyun"):
            status, body = self.send(request)
            self.assertEqual((status, json.loads(body)["Code"]), (200, "OK"), request["text"][:40])
        for request, message in zip(requests_of("aliyun"), received(self.port)["messages"]):
            self.assertEqual(message["id"], request["dispatch"])
            self.assertEqual(message["address"], "8613900000000")
            self.assertEqual(message["sign_name"], "回头小店")
            self.assertEqual(message["values"], {"name": request["text"], "x y": "1"})

    def test_batches_of_sms_carry_every_text_to_each_number(self):
        for request in requests_of("aliyun_batch"):
            status, body = self.send(request)
            self.assertEqual((status, json.loads(body)["Code"]), (200, "OK"), request["text"][:40])
        for request in requests_of("tencent_batch"):
            statuses = json.loads(self.send(request)[1])["Response"]["SendStatusSet"]
            self.assertEqual([one["Code"] for one in statuses], ["Ok", "Ok"], request["text"][:40])
        batches = requests_of("aliyun_batch") + requests_of("tencent_batch")
        messages = received(self.port)["messages"]
        self.assertEqual(len(messages), 2 * len(batches))
        for request, *pair in zip(batches, messages[::2], messages[1::2]):
            for message, number in zip(pair, ("8613900000000", "8613900000001")):
                self.assertEqual(message["address"].lstrip("+"), number)
                self.assertIn(message["values"], ({"name": request["text"], "x y": "1"},
                                                  [request["text"], "second"]))
        forged = batches[0]["body"].replace(b"13900000001", b"13900000002")
        self.assertEqual(json.loads(self.send(batches[0], body=forged)[1])["Code"],
                         "SignatureDoesNotMatch")

    def test_forged_and_repeated_sms_are_refused(self):
        request = requests_of("aliyun")[0]

        def code(**changed):
            return json.loads(self.send(request, **changed)[1])["Code"]

        self.assertEqual(code(url=request["url"].replace("13900000000", "13900000001")),
                         "SignatureDoesNotMatch")
        self.assertEqual(code(body=b"x"), "SignatureDoesNotMatch")
        self.assertEqual(code(headers={**request["headers"], "content-type": "text/plain"}),
                         "SignatureDoesNotMatch")
        self.assertEqual(code(), "OK")
        self.assertEqual(code(), "SignatureNonceUsed")
        self.assertEqual(len(received(self.port)["messages"]), 1)

    def test_tencent_sms_carry_every_text_under_a_true_signature(self):
        for request in requests_of("tencent"):
            status, body = self.send(request)
            answer = json.loads(body)["Response"]
            self.assertEqual(answer["SendStatusSet"][0]["Code"], "Ok", request["text"][:40])
        for request, message in zip(requests_of("tencent"), received(self.port)["messages"]):
            self.assertEqual(message["id"], request["dispatch"])
            self.assertEqual(message["values"], [request["text"], "second"])
        forged = self.send(request, body=request["body"].replace(b"+8613900000000",
                                                                 b"+8613900000001"))[1]
        self.assertEqual(json.loads(forged)["Response"]["Error"]["Code"],
                         "AuthFailure.SignatureFailure")

    def test_twilio_takes_every_text_of_its_length(self):
        for request in requests_of("twilio"):
            text = request["text"].rstrip("\r\n")
            status, body = self.send(request)
            expected = (201, None) if 0 < len(text) <= 1600 else (400, 21617 if text else 21602)
            self.assertEqual((status, json.loads(body).get("code")), expected, text[:40])
        wrong = {**request["headers"], "authorization": "Basic QUM6eA=="}
        self.assertEqual(self.send(request, headers=wrong)[0], 401)
        sent = [request for request in requests_of("twilio")
                if 0 < len(request["text"].rstrip("\r\n")) <= 1600]
        for request, message in zip(sent, received(self.port)["messages"]):
            self.assertEqual((message["id"], message["text"]),
                             (request["dispatch"], request["text"].rstrip("\r\n")))

    def test_gateways_of_any_kind_read_every_text(self):
        readers = {"application/json": json.loads,
                   "application/x-www-form-urlencoded": lambda body: dict(urllib.parse.parse_qsl(
                       body, keep_blank_values=True, strict_parsing=True)),
                   "text/xml": lambda body: self.attributes(xml.etree.ElementTree.fromstring(body))}
        kinds = set()
        for request in requests_of("sms_http"):
            text = request["text"].rstrip("\r\n")
            kind = request["headers"]["content-type"].split(";")[0]
            kinds.add(kind)
            fields = readers[kind](request["body"].decode())
            self.assertEqual((fields["to"], fields["text"]), ("+8613900000000", text), kind)
            self.assertEqual(fields.get("same", text), text)
            query = urllib.parse.urlsplit(request["url"]).query
            self.assertEqual(urllib.parse.parse_qs(query, keep_blank_values=True), {"text": [text]})
            self.assertNotRegex(request["headers"]["x-text"], r"[\r\n]")
        self.assertEqual(kinds, set(readers))

    @staticmethod
    def attributes(sms):
        return {**sms.attrib, "text": sms.findtext("text")}

    def test_template_messages_carry_every_text_and_a_live_token(self):
        request = requests_of("wechat_template")[0]
        self.assertEqual(json.loads(self.send(request)[1])["errcode"], 40001)
        token = self.wechat_token()
        for request in requests_of("wechat_template"):
            request = {**request, "url": request["url"].replace("TOKEN", token)}
            self.assertEqual(json.loads(self.send(request)[1])["errcode"], 0, request["text"][:40])
        self.assertEqual(json.loads(self.send(request)[1])["errcode"], 40241)
        control(self.port, expire_tokens=True)
        self.assertEqual(json.loads(self.send(request)[1])["errcode"], 42001)
        self.assertNotEqual(self.wechat_token(), token)
        for request, message in zip(requests_of("wechat_template"),
                                    received(self.port)["messages"]):
            self.assertEqual(message["id"], request["dispatch"])
            self.assertEqual(message["values"], {"first": request["text"]})

    def test_coupons_are_issued_once_per_key(self):
        codes = {}
        for request in requests_of("coupons"):
            status, body = self.send(request)
            self.assertEqual(status, 201, request["text"][:40])
            codes[request["dispatch"]] = json.loads(body)["code"]
        for request in requests_of("coupons"):
            status, body = self.send(request)
            self.assertEqual((status, json.loads(body)["code"]), (409, codes[request["dispatch"]]))
        self.assertEqual(received(self.port)["coupons"], codes)
        wrong = {**request["headers"], "authorization": "Bearer x"}
        self.assertEqual(self.send(request, headers=wrong)[0], 401)

    def test_the_server_misbehaves_as_ordered(self):
        request = requests_of("webhook")[0]
        control(self.port, path="/webhook", fault="status", status=429,
                headers={"retry-after": "7"})
        control(self.port, path="/webhook", fault="garbage")
        control(self.port, path="/webhook", fault="redirect")
        control(self.port, path="/webhook", fault="huge")
        control(self.port, path="/webhook", fault="slow", delay_ms=50)
        self.assertEqual(self.send(request)[0], 429)
        self.assertIn(b"<html>", self.send(request)[1])
        self.assertEqual(self.send(request)[0], 302)
        self.assertEqual(len(self.send(request)[1]), 10_000_000)
        self.assertEqual(self.send(request)[0], 204)
        for fault in ("reset", "close", "cut"):
            control(self.port, path="/webhook", fault=fault, after=True)
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.send(request)
        self.assertEqual(len(received(self.port)["messages"]), 4)


class MailChannel(unittest.TestCase):
    def deliver(self, port, request):
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail(request["from"], [request["to"]], request["body"])

    def test_mail_says_what_was_meant_to_every_reader(self):
        with judge("smtp_server.py") as (port, control_port):
            for request in requests_of("smtp"):
                self.deliver(port, request)
            messages = received(control_port)["messages"]
        self.assertEqual(len(messages), len(requests_of("smtp")))
        for request, mail in zip(requests_of("smtp"), messages):
            text = request["text"]
            self.assertEqual(mail["defects"], [], text[:40])
            subject = re.sub(r"[\x00-\x1f\x7f]", " ", text).strip()
            if len(subject.encode()) <= 2000:
                self.assertEqual(mail["subject"], subject)
            lines = text.replace("\r\n", "\n")
            self.assertEqual(mail["text"], lines if lines.endswith("\n") else lines + "\n")
            self.assertEqual(mail["message_id"], f"<{request['dispatch']}@example.com>")
            self.assertEqual(mail["to"], ["xiaoming@example.com"])
            self.check_headers(mail, request)

    def test_both_versions_of_a_mail_say_what_was_meant(self):
        with judge("smtp_server.py") as (port, control_port):
            for request in requests_of("smtp_html"):
                self.deliver(port, request)
            messages = received(control_port)["messages"]
        self.assertEqual(len(messages), len(requests_of("smtp_html")))
        for request, mail in zip(requests_of("smtp_html"), messages):
            self.assertEqual((mail["defects"], mail["content_type"]),
                             ([], "multipart/alternative"))
            lines = request["text"].replace("\r\n", "\n")
            self.assertEqual(mail["text"], lines if lines.endswith("\n") else lines + "\n")
            self.assertEqual(mail["html"], f"<p>{lines}</p>\n")
            self.assertTrue(all(len(line) <= 998 for line in mail["raw"].split("\r\n")))

    def check_headers(self, mail, request):
        self.assertEqual(mail["headers"]["from"], '"回头小店, 上海" <shop@example.com>')
        self.assertEqual(mail["headers"]["reply-to"], "Service <help@example.com>")
        self.assertEqual(mail["headers"]["list-unsubscribe-post"], "List-Unsubscribe=One-Click")
        link = re.sub(r"\s", "", mail["headers"]["list-unsubscribe"])
        self.assertEqual(link, "<https://shop.example.com/u/judged>")
        names = [name for name in mail["headers"]]
        self.assertEqual(sorted(names), sorted(
            ["date", "from", "to", "reply-to", "subject", "message-id", "list-unsubscribe",
             "list-unsubscribe-post", "mime-version", "content-type",
             "content-transfer-encoding"]))
        for line in mail["raw"].split("\r\n"):
            self.assertLessEqual(len(line.encode()), 998)
            self.assertTrue(line.isascii())

    def test_the_server_asks_for_tls_and_password_and_refuses_when_ordered(self):
        request = requests_of("smtp")[0]
        with judge("smtp_server.py", "--tls", "starttls", "--user", "shop", "--password",
                   "word") as (port, control_port):
            with self.assertRaises(smtplib.SMTPException):
                self.deliver(port, request)
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                client.starttls()
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    client.login("shop", "wrong")
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                client.starttls()
                client.login("shop", "word")
                client.sendmail(request["from"], [request["to"]], request["body"])
                control(control_port, at="rcpt", reply="450 4.2.0 later")
                with self.assertRaises(smtplib.SMTPRecipientsRefused):
                    client.sendmail(request["from"], [request["to"]], request["body"])
                control(control_port, at="data", drop=True, after=True)
                with self.assertRaises((smtplib.SMTPException, OSError)):
                    client.sendmail(request["from"], [request["to"]], request["body"])
            messages = received(control_port)["messages"]
        self.assertEqual(len(messages), 2)
        self.assertEqual((messages[0]["tls"], messages[0]["user"]), (True, "shop"))


if __name__ == "__main__":
    BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else BUILD
    try:
        import aiosmtpd  # noqa: F401
    except ImportError:
        system_python = "/usr/bin/python3"  # where Debian's packages are
        if os.path.exists(system_python) and not os.environ.get("HUITOU_JUDGE_PYTHON"):
            os.environ["HUITOU_JUDGE_PYTHON"] = system_python
            os.execv(system_python, [system_python, __file__, BUILD, *sys.argv[1:]])
        print("skipped: needs python3-aiosmtpd")
        sys.exit(SKIPPED)
    REQUESTS = dumped(BUILD)
    unittest.main(verbosity=1)
