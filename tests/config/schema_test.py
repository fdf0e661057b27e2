#!/usr/bin/env python3
"""The shipped files against the JSON Schemas of docs/reference, by an independent validator.

    tests/config/schema_test.py

Skipped (77) where Python has no jsonschema or no YAML.
"""
import datetime
import json
import os
import pathlib
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).parents[2]


def as_json(value):
    """YAML's dates and times are text to JSON."""
    if isinstance(value, dict):
        # YAML 1.1 reads the key `on` as true.
        return {"on" if key is True else str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return value


def mistakes(schema, value):
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)]


def main():
    failed = 0

    def expect(good, what, found):
        nonlocal failed
        if good != (not found):
            failed += 1
            print(f"FAILED {what}: {found or 'no mistake was found'}")

    schemas = {}
    for name in ("campaign", "shop", "event"):
        text = (ROOT / "docs/reference" / f"{name}.schema.json").read_text(encoding="utf-8")
        schemas[name] = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schemas[name])
    for path in sorted((ROOT / "config/campaigns").glob("*.yaml")):
        campaign = as_json(yaml.safe_load(path.read_text(encoding="utf-8")))
        expect(True, path, mistakes(schemas["campaign"], campaign))
        expect(False, "an unknown key", mistakes(schemas["campaign"], campaign | {"x": 1}))
        expect(False, "a bad holdout", mistakes(schemas["campaign"], campaign | {"holdout": "x"}))
        expect(False, "two actions", mistakes(
            schemas["campaign"], campaign | {"steps": [{"exit": True, "wait": {"for": "1d"}}]}))
    shop = as_json(yaml.safe_load((ROOT / "config/shop.yaml").read_text(encoding="utf-8")))
    expect(True, "shop.yaml", mistakes(schemas["shop"], shop))
    expect(False, "a shop without a shop", mistakes(schemas["shop"], {"holdout": "5%"}))
    event = {"id": "e1", "type": "order.paid", "time": "2026-11-11T00:03:12Z",
             "customer": {"id": "c1"}, "order": {"id": "o1", "total": "259.00"}}
    expect(True, "an event", mistakes(schemas["event"], event))
    expect(False, "an event without a customer",
           mistakes(schemas["event"], {k: v for k, v in event.items() if k != "customer"}))
    # The config's schema knows the providers, so only the program can write it.
    program = pathlib.Path(os.environ.get("HUITOU_BUILD_DIR", ROOT / "build/release")) / "huitou"
    if program.exists():
        written = subprocess.run([program, "schema", "config"], check=True, capture_output=True)
        schema = json.loads(written.stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        config = as_json(yaml.safe_load((ROOT / "config/huitou.yaml").read_text(encoding="utf-8")))
        expect(True, "huitou.yaml", mistakes(schema, config))
        expect(False, "a channel without a provider",
               mistakes(schema, config | {"channels": {"sms": {}}}))
        expect(False, "an unknown provider",
               mistakes(schema, config | {"channels": {"sms": {"provider": "x"}}}))
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
