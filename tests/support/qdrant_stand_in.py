#!/usr/bin/env python3
"""A stand-in for a Qdrant server: its REST API as the specification of 1.19 has it, over Qdrant's own engine.

    qdrant_stand_in.py [--api-key KEY] [--read-only-key KEY] [--version V]

Prints its port and serves on 127.0.0.1 until its standard input ends. No registry has the server itself; what this one answers
is compared with a real one's answers by tests/support/qdrant_recordings.py. One node: no shards, no consensus.

What tests need beside the API:
    POST /stand-in/faults  a list of {"path": a part of "METHOD path", "kind": ..., "skip": N, "times": N}; replaces the one before.
                           kind: "status" (with "status", "body", "retry_after"), "reset" (no answer), "cut" (breaks off in mid-body),
                           "slow" (with "seconds", then as it should), "done-reset" (does it, then no answer),
                           "answer" (with "body": 200 and this text)
    GET  /stand-in/log     the requests so far as "METHOD path", the faults with what is left of their times, and how many
                           connections there were
"""

import argparse
import contextlib
import hashlib
import http.server
import json
import re
import shutil
import signal
import socket
import struct
import sys
import tarfile
import tempfile
import threading
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import qdrant_edge as edge
from qdrant_engine import SCHEMAS, Refused, Shard, point_out, wrong_input

MAX_BODY = 32 << 20
OPEN = ("/healthz", "/readyz", "/livez")
PLAIN = {"/healthz": "healthz check passed", "/readyz": "all shards are ready", "/livez": "healthz check passed"}


def format_error(text):
    return Refused(400, f"Format error in JSON body: {text}")


def validation(text):
    return Refused(422, f"Validation error in JSON body: [{text}]")


def missing(name):
    return Refused(404, f"Not found: Collection `{name}` doesn't exist!")


class Collection:
    def __init__(self, path, body):
        self.body, self.path, self.snapshots, self.operations = body, path, [], 0
        self.shard = Shard(path, body)

    def next(self, n=1):
        self.operations += n
        return self.operations

    def info(self):
        b = self.body
        params = {"vectors": b.get("vectors", {}), "shard_number": b.get("shard_number") or 1,
                  "replication_factor": b.get("replication_factor") or 1,
                  "write_consistency_factor": b.get("write_consistency_factor") or 1, "on_disk_payload": True}
        if b.get("sparse_vectors"):
            params["sparse_vectors"] = b["sparse_vectors"]
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
        optimizer = {"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 0,
                     "max_segment_size": None, "memmap_threshold": None, "indexing_threshold": 10000,
                     "flush_interval_sec": 5, "max_optimization_threads": None, "prevent_unoptimized": None}
        return {"status": "green", "optimizer_status": "ok", "indexed_vectors_count": 0,
                "points_count": self.shard.shard.info().points_count, "segments_count": 2,
                "config": {"params": params, "hnsw_config": hnsw | (b.get("hnsw_config") or {}),
                           "optimizer_config": optimizer | (b.get("optimizers_config") or {}),
                           "wal_config": {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1},
                           "quantization_config": b.get("quantization_config")},
                "payload_schema": self.shard.schema(), "update_queue": {"length": 0}}

    # -- writing: each returns the number of its operation --

    def upsert(self, body):
        if "batch" in body:
            b = body["batch"]
            payloads = b.get("payloads") or [None] * len(b["ids"])
            points = [{"id": i, "vector": v, "payload": p} for i, v, p in zip(b["ids"], b["vectors"], payloads)]
        else:
            points = body["points"]
        if not points:
            raise Refused(400, "Bad request: Empty update request")
        for p in points:
            check_id(p["id"])
            if "vector" not in p:
                raise format_error("missing field `vector`")
        self.shard.upsert(points, self.operations + 1)
        return self.next()

    def delete(self, body):
        self.shard.update(edge.UpdateOperation.delete_points, body, self.operations + 1)
        return self.next()

    def set_payload(self, body):
        self.shard.update(lambda ids: edge.UpdateOperation.set_payload(ids, body["payload"]), body, self.operations + 1)
        return self.next()

    def delete_payload(self, body):
        self.shard.update(lambda ids: edge.UpdateOperation.delete_payload(ids, body["keys"]), body, self.operations + 1)
        return self.next()

    WRITES = {"upsert": upsert, "delete": delete, "set_payload": set_payload, "delete_payload": delete_payload}

    def batch(self, body):
        return [self.WRITES[name](self, part) for operation in body["operations"] for name, part in operation.items()]

    def index(self, body):
        schema = body["field_schema"]
        kind = schema.get("type") if isinstance(schema, dict) else schema
        if kind not in SCHEMAS:
            raise format_error("data did not match any variant of untagged enum PayloadFieldSchema")
        self.shard.index(body["field_name"], schema)
        return self.next(2)

    def drop_index(self, field):
        self.shard.shard.update(edge.UpdateOperation.delete_field_index(field))
        return self.next(2)

    # -- reading --

    def retrieve(self, body):
        for i in body["ids"]:
            check_id(i)
        found = {one["id"]: one for one in map(point_out, self.shard.retrieve(
            body["ids"], body.get("with_payload", False), body.get("with_vector", False)))}
        return [found[i] for i in body["ids"] if i in found]

    def point(self, text):
        i = int(text) if text.isdigit() else text
        with contextlib.suppress(ValueError):
            i = i if isinstance(i, int) else str(uuid.UUID(i))
            found = self.shard.retrieve([i], True, True)
            if not found:
                raise Refused(404, f"Not found: Point with id {i} does not exists!")
            return point_out(found[0])
        raise wrong_input(f'Can not recognize "{text}" as point id')

    def query(self, body):
        limit = body.get("limit")
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
            raise format_error(f'invalid type: string "{limit}", expected usize')
        if limit == 0:
            raise validation("internal.limit: value 0 invalid, must be 1 or larger")
        return {"points": self.shard.query(body)}

    def snapshot(self):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        name = f"{self.path.name}-{time.time_ns() % 10**16}-{now.replace('T', '-').replace(':', '-')}.snapshot"
        self.shard.shard.flush()
        target = self.path.parent / name
        with tarfile.open(target, "w") as tar:
            tar.add(self.path, ".")
        data = target.read_bytes()
        self.snapshots.append({"name": name, "creation_time": now, "size": len(data), "checksum": hashlib.sha256(data).hexdigest()})
        return self.snapshots[-1]


