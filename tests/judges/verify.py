"""Independent judges of what Huitou's channels put on the wire.

Standard library only; written from the providers' documents, not from Huitou's code. Each function
returns what the provider would have read, or raises Refused with the provider's own error code.
"""

import base64
import datetime
import hashlib
import hmac
import json
import re
import struct
import urllib.parse


class Refused(Exception):
    """What a provider answers a request that it does not take."""

    def __init__(self, code, why="", status=400):
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why
        self.status = status


# --- Alibaba Cloud, V3 signature -----------------------------------------------------------------

def _rfc3986(text):
    return urllib.parse.quote(text, safe="-_.~")


def acs3(method, path, query, headers, body, keys, now, nonces):
    """Verifies ACS3-HMAC-SHA256 and returns the parameters. `headers` has lower-case names, `keys`
    maps access key ids to secrets, `nonces` is the set of those seen."""
    auth = headers.get("authorization", "")
    match = re.fullmatch(
        r"ACS3-HMAC-SHA256 Credential=([^,\s]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})",
        auth)
    if not match:
        raise Refused("IncompleteSignature", "Authorization has another form")
    key_id, signed_list, signature = match.groups()
    if key_id not in keys:
        raise Refused("InvalidAccessKeyId.NotFound", status=404)
    signed = signed_list.split(";")
    must = {"host"} | {name for name in headers if name.startswith("x-acs-")}
    if "content-type" in headers:
        must.add("content-type")
    if signed != sorted(signed) or not must <= set(signed):
        raise Refused("SignatureDoesNotMatch", f"must be signed: {sorted(must - set(signed))}")
    if headers.get("x-acs-content-sha256") != hashlib.sha256(body).hexdigest():
        raise Refused("SignatureDoesNotMatch", "x-acs-content-sha256")
    parameters = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    canonical_query = "&".join(
        f"{_rfc3986(name)}={_rfc3986(value)}" for name, value in sorted(parameters))
    canonical = "\n".join([
        method, path or "/", canonical_query,
        "".join(f"{name}:{headers[name].strip()}\n" for name in signed), signed_list,
        hashlib.sha256(body).hexdigest()])
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    expected = hmac.new(keys[key_id].encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refused("SignatureDoesNotMatch", "Signature")
    try:
        date = datetime.datetime.strptime(headers.get("x-acs-date", ""), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise Refused("InvalidTimeStamp.Format") from None
    if abs(date.replace(tzinfo=datetime.timezone.utc).timestamp() - now) > 15 * 60:
        raise Refused("InvalidTimeStamp.Expired")
    nonce = headers.get("x-acs-signature-nonce", "")
    if not nonce:
        raise Refused("MissingSignatureNonce")
    if nonce in nonces:
        raise Refused("SignatureNonceUsed")
    nonces.add(nonce)
    return dict(parameters)


def send_sms(headers, parameters, sign_names):
    """SendSms itself, its signature verified. Returns the message; business errors come with HTTP
    status 200."""
    if headers.get("x-acs-version") != "2017-05-25":
        raise Refused("InvalidVersion")
    if headers.get("x-acs-action") != "SendSms":
        raise Refused("InvalidAction.NotFound", status=404)
    try:
        values = json.loads(parameters.get("TemplateParam", "{}"))
    except ValueError:
        raise Refused("isv.INVALID_JSON_PARAM", status=200) from None
    return _sms_of_aliyun(parameters, parameters.get("PhoneNumbers", ""),
                          parameters.get("SignName"), values, sign_names)


def send_batch_sms(headers, parameters, body, sign_names):
    """SendBatchSms, its signature verified: the messages. One that is wrong spoils all."""
    if headers.get("x-acs-version") != "2017-05-25":
        raise Refused("InvalidVersion")
    if headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
        raise Refused("isv.INVALID_PARAMETERS", "no form")
    form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    try:
        phones = json.loads(form.get("PhoneNumberJson", ""))
        names = json.loads(form.get("SignNameJson", ""))
        values = json.loads(form.get("TemplateParamJson", json.dumps([{} for _ in phones])))
    except ValueError:
        raise Refused("isv.INVALID_JSON_PARAM", status=200) from None
    if not len(phones) == len(names) == len(values):
        raise Refused("isv.INVALID_PARAMETERS", "not as many of each", status=200)
    if not 1 <= len(phones) <= 100:
        raise Refused("isv.MOBILE_COUNT_OVER_LIMIT", status=200)
    return [_sms_of_aliyun(parameters, *one, sign_names) for one in zip(phones, names, values)]


def _sms_of_aliyun(parameters, phone, sign_name, values, sign_names):
    if not re.fullmatch(r"(\+|00)?[0-9]{5,15}", phone):
        raise Refused("isv.MOBILE_NUMBER_ILLEGAL", status=200)
    if sign_name not in sign_names:
        raise Refused("isv.SMS_SIGNATURE_ILLEGAL", status=200)
    if not re.fullmatch(r"SMS_[0-9]+", parameters.get("TemplateCode", "")):
        raise Refused("isv.SMS_TEMPLATE_ILLEGAL", status=200)
    if len(parameters.get("OutId", "")) >= 256:
        raise Refused("isv.INVALID_PARAMETERS", status=200)
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise Refused("isv.INVALID_JSON_PARAM", "only strings", status=200)
    return {"provider": "aliyun", "id": parameters.get("OutId", ""), "address": phone,
            "template": parameters["TemplateCode"], "sign_name": sign_name, "values": values}


# --- Tencent Cloud, V3 signature -----------------------------------------------------------------

def tc3(headers, body, keys, now):
    """Verifies TC3-HMAC-SHA256 of a POST to /; `keys` maps secret ids to secret keys."""
    match = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/\s]+)/([0-9-]{10})/sms/tc3_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})", headers.get("authorization", ""))
    if not match:
        raise Refused("AuthFailure.InvalidAuthorization")
    key_id, date, signed_list, signature = match.groups()
    if key_id not in keys:
        raise Refused("AuthFailure.SecretIdNotFound")
    signed = signed_list.split(";")
    if signed != sorted(signed) or not {"content-type", "host"} <= set(signed):
        raise Refused("AuthFailure.SignatureFailure", "must be signed: content-type, host")
    timestamp = headers.get("x-tc-timestamp", "")
    if not timestamp.isdigit() or abs(int(timestamp) - now) > 5 * 60:
        raise Refused("AuthFailure.SignatureExpire")
    day = datetime.datetime.fromtimestamp(int(timestamp), datetime.timezone.utc).date()
    if date != day.isoformat():
        raise Refused("AuthFailure.SignatureFailure", "date")
    canonical = "\n".join([
        "POST", "/", "", "".join(f"{name}:{headers[name].strip().lower()}\n" for name in signed),
        signed_list, hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["TC3-HMAC-SHA256", timestamp, f"{date}/sms/tc3_request",
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("TC3" + keys[key_id]).encode()
    for part in (date, "sms", "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise Refused("AuthFailure.SignatureFailure")


def send_sms_tencent(headers, body, sign_names):
    """SendSms 2021-01-11, its signature verified: the messages, taken where `code` is Ok."""
    if (headers.get("x-tc-action"), headers.get("x-tc-version")) != ("SendSms", "2021-01-11"):
        raise Refused("InvalidAction")
    if not headers.get("x-tc-region"):
        raise Refused("MissingParameter")
    message = json.loads(body)
    phones = message.get("PhoneNumberSet")
    if not isinstance(phones, list) or not phones:
        raise Refused("MissingParameter.EmptyPhoneNumberSet")
    if len(phones) > 200:
        raise Refused("LimitExceeded.PhoneNumberCountLimit")
    if len({phone.startswith("+86") for phone in phones}) > 1:
        raise Refused("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber")
    if message.get("SignName") not in sign_names:
        raise Refused("FailedOperation.SignatureIncorrectOrUnapproved")
    if not re.fullmatch(r"[0-9]+", message.get("TemplateId", "")):
        raise Refused("FailedOperation.TemplateIncorrectOrUnapproved")
    if not all(isinstance(value, str) for value in message.get("TemplateParamSet", [])):
        raise Refused("InvalidParameter")
    return [{"provider": "tencent", "id": message.get("SessionContext", ""), "address": phone,
             "template": message["TemplateId"], "sign_name": message["SignName"],
             "values": message["TemplateParamSet"],
             "code": "Ok" if re.fullmatch(r"\+[0-9]{5,15}", phone)
             else "InvalidParameterValue.IncorrectPhoneNumber"} for phone in phones]


# --- Twilio --------------------------------------------------------------------------------------

def twilio(headers, body, user, password):
    """A new message of the account, its credentials verified."""
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    if not hmac.compare_digest(headers.get("authorization", ""), "Basic " + word):
        raise Refused(20003, "Authenticate", status=401)
    if headers.get("content-type", "").split(";")[0] != "application/x-www-form-urlencoded":
        raise Refused(21602, "no form")
    fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True,
                                         strict_parsing=True))
    if not re.fullmatch(r"\+[1-9][0-9]{4,14}", fields.get("To", "")):
        raise Refused(21211, "Invalid 'To' Phone Number")
    if not fields.get("From") and not fields.get("MessagingServiceSid"):
        raise Refused(21603, "A 'From' phone number is required")
    if not fields.get("Body"):
        raise Refused(21602, "Message body is required")
    if len(fields["Body"]) > 1600:
        raise Refused(21617, "The message body exceeds the 1600 character limit")
    callback = fields.get("StatusCallback", "")
    dispatch = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(callback).query)).get("dispatch")
    return {"provider": "twilio", "id": dispatch, "address": fields["To"], "text": fields["Body"],
            "callback": callback}


