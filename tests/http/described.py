"""Answers held against src/server/openapi.yaml: status, headers, type, schema, and that nothing is there that it does not tell of."""

import json
import re
import urllib.parse
from pathlib import Path

import jsonschema
import yaml

FILE = Path(__file__).resolve().parents[2] / "src/server/openapi.yaml"
JSON = ("application/json", "application/problem+json")
METHODS = ("get", "post", "put", "patch", "delete")


def as_json_tree(value):
    """YAML's mappings have numbers and dates for keys and values where JSON has text."""
    if isinstance(value, dict):
        return {str(k): as_json_tree(v) for k, v in value.items()}
    return [as_json_tree(v) for v in value] if isinstance(value, list) else value


class Described:
    def __init__(self):
        self.document = as_json_tree(yaml.safe_load(FILE.read_text(encoding="utf-8")))
        self.operations = {}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations[item[method]["operationId"]] = (method.upper(), path, item[method])
        self.seen = {name: set() for name in self.operations}

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            rest = {k: v for k, v in node.items() if k != "$ref"}
            node = {**target, **rest}
        return node

    def target(self, name, query=(), **path):
        method, template, _ = self.operations[name]
        place = "/api/v1" + re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(str(path[m.group(1)]), safe=""), template)
        query = urllib.parse.urlencode(query, doseq=True)
        return method, f"{place}?{query}" if query else place

    def hold(self, name, answer):
        """Raises where the answer is not as described; gives it back."""
        responses = self.operations[name][2]["responses"]
        status = str(answer.status)
        assert status in responses, f"{name}: {status} is not described: {answer}"
        self.seen[name].add(status)
        described = self.resolve(responses[status])
        for header, how in described.get("headers", {}).items():
            assert header.lower() in answer.headers or not self.resolve(how).get("required"), f"{name} {status}: no {header}"
        content = described.get("content")
        if content is None:
            assert not answer.body, f"{name} {status}: a body where none is described"
            return answer
        kind = answer.headers.get("content-type", "").split(";")[0]
        assert kind in content or "*/*" in content, f"{name} {status}: {kind} is not described"
        if kind in JSON and kind in content:
            self.hold_value(f"{name} {status}", content[kind]["schema"], json.loads(answer.body))
        return answer

    def hold_value(self, where, schema, value):
        root = {**schema, "components": self.document["components"]} if "$ref" not in schema else \
            {"allOf": [schema], "components": self.document["components"]}
        checker = jsonschema.Draft202012Validator(root, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        for error in checker.iter_errors(value):
            raise AssertionError(f"{where}, {error.json_path}: {error.message[:300]}")
        self.hold_keys(where, schema, value)

    def parts(self, schema):
        """The schemas that say what an object holds: this one and those of allOf and oneOf."""
        schema = self.resolve(schema)
        yield schema
        for kind in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(kind, ()):
                yield from self.parts(part)

    def hold_keys(self, where, schema, value):
        parts = list(self.parts(schema))
        if isinstance(value, list):
            items = next((p["items"] for p in parts if "items" in p), None)
            for i, one in enumerate(value if items else ()):
                self.hold_keys(f"{where}[{i}]", items, one)
        elif isinstance(value, dict):
            known = {k: v for p in parts for k, v in p.get("properties", {}).items()}
            if any("additionalProperties" in p for p in parts):
                return
            extra = sorted(set(value) - set(known))
            assert not extra, f"{where}: {', '.join(extra)} is not described"
            for key, one in value.items():
                self.hold_keys(f"{where}.{key}", known[key], one)
