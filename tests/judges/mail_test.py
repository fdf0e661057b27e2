#!/usr/bin/env python3
"""Judges the mail of the whole daemon as a real SMTP server got it, its DKIM signatures by dkimpy,
and gives it bounces and complaints: in a folder, by webhook, by Amazon SES.

    mail_test.py BUILD_DIR
"""

import base64
import datetime
import email
import email.message
import email.policy
import http.server
import json
import os
import pathlib
import re
import sys
import tempfile
import threading
import time
import unittest
from email.mime import message as mime_message
from email.mime import multipart, nonmultipart, text

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
sys.path.insert(0, HERE)
import vendors  # noqa: E402
from house import House, ask, judge, received, review, wait_for  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

import dkim  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa  # noqa: E402
from sns_message_validator import SNSMessageValidator  # noqa: E402

CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels:
  rsa: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: "回头小店 <shop@example.com>",
        reply_to: help@example.com, dkim_key: "file:RSA", dkim_selector: r2026}
  ed25519: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: shop@mail.example.com,
            dkim_key: env:ED25519, dkim_selector: e2026, dkim_domain: example.com}
http: {listen: "127.0.0.1:{port}"}
public: {url: "https://shop.example.com", secret: env:LINKS}
"""
CAMPAIGN = """
campaign: NAME
trigger: {event: review.posted}
reentry: {key: event.review.id}
steps: [{send: {template: thanks, via: [NAME], defaults: {name: ""}}}]
"""
TEXTS = ["亲爱的小明，好久不见！优惠码 ABC-123",
         "🎁👨‍👩‍👧‍👦 emoji, é, ﷽ and ＡＢＣ",
         "a b*~/?&=+%20%zz#;:@!$'()[]<>\"\\{}|^`,",
         "",
         " leading and trailing  \t ",
         "two\nlines\r\nand\tthree\n\n.\n..dots\nFrom here\n\n\n",
         "=?UTF-8?B?5Zue?= is no encoded word here",
         "回头客专享优惠，限今日！" * 400,
         "x" * 1900,
         "=" * 5000 + "\n" + " \t" * 300]


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def published(key):
    """The TXT record that stands in the domain's DNS."""
    public = key.public_key()
    if isinstance(key, rsa.RSAPrivateKey):
        kind, data = b"rsa", public.public_bytes(serialization.Encoding.DER,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        kind, data = b"ed25519", public.public_bytes(serialization.Encoding.Raw,
                                                     serialization.PublicFormat.Raw)
    return b"v=DKIM1; k=" + kind + b"; p=" + base64.b64encode(data)


class Dkim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keys = {"r2026": rsa.generate_private_key(65537, 2048),
                "e2026": ed25519.Ed25519PrivateKey.generate()}
        cls.dns = {f"{selector}._domainkey.example.com.".encode(): published(key)
                   for selector, key in keys.items()}
        with tempfile.NamedTemporaryFile(suffix=".pem") as key_file, \
                tempfile.TemporaryDirectory() as maildir, \
                judge("smtp_server.py", "--maildir", maildir) as (smtp, control):
            key_file.write(pem_of(keys["r2026"]))
            key_file.flush()
            config = CONFIG.replace("SMTP", str(smtp)).replace("RSA", key_file.name)
            campaigns = {name: CAMPAIGN.replace("NAME", name) for name in ("rsa", "ed25519")}
            templates = {"thanks": "---\nsubject: 谢谢 {{name}}\n---\n{{name}}\nbye {{name}}",
                         "thanks.html": "<p>{{name}}</p>"}
            environment = {"ED25519": pem_of(keys["e2026"]).decode(),
                           "LINKS": "judge-unsubscribe-secret"}
            with House(os.path.join(BUILD, "huitou"), config, campaigns, templates,
                       env=environment) as house:
                house.start()
                for number, words in enumerate(TEXTS):
                    house.post(review(number, f"c{number}", time.time(), name=words,
                                      email=f"c{number}@example.com"))
                wait_for("the mails", lambda: len(received(control)["messages"]) == 2 * len(TEXTS))
                assert "PRIVATE KEY" not in house.log()
            cls.mails = [pathlib.Path(maildir, name).read_bytes()
                         for name in sorted(os.listdir(maildir))]

    def verified(self, mail):
        try:
            return dkim.DKIM(mail, minkey=1024).verify(dnsfunc=lambda name, timeout=5:
                                                       self.dns.get(name))
        except dkim.DKIMException:
            return False

    def test_every_text_arrives_under_a_true_signature(self):
        algorithms = set()
        for mail in self.mails:
            self.assertTrue(self.verified(mail), mail[:3000])
            message = email.message_from_bytes(mail, policy=email.policy.default)
            signature = dict(part.strip().split("=", 1)
                             for part in str(message["dkim-signature"]).split(";"))
            algorithms.add(signature["a"])
            self.assertEqual(signature["d"], "example.com")
            names = re.sub(r"\s", "", signature["h"]).split(":")
            for name in message.keys():
                if name.lower() != "dkim-signature":
                    self.assertEqual(names.count(name.lower()), 2, name)
        self.assertEqual(algorithms, {"rsa-sha256", "ed25519-sha256"})

    def test_what_was_changed_on_the_way_is_seen(self):
        for mail in self.mails[:4]:
            header, _, body = mail.partition(b"\r\n\r\n")
            for changed in (mail + b"one more line\r\n",
                            mail.replace(b"From: ", b"From: Other ", 1),
                            b"From: evil@example.net\r\n" + mail,
                            b"Subject: another\r\n" + mail,
                            header.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1) + b"\r\n\r\n"
                            + body):
                self.assertNotEqual(changed, mail)
                self.assertFalse(self.verified(changed))

    def test_the_headers_of_one_click_unsubscribe_are_signed(self):
        links = [mail for mail in self.mails if b"\r\nList-Unsubscribe-Post:" in mail]
        self.assertEqual(len(links), len(self.mails))
        for mail in links[:2]:
            self.assertTrue(self.verified(mail))
            self.assertFalse(self.verified(mail.replace(b"One-Click", b"Two-Click")))
            self.assertFalse(self.verified(mail.replace(b"//shop.example", b"//evil.example")))