def twilio_signature(token, url, fields):
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


# --- Standard Webhooks ---------------------------------------------------------------------------

def webhook(headers, body, secret, now):
    """Verifies the signature and returns the message."""
    identifier = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not identifier or "." in identifier or not timestamp.isdigit():
        raise Refused("bad_headers", status=400)
    if abs(int(timestamp) - now) > 5 * 60:
        raise Refused("old_timestamp", status=401)
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = identifier.encode() + b"." + timestamp.encode() + b"." + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    signatures = [s.split(",", 1) for s in headers.get("webhook-signature", "").split(" ")]
    if not any(hmac.compare_digest(s[1], expected) for s in signatures
               if len(s) == 2 and s[0] == "v1"):
        raise Refused("bad_signature", status=401)
    _second_opinion(headers, body, secret, now)
    if headers.get("content-type", "").split(";")[0] != "application/json":
        raise Refused("bad_content_type", status=415)
    event = json.loads(body)
    data = event["data"]
    if event["type"] != "message" or not re.fullmatch(r"[0-9-]{10}T[0-9:.]+Z", event["timestamp"]):
        raise Refused("bad_body", status=422)
    return {"provider": "webhook", "id": identifier, "customer": data["customer"],
            "template": data["template"], "values": data["fields"], "text": data["text"],
            "dispatch": data["dispatch"]}


