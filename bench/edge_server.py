"""edge_server.py LIBRARY SHARD PORT-FILE: qdrant-edge-py behind the simplest server, for bench/http: GET /similar/NUMBER gives the 10
nearest with payload, as JSON, keeping connections. The vectors are those of a Kinora library; SHARD is made when it is not there."""
import json
import pathlib
import sqlite3
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import qdrant_edge as edge

BATCH = 2000


def fill(library, folder):
    db = sqlite3.connect(f"file:{library}/library.db?mode=ro", uri=True)
    shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(
        vectors={"": edge.EdgeVectorParams(size=384, distance=edge.Distance.Cosine)}))
    points = []
    rows = db.execute("SELECT key, name, language, opinion, year, vector FROM title JOIN title_vector ON title.key = title_vector.title")
    for key, name, language, opinion, year, vector in rows:
        text = db.execute("SELECT text FROM moment WHERE title = ? LIMIT 1", (key,)).fetchone()[0]
        points.append(edge.Point(key, list(struct.unpack("<384f", vector)),
                                 {"name": name, "language": language, "opinion": opinion, "year": year, "text": text}))
        if len(points) == BATCH:
            shard.update(edge.UpdateOperation.upsert_points(points))
            points = []
    if points:
        shard.update(edge.UpdateOperation.upsert_points(points))
    shard.optimize()  # builds the graph
    shard.flush()
    return shard


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def main(library, folder, port_file):
    folder = pathlib.Path(folder)
    if not folder.exists():
        folder.mkdir(parents=True)
        fill(library, folder).close()
    shard = edge.EdgeShard.load(str(folder))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            number = int(self.path.rpartition("/")[2])
            vector = shard.retrieve([number], with_payload=False, with_vector=True)[0].vector
            vector = vector[""] if isinstance(vector, dict) else vector
            found = shard.query(edge.QueryRequest(query=edge.Query.Nearest(list(vector)), limit=11, with_payload=True,
                                                  params=edge.SearchParams(hnsw_ef=128)))
            body = json.dumps([{"id": p.id, "score": p.score, "payload": p.payload} for p in found if p.id != number][:10]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        pathlib.Path(port_file).write_text(str(server.server_address[1]))
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