BOUNCES = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels:
  email: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: shop@example.com, bounce_dir: bounces,
          callback_token: env:TOKEN, ses_topic: TOPIC, sns_endpoint: "http://127.0.0.1:SNS"}
http: {listen: "127.0.0.1:{port}"}
"""
SECRET = "judge-callback-token"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"


class Sns(http.server.BaseHTTPRequestHandler):
    """Its certificate, and a list of what else it was asked."""

    def do_GET(self):
        self.server.asked.append(self.path)
        body = self.server.certificate if self.path.endswith(".pem") else b"<ok/>"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def certificate_of(key):
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1) \
        .public_key(key.public_key()).not_valid_before(now) \
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def report(message_id, status, action="failed"):
    """A bounce by Python's email package."""
    mail = multipart.MIMEMultipart("report", report_type="delivery-status")
    mail["From"], mail["To"] = "MAILER-DAEMON@mx.example.com", "shop@example.com"
    mail.attach(text.MIMEText("Your mail could not be delivered.\n"))
    told = nonmultipart.MIMENonMultipart("message", "delivery-status")
    of_mail, of_recipient = email.message.Message(), email.message.Message()
    of_mail["Reporting-MTA"] = "dns; mx.example.com"
    of_recipient["Final-Recipient"] = "rfc822; other@example.com"
    of_recipient["Action"], of_recipient["Status"] = action, status
    told.set_payload([of_mail, of_recipient])
    mail.attach(told)
    returned = email.message.EmailMessage()
    returned["Message-ID"] = message_id
    returned.set_content("hello")
    mail.attach(mime_message.MIMEMessage(returned))
    return mail.as_bytes()