def _second_opinion(headers, body, secret, now):
    """The project's own Python library, where it is installed."""
    try:
        from standardwebhooks.webhooks import Webhook, WebhookVerificationError
    except ImportError:
        return
    if abs(datetime.datetime.now().timestamp() - now) > 60:
        return  # it reads the clock itself
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError as error:
        raise Refused("bad_signature", str(error), status=401) from None


# --- WeChat --------------------------------------------------------------------------------------

def template_send(body):
    """A template message, its token checked by the caller."""
    try:
        message = json.loads(body)
    except ValueError:
        raise Refused(47001, "data format error") from None
    if not re.fullmatch(r"[A-Za-z0-9_-]{6,64}", message.get("touser", "")):
        raise Refused(40003, "invalid openid")
    if not re.fullmatch(r"[A-Za-z0-9_-]{20,64}", message.get("template_id", "")):
        raise Refused(40037, "invalid template_id")
    data = message.get("data")
    if not isinstance(data, dict):
        raise Refused(47003, "argument invalid")
    for value in data.values():
        if not isinstance(value, dict) or not isinstance(value.get("value"), str):
            raise Refused(47003, "argument invalid")
    return {"provider": "wechat_template", "id": message.get("client_msg_id", ""),
            "address": message["touser"], "template": message["template_id"],
            "url": message.get("url", ""), "miniprogram": message.get("miniprogram"),
            "values": {name: value["value"] for name, value in data.items()}}


def wechat_signature(*parts):
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def wechat_encrypt(message, encoding_aes_key, app_id, random16):
    """The Encrypt text of a callback, by python3-cryptography."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    key = base64.b64decode(encoding_aes_key + "=")
    data = message.encode()
    plain = random16 + struct.pack(">I", len(data)) + data + app_id.encode()
    padding = 32 - len(plain) % 32
    plain += bytes([padding]) * padding
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


# --- the shop's coupon API -----------------------------------------------------------------------

def coupon(headers, body, token):
    """A coupon request; returns the key and what is asked for."""
    if token and not hmac.compare_digest(headers.get("authorization", ""), "Bearer " + token):
        raise Refused("unauthorized", status=401)
    key = headers.get("idempotency-key", "")
    if not re.fullmatch(r"[0-9a-f]{32}", key):
        raise Refused("no_key", status=400)
    asked = json.loads(body)
    for name in ("dispatch", "customer", "campaign", "coupon", "value", "currency"):
        if not isinstance(asked.get(name), str) or not asked[name]:
            raise Refused("missing", name, status=422)
    if asked["dispatch"] != key or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", asked["value"]):
        raise Refused("bad_value", status=422)
    return key, asked
