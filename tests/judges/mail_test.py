#!/usr/bin/env python3
"""Judges the mail of the whole daemon as a real SMTP server got it: its DKIM signatures by dkimpy.

    mail_test.py BUILD_DIR
"""

import base64
import email
import email.policy
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "end_to_end"))
sys.path.insert(0, HERE)
import vendors  # noqa: E402
from house import House, judge, received, review, wait_for  # noqa: E402

BUILD = sys.argv.pop(1) if len(sys.argv) > 1 else os.environ.get("HUITOU_BUILD_DIR", ".")
vendors.fetch()

import dkim  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: E402

CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api, allowed_lateness: 0s}}]
channels:
  rsa: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: "回头小店 <shop@example.com>",
        reply_to: help@example.com, dkim_key: "file:RSA", dkim_selector: r2026,
        unsubscribe_url: "https://shop.example.com/u/{token}", unsubscribe_secret: env:LINKS}
  ed25519: {provider: smtp, url: "smtp://127.0.0.1:SMTP", from: shop@mail.example.com,
            dkim_key: env:ED25519, dkim_selector: e2026, dkim_domain: example.com}
http: {listen: "127.0.0.1:{port}"}
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
            templates = {"thanks": "---\nsubject: 谢谢 {{name}}\n---\n{{name}}\nbye {{name}}"}
            environment = {"ED25519": pem_of(keys["e2026"]).decode(),
                           "LINKS": "judge-unsubscribe-secret"}
            with House(os.path.join(BUILD, "huitou"), config, campaigns, templates,
                       env=environment) as house:
                house.start()
                for number, text in enumerate(TEXTS):
                    house.post(review(number, f"c{number}", time.time(), name=text,
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
        self.assertEqual(len(links), len(TEXTS))
        for mail in links[:2]:
            self.assertTrue(self.verified(mail))
            self.assertFalse(self.verified(mail.replace(b"One-Click", b"Two-Click")))
            self.assertFalse(self.verified(mail.replace(b"shop.example.com/u/", b"evil.example/u/")))


if __name__ == "__main__":
    unittest.main(verbosity=1)