class Bounces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def enter(context):
            entered = context.__enter__()
            cls.addClassCleanup(context.__exit__, None, None, None)
            return entered
        cls.smtp, cls.control = enter(judge("smtp_server.py"))
        cls.key = rsa.generate_private_key(65537, 2048)
        cls.sns = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sns)
        cls.sns.asked, cls.sns.certificate = [], certificate_of(cls.key)
        threading.Thread(target=cls.sns.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.sns.server_close)
        cls.addClassCleanup(cls.sns.shutdown)
        config = BOUNCES.replace("SMTP", str(cls.smtp)).replace("TOPIC", TOPIC) \
            .replace("SNS", str(cls.sns.server_address[1]))
        cls.house = enter(House(os.path.join(BUILD, "huitou"), config,
                                {"email": CAMPAIGN.replace("NAME", "email")},
                                {"thanks": "---\nsubject: hi\n---\nhello"}, env={"TOKEN": SECRET}))
        cls.house.start()

    def mailed(self, customer):
        """A mail to a customer of its own; the Message-ID."""
        self.house.post(review(customer, customer, time.time(), email=f"{customer}@example.com"))

        def arrived():
            return [mail["message_id"] for mail in received(self.control)["messages"]
                    if mail["to"] == [f"{customer}@example.com"]]
        return wait_for("the mail", arrived)[0]

    def why_not_again(self, customer):
        """The reason of the refusal of another message to the customer; none when it is sent."""
        self.house.post(review(customer + "-again", customer, time.time()))

        def decided():
            return [one for one in self.house.decisions(customer)
                    if one["outcome"] in ("rejected", "dispatched")][1:]
        return wait_for("the decision", decided)[0].get("reason", "")

    def dropped(self, name, mail, into):
        os.makedirs(self.house.path("bounces", "new"), exist_ok=True)
        with open(self.house.path("bounces", name), "wb") as file:
            file.write(mail)
        os.rename(self.house.path("bounces", name), self.house.path("bounces", "new", name))
        wait_for("the file to be moved", lambda: os.path.exists(
            self.house.path("bounces", into, name)))

    def call(self, body, token=SECRET, headers=None):
        return ask(self.house.port, "POST", "/v1/callbacks/email?token=" + token, body, headers)[0]

    def notify(self, changed=None, **message):
        """As SNS calls, signed over what the validator for such messages takes for the text."""
        message = {"MessageId": "m", "TopicArn": TOPIC, "Timestamp": "2026-11-11T00:03:12.000Z",
                   "SignatureVersion": "1", "Type": "Notification",
                   "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/Simple-1.pem", **message}
        signed = SNSMessageValidator()._get_plaintext_to_sign(message).encode()
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
        message["Signature"] = base64.b64encode(signature).decode()
        return self.call({**message, **(changed or {})},
                         headers={"x-amz-sns-message-type": message["Type"]})

    def test_a_bounce_in_the_folder_ends_the_channel_for_its_customer(self):
        message_id = self.mailed("folder")
        self.dropped("1.mail", report(message_id, "5.1.1"), "done")
        self.assertEqual(self.why_not_again("folder"), "suppression")

    def test_a_full_mailbox_does_not(self):
        message_id = self.mailed("full")
        self.dropped("2.mail", report(message_id, "5.2.2"), "done")
        self.assertEqual(self.why_not_again("full"), "")

    def test_other_mails_go_to_bad(self):
        self.dropped("3.mail", b"Subject: out of office\n\nback on Monday\n", "bad")
        self.dropped("4.mail", report("<of-another-system@example.com>", "5.1.1"), "bad")

    def test_a_bounce_by_webhook_needs_the_token(self):
        message_id = self.mailed("hook")
        bounce = {"event": "bounce", "message_id": message_id, "status": "5.1.1",
                  "address": "hook@example.com"}
        self.assertEqual(self.call(bounce, token="another-callback-tok"), 403)
        self.assertEqual(self.call(bounce), 200)
        self.assertEqual(self.why_not_again("hook"), "suppression")

    def test_a_complaint_by_ses_revokes_the_consent(self):
        message_id = self.mailed("ses")
        complaint = {"notificationType": "Complaint",
                     "complaint": {"complainedRecipients": [{"emailAddress": "ses@example.com"}]},
                     "mail": {"messageId": "0102", "commonHeaders": {"messageId": message_id}}}
        told = json.dumps(complaint, ensure_ascii=False)
        self.assertEqual(self.notify(Message=told, changed={"Message": told + " "}), 403)
        self.assertEqual(self.notify(Message=told, changed={
            "SigningCertURL": "https://evil.example/x.pem"}), 403)
        self.assertEqual(self.notify(Message=told, TopicArn=TOPIC + "2"), 403)
        self.assertEqual(self.notify(Message=told, Subject="投诉 🙁"), 200)
        self.assertEqual(self.why_not_again("ses"), "consent")
        self.assertEqual(self.sns.asked.count("/Simple-1.pem"), 1, "it is kept")

    def test_a_subscription_is_confirmed_when_it_is_ours(self):
        wish = {"Type": "SubscriptionConfirmation", "Token": "2336", "Message": "hello",
                "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}
        self.assertEqual(self.notify(**wish, changed={"Token": "2337"}), 403)
        self.assertEqual([path for path in self.sns.asked if "Action" in path], [])
        self.assertEqual(self.notify(**wish), 200)
        self.assertEqual([path for path in self.sns.asked if "Action" in path],
                         ["/?Action=ConfirmSubscription&TopicArn="
                          "arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces&Token=2336"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
