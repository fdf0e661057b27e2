"""Pushes receipts and replies to Huitou's callbacks as the providers do.

    {"provider": "aliyun", "url": "http://127.0.0.1:8080/v1/callbacks/sms?token=...",
     "status": "delivered" | "MK:0001" | ..., "reply": "TD"}
    {"provider": "tencent", "url": "...", "status": "delivered" | "MK:0001", "reply": "TD"}
    {"provider": "twilio", "url": "...", "token": "...", "status": "delivered" | "30003", "reply": "STOP"}
    {"provider": "wechat_template", "url": "http://127.0.0.1:8080/v1/callbacks/wechat",
     "token": "...", "aes_key": "...", "app_id": "...", "status": "success" | "failed:user block"}

`push` sends one for every message of that provider and returns the HTTP statuses answered.
"""

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request

import verify


def _post(url, body, content_type, headers=None):
    request = urllib.request.Request(url, data=body,
                                     headers={"content-type": content_type, **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError:
        return 0, ""


def _beijing(now):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now + 8 * 3600))


def _aliyun(message, order):
    now = _beijing(time.time())
    phone = message["address"].removeprefix("86")  # as it writes those of the mainland
    if "reply" in order:
        item = {"phone_number": phone, "send_time": now, "content": order["reply"],
                "sign_name": message["sign_name"], "dest_code": "1", "sequence_id": 1234567890}
    else:
        delivered = order.get("status", "delivered") == "delivered"
        item = {"phone_number": phone, "send_time": now, "report_time": now,
                "success": delivered, "err_code": "DELIVERED" if delivered else order["status"],
                "err_msg": "", "sms_size": "1", "biz_id": message["receipt_id"],
                "out_id": message["id"]}
    body = json.dumps([item], ensure_ascii=False).encode()
    status, answer = _post(order["url"], body, "application/json; charset=utf-8")
    # The provider takes a code that is a number for "received", anything else for "again".
    return status if status != 200 or isinstance(json.loads(answer).get("code"), int) else 0


def _tencent(message, order):
    nation, mobile = message["address"][1:3], message["address"][3:]
    if "reply" in order:
        body = {"extend": "01", "mobile": mobile, "nationcode": nation,
                "sign": message["sign_name"], "text": order["reply"], "time": int(time.time())}
    else:
        delivered = order.get("status", "delivered") == "delivered"
        body = [{"user_receive_time": _beijing(time.time()), "nationcode": nation,
                 "mobile": mobile, "report_status": "SUCCESS" if delivered else "FAIL",
                 "errmsg": "DELIVRD" if delivered else order["status"], "description": "",
                 "sid": message["receipt_id"]}]
    status, answer = _post(order["url"], json.dumps(body, ensure_ascii=False).encode(),
                           "application/json; charset=utf-8")
    return status if status != 200 or json.loads(answer).get("result") == 0 else 0


def _twilio(message, order):
    url, fields = order["url"], {"From": message["address"], "AccountSid": "AC",
                                 "MessageSid": "SM" + secrets.token_hex(16)}
    if "reply" in order:
        fields["Body"] = order["reply"]
    else:
        url = message["callback"]
        fields.update({"To": message["address"], "MessageSid": message["receipt_id"]})
        status = order.get("status", "delivered")
        fields["MessageStatus"] = status if status == "delivered" else "undelivered"
        if status != "delivered":
            fields["ErrorCode"] = status
    signature = verify.twilio_signature(order["token"], url, fields)
    status, answer = _post(url, urllib.parse.urlencode(fields).encode(),
                           "application/x-www-form-urlencoded", {"x-twilio-signature": signature})
    return status if status != 200 or "<Response>" in answer else 0


def _wechat(message, order):
    event = (f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>"
             f"<MsgID>{message['receipt_id']}</MsgID>"
             f"<Status><![CDATA[{order.get('status', 'success')}]]></Status>")
    if "reply" in order:
        event = (f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{order['reply']}]]></Content>"
                 f"<MsgId>{secrets.randbelow(10**18)}</MsgId>")
    if "event" in order:
        event = (f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{order['event']}]]></Event>")
    xml = (f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName>"
           f"<FromUserName><![CDATA[{message['address']}]]></FromUserName>"
           f"<CreateTime>{int(time.time())}</CreateTime>{event}</xml>")
    timestamp, nonce = str(int(time.time())), secrets.token_hex(5)
    query = {"timestamp": timestamp, "nonce": nonce,
             "signature": verify.wechat_signature(order["token"], timestamp, nonce)}
    if order.get("aes_key"):
        encrypted = verify.wechat_encrypt(xml, order["aes_key"], order["app_id"],
                                          secrets.token_bytes(16))
        query["encrypt_type"] = "aes"
        query["msg_signature"] = verify.wechat_signature(order["token"], timestamp, nonce,
                                                         encrypted)
        xml = f"<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    status, answer = _post(order["url"] + "?" + urllib.parse.urlencode(query), xml.encode(),
                           "text/xml")
    return status if status != 200 or answer in ("success", "") else 0


def push(messages, order):
    provider = {"aliyun": _aliyun, "tencent": _tencent, "twilio": _twilio,
                "wechat_template": _wechat}[order["provider"]]
    return [provider(message, order) for message in messages
            if message["provider"] == order["provider"]]