def check_id(i):
    if isinstance(i, int) and not isinstance(i, bool) and 0 <= i < 1 << 64:
        return
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        uuid.UUID(i)
        return
    raise format_error(f"value {i} is not a valid point ID, valid values are either an unsigned integer or a UUID")


def check_vectors(v):
    for one in [v] if "size" in v or "distance" in v else v.values():
        if not (0 < one.get("size", 0) <= 65536 and one.get("distance") in ("Cosine", "Dot", "Euclid", "Manhattan")):
            raise format_error("data did not match any variant of untagged enum VectorsConfig")


class Node:
    """All collections, and the routes to them."""

    def __init__(self, folder, version):
        self.folder, self.version = Path(folder), version
        self.collections, self.aliases, self.made = {}, {}, 0
        self.lock = threading.RLock()

    def of(self, name):
        found = self.collections.get(self.aliases.get(name, name))
        if not found:
            raise missing(name)
        return found

    def create(self, name, body):
        if "/" in name:
            raise Refused(422, 'Validation error in path parameters: [collection_name: collection name cannot contain "/" char]')
        check_vectors(body.get("vectors") or {})
        if name in self.collections or name in self.aliases:
            raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
        self.made += 1
        self.collections[name] = Collection(self.folder / f"{self.made}-{name}", body)
        return True

    def drop(self, name):
        gone = self.collections.pop(name, None)
        if gone:
            gone.shard.shard.close()
            self.aliases = {a: c for a, c in self.aliases.items() if c != name}
        return gone is not None

    def change_aliases(self, body):
        aliases = dict(self.aliases)
        for action in body["actions"]:
            if "create_alias" in action:
                a = action["create_alias"]
                if a["collection_name"] not in self.collections:
                    raise missing(a["collection_name"])
                if a["alias_name"] in self.collections:
                    raise Refused(409, f"Wrong input: Collection `{a['alias_name']}` already exists!")
                aliases[a["alias_name"]] = a["collection_name"]
            elif "delete_alias" in action:
                aliases.pop(action["delete_alias"]["alias_name"], None)
        self.aliases = aliases
        return True

    def alias_list(self, name=None):
        return {"aliases": [{"alias_name": a, "collection_name": c} for a, c in self.aliases.items() if name in (None, c)]}

    def patch(self, name, body):
        self.of(name).body |= body
        return True

    def legacy(self, name, body, query):
        return self.of(name).query({**body, "query": query})["points"]

    def route(self, method, path, query, body):
        """(what to do, does it write), or None where there is no such route."""
        state = "completed" if query.get("wait") == ["true"] else "acknowledged"

        def done(number):
            if isinstance(number, list):
                return [done(n) for n in number]
            return {"operation_id": number, "status": state}

        fixed = {("GET", "/collections"): (lambda: {"collections": [{"name": n} for n in self.collections]}, False),
                 ("GET", "/aliases"): (self.alias_list, False),
                 ("GET", "/cluster"): (lambda: {"status": "disabled"}, False),
                 ("POST", "/collections/aliases"): (lambda: self.change_aliases(body), True)}
        if (method, path) in fixed:
            return fixed[method, path]
        found = re.fullmatch(r"/collections/([^/]+)((?:/.*)?)", path)
        if not found:
            return None
        name, rest = unquote(found[1]), found[2]
        routes = {
            ("GET", ""): (lambda: self.of(name).info(), False),
            ("PUT", ""): (lambda: self.create(name, body), True),
            ("PATCH", ""): (lambda: self.patch(name, body), True),
            ("DELETE", ""): (lambda: self.drop(name), True),
            ("GET", "/exists"): (lambda: {"exists": name in self.collections or name in self.aliases}, False),
            ("GET", "/aliases"): (lambda: self.alias_list(name), False),
            ("PUT", "/index"): (lambda: done(self.of(name).index(body)), True),
            ("PUT", "/points"): (lambda: done(self.of(name).upsert(body)), True),
            ("POST", "/points"): (lambda: self.of(name).retrieve(body), False),
            ("POST", "/points/batch"): (lambda: done(self.of(name).batch(body)), True),
            ("POST", "/points/delete"): (lambda: done(self.of(name).delete(body)), True),
            ("POST", "/points/payload"): (lambda: done(self.of(name).set_payload(body)), True),
            ("POST", "/points/payload/delete"): (lambda: done(self.of(name).delete_payload(body)), True),
            ("POST", "/points/query"): (lambda: self.of(name).query(body), False),
            ("POST", "/points/query/batch"): (lambda: [self.of(name).query(b) for b in body["searches"]], False),
            ("POST", "/points/query/groups"): (lambda: self.of(name).shard.groups(body), False),
            ("POST", "/points/search"): (lambda: self.legacy(name, body, body["vector"]), False),
            ("POST", "/points/recommend"): (lambda: self.legacy(name, body, {"recommend": body}), False),
            ("POST", "/points/scroll"): (lambda: self.of(name).shard.scroll(body), False),
            ("POST", "/points/count"): (lambda: self.of(name).shard.count(body), False),
            ("POST", "/facet"): (lambda: self.of(name).shard.facet(body), False),
            ("POST", "/snapshots"): (lambda: self.of(name).snapshot(), True),
            ("GET", "/snapshots"): (lambda: self.of(name).snapshots, False)}
        if (method, rest) in routes:
            return routes[method, rest]
        if method == "GET" and (one := re.fullmatch(r"/points/([^/]+)", rest)):
            return lambda: self.of(name).point(unquote(one[1])), False
        if method == "DELETE" and (one := re.fullmatch(r"/index/([^/]+)", rest)):
            return lambda: done(self.of(name).drop_index(unquote(one[1]))), True
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections += 1

    def handle_one(self):
        s = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        if url.path.startswith("/stand-in/"):
            return self.control(url.path, body)
        s.log.append(f"{self.command} {url.path}")
        fault = s.fault_for(f"{self.command} {url.path}")
        if fault and self.fails(fault):
            return None
        status, text, kind = self.answer_to(url, body)
        if fault and fault["kind"] == "done-reset":
            return self.reset()
        if fault and fault["kind"] == "cut":
            return self.cut(text)
        return self.send(status, text, kind)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_one

    def answer_to(self, url, body):
        s, began = self.server, time.perf_counter()
        if url.path in PLAIN and self.command == "GET":
            return 200, PLAIN[url.path], "text/plain; charset=utf-8"
        key = self.headers.get("api-key") or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if s.api_key and not key:
            return 401, "Must provide an API key or an Authorization bearer token", None
        if s.api_key and key not in (s.api_key, s.read_only_key):
            return 401, "Invalid API key or JWT", None
        if url.path == "/" and self.command == "GET":
            about = {"title": "qdrant - vector search engine", "version": s.node.version, "commit": "a stand-in"}
            return 200, json.dumps(about), "application/json"
        if len(body) > MAX_BODY:
            return 413, f"Payload error: JSON payload ({len(body)} bytes) is larger than allowed (limit: {MAX_BODY} bytes).", None
        try:
            parsed = json.loads(body) if body else {}
            with s.node.lock:
                route = s.node.route(self.command, url.path, parse_qs(url.query), parsed)
                if route is None:
                    return 404, "", None
                act, writes = route
                if writes and s.api_key and key == s.read_only_key:
                    raise Refused(403, "Forbidden: Global manage access is required")
                result = act()
            envelope = {"result": result, "status": "ok"}
            status = 200
        except Refused as refused:
            envelope, status = {"status": {"error": refused.text}}, refused.status
        except json.JSONDecodeError as error:
            envelope, status = {"status": {"error": f"Format error in JSON body: {error}"}}, 400
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            envelope, status = {"status": {"error": f"Format error in JSON body: {error!r}"}}, 400
        except Exception as error:  # the engine's own
            envelope, status = {"status": {"error": f"Wrong input: {error}"}}, 400
        envelope["time"] = time.perf_counter() - began
        return status, json.dumps(envelope, ensure_ascii=False), "application/json"

    def send(self, status, text, kind, *headers):
        data = text.encode("utf-8", "surrogatepass")
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}", f"Content-Length: {len(data)}"]
        if kind:
            lines.append(f"Content-Type: {kind}")
        lines += [f"{k}: {v}" for k, v in headers]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    # -- bad days --

    def fails(self, fault):
        """True: it was answered already, or will never be."""
        kind = fault["kind"]
        if kind == "reset":
            self.reset()
        elif kind == "status":
            after = [("Retry-After", fault["retry_after"])] if "retry_after" in fault else []
            self.send(fault["status"], fault.get("body", ""), None, *after)
        elif kind == "answer":
            self.send(200, fault["body"], "application/json")
        elif kind == "slow":
            over.wait(fault["seconds"])
            return False
        else:
            return False
        return True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def cut(self, text):
        data = text.encode()
        self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:len(data) // 2])
        self.close_connection = True

    def control(self, path, body):
        if path == "/stand-in/faults":
            self.server.faults = json.loads(body)
        told = {"log": self.server.log, "faults": self.server.faults, "connections": self.server.connections}
        self.send(200, json.dumps(told), "application/json")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, node, api_key, read_only_key):
        super().__init__(("127.0.0.1", 0), Handler)
        self.node, self.api_key, self.read_only_key = node, api_key, read_only_key
        self.faults, self.log, self.connections = [], [], 0

    def fault_for(self, what):
        with self.node.lock:
            for fault in self.faults:
                if fault["path"] not in what:
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                elif fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return None

    def handle_error(self, request, client_address):
        pass  # a client that goes away is part of the tests


over = threading.Event()


def fast_folder():
    """In memory where there is room: a collection takes 20 MB, and the engine flushes each new index to the disk, a quarter of a
    second on a slow one. A container may have 64 MB there."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30 else None


def main():
    ask = argparse.ArgumentParser(description="a stand-in for a Qdrant server")
    ask.add_argument("--api-key", default="")
    ask.add_argument("--read-only-key", default="")
    ask.add_argument("--version", default="1.19.0")
    o = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # and the folder goes
    with tempfile.TemporaryDirectory(prefix="kinora-qdrant-", dir=fast_folder()) as folder:
        server = Server(Node(folder, o.version), o.api_key, o.read_only_key)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)
        sys.stdin.read()
        over.set()
        server.shutdown()


if __name__ == "__main__":
    main()
