"""Qdrant's own engine (qdrant-edge-py) behind the shapes of its REST API: JSON bodies in, JSON results out.

Part of the stand-in server, qdrant_stand_in.py; the engine filters, scores, indexes and scrolls, this file translates."""

import struct

import qdrant_edge as edge


class Refused(Exception):
    """An error that the API answers with: a status and its text."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status, self.text = status, text


def wrong_input(text):
    return Refused(400, f"Wrong input: {text}")


def f32(x):
    """The shortest decimal of a 32-bit float, as the server prints it."""
    for digits in range(6, 10):
        short = float(f"{x:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", x):
            return short
    return x


def many(x):
    return x if isinstance(x, list) else [x]


# ---- filters ----

RANGES = ("gt", "gte", "lt", "lte")


def match(m):
    for key, make in (("value", edge.MatchValue), ("any", edge.MatchAny), ("except", edge.MatchExcept),
                      ("text", edge.MatchText), ("phrase", edge.MatchPhrase), ("text_any", edge.MatchTextAny)):
        if key in m:
            return make(m[key])
    raise Refused(400, "Format error in JSON body: data did not match any variant of untagged enum Match")


def condition(c, where):
    if "has_id" in c:
        return edge.HasIdCondition(set(c["has_id"]))
    if "has_vector" in c:
        return edge.HasVectorCondition(c["has_vector"])
    if "is_empty" in c and "key" not in c:
        return edge.IsEmptyCondition(c["is_empty"]["key"])
    if "is_null" in c and "key" not in c:
        return edge.IsNullCondition(c["is_null"]["key"])
    if "nested" in c:
        return edge.NestedCondition(c["nested"]["key"], filter_of(c["nested"]["filter"]))
    if "key" not in c:
        return filter_of(c, where)
    if "match" in c:
        return edge.FieldCondition(c["key"], match=match(c["match"]))
    if "range" in c:
        bounds = {k: c["range"].get(k) for k in RANGES}
        kind = edge.RangeDateTime if any(isinstance(v, str) for v in bounds.values()) else edge.RangeFloat
        return edge.FieldCondition(c["key"], range=kind(**bounds))
    if "is_empty" in c or "is_null" in c:
        return edge.FieldCondition(c["key"], is_empty=c.get("is_empty"), is_null=c.get("is_null"))
    raise Refused(422, f"Validation error in JSON body: [{where}.__all__: Validation error: "
                       "At least one field condition must be specified [{}]]")


def filter_of(f, where="internal.filter", without=()):
    if not f and not without:
        return None
    parts = {k: [condition(c, f"{where}.{k}[{i}]") for i, c in enumerate(many((f or {}).get(k) or []))]
             for k in ("must", "should", "must_not")}
    if without:
        parts["must_not"].append(edge.HasIdCondition(set(without)))
    return edge.Filter(**{k: v for k, v in parts.items() if v})


# ---- points ----

def payload_selector(p):
    if isinstance(p, dict):
        return (edge.PayloadSelector.Include(p["include"]) if "include" in p
                else edge.PayloadSelector.Exclude(p["exclude"]))
    return p


def vector_out(v):
    if isinstance(v, dict):
        return {name: vector_out(one) for name, one in v.items()}
    if isinstance(v, edge.SparseVector):
        return {"indices": list(v.indices), "values": [f32(x) for x in v.values]}
    return [f32(x) for x in v]


def id_out(i):
    return i if isinstance(i, int) else str(i)


def point_out(p, version=None):
    """Fields as the server has them: an id, a score and what was asked for."""
    out = {"id": id_out(p.id)}
    if version is not None:
        out |= {"version": version, "score": f32(p.score)}
    if p.payload is not None:
        out["payload"] = p.payload
    if p.vector is not None:
        out["vector"] = vector_out(p.vector)
    if p.order_value is not None:
        out["order_value"] = p.order_value
    return out


def sparse_in(v, where):
    if len(v["indices"]) != len(v["values"]):
        raise Refused(422, f"Validation error in JSON body: [{where}.values: Validation error: "
                           "must be the same length as indices [{}]]")
    if len(set(v["indices"])) != len(v["indices"]):
        raise Refused(422, f"Validation error in JSON body: [{where}.indices: Validation error: must be unique [{{}}]]")
    return edge.SparseVector(v["indices"], v["values"])


DISTANCES = {"Cosine": edge.Distance.Cosine, "Dot": edge.Distance.Dot, "Euclid": edge.Distance.Euclid,
             "Manhattan": edge.Distance.Manhattan}
SCHEMAS = {name.lower(): getattr(edge.PayloadSchemaType, name)
           for name in ("Keyword", "Integer", "Float", "Geo", "Text", "Bool", "Datetime", "Uuid")}


class Shard:
    """One collection's points. Vectors without a name have the name ""."""

    def __init__(self, path, body):
        vectors = body.get("vectors") or {}
        self.dense = {"": vectors} if "size" in vectors else vectors
        self.sparse = body.get("sparse_vectors") or {}
        self.versions = {}
        config = edge.EdgeConfig(
            vectors={n: edge.EdgeVectorParams(size=v["size"], distance=DISTANCES[v["distance"]])
                     for n, v in self.dense.items()},
            sparse_vectors={n: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf if v.get("modifier") == "idf" else None)
                            for n, v in self.sparse.items()},
            wal_enabled=False)
        self.shard = edge.EdgeShard.create(str(path), config)

    # -- writing --

    def dense_in(self, name, v):
        if name not in self.dense:
            raise wrong_input(f"Not existing vector name error: {name}")
        if len(v) != self.dense[name]["size"]:
            raise wrong_input(f"Vector dimension error: expected dim: {self.dense[name]['size']}, got {len(v)}")
        return [float(x) for x in v]

    def vector_in(self, v, where):
        if isinstance(v, list):
            return self.dense_in("", v)
        out = {}
        for name, one in v.items():
            if isinstance(one, dict):
                if name not in self.sparse:
                    raise wrong_input(f"Not existing vector name error: {name}")
                out[name] = sparse_in(one, f"{where}.?")
            else:
                out[name] = self.dense_in(name, one)
        return out

    def upsert(self, points, version):
        made = [edge.Point(p["id"], self.vector_in(p["vector"], f"points[{i}].vector"), p.get("payload") or {})
                for i, p in enumerate(points)]
        self.shard.update(edge.UpdateOperation.upsert_points(made))
        self.touch([p["id"] for p in points], version)

    def touch(self, ids, version):
        for i in ids:
            self.versions[i] = version

    def ids_of(self, body):
        if "filter" not in body:
            return body["points"]
        found = self.shard.scroll(edge.ScrollRequest(limit=1 << 30, filter=filter_of(body["filter"]), with_payload=False))[0]
        return [id_out(r.id) for r in found]

    def update(self, operation, body, version):
        """body names its points by "points" or "filter"."""
        ids = self.ids_of(body)
        if ids:
            self.shard.update(operation(ids))
            self.touch(ids, version)

    def index(self, field, schema):
        if isinstance(schema, dict) and schema["type"] == "text":
            tokenizer = getattr(edge.TokenizerType, schema.get("tokenizer", "word").capitalize())
            made = edge.TextIndexParams(tokenizer=tokenizer, lowercase=schema.get("lowercase"))
        else:
            made = SCHEMAS[schema["type"] if isinstance(schema, dict) else schema]
        self.shard.update(edge.UpdateOperation.create_field_index(field, made))

    # -- reading --

    def retrieve(self, ids, with_payload, with_vector):
        return self.shard.retrieve(ids, with_payload=payload_selector(with_payload), with_vector=with_vector)

    def scroll(self, body):
        limit, order = body.get("limit", 10), body.get("order_by")
        request = edge.ScrollRequest(
            offset=body.get("offset"), limit=limit + (order is None), filter=filter_of(body.get("filter")),
            with_payload=payload_selector(body.get("with_payload", True)), with_vector=body.get("with_vector", False),
            order_by=self.order_of(order) if order is not None else None)
        points = [point_out(r) for r in self.shard.scroll(request)[0]]
        return {"points": points[:limit], "next_page_offset": points[limit]["id"] if len(points) > limit else None}

    def order_of(self, order):
        order = {"key": order} if isinstance(order, str) else order
        schema = self.shard.info().payload_schema.get(order["key"])
        if schema is None or schema.data_type not in (SCHEMAS["integer"], SCHEMAS["float"], SCHEMAS["datetime"]):
            raise wrong_input(f"No range index for `order_by` key: `{order['key']}`. Please create one to use `order_by`. Check "
                              "https://qdrant.tech/documentation/concepts/indexing/#payload-index to see which payload schemas "
                              "support Range conditions")
        direction = {"asc": edge.Direction.Asc, "desc": edge.Direction.Desc}[order.get("direction") or "asc"]
        return edge.OrderBy(order["key"], direction, order.get("start_from"))

    def example(self, e, using, named):
        """A vector, or the one of a stored point; the latter is put into named."""
        if isinstance(e, list):
            return self.dense_in(using, e)
        if isinstance(e, dict):
            return sparse_in(e, "query")
        found = self.retrieve([e], False, True)
        if not found:
            raise Refused(404, f"Not found: No point with id {e} found")
        named.append(e)
        v = found[0].vector
        return v[using] if isinstance(v, dict) else v

    def recommend(self, r, using, named):
        positive = [self.example(e, using, named) for e in r.get("positive") or []]
        negative = [self.example(e, using, named) for e in r.get("negative") or []]
        strategy = r.get("strategy", "average_vector")
        if strategy != "average_vector":
            kind = edge.Query.RecommendBestScore if strategy == "best_score" else edge.Query.RecommendSumScores
            return kind(edge.RecommendQuery(positive, negative), using=using)
        if not positive:
            raise wrong_input("Positive vectors should not be empty with `average` strategy")
        mean = [sum(x) / len(positive) for x in zip(*positive)]
        if negative:
            mean = [2 * p - sum(n) / len(negative) for p, n in zip(mean, zip(*negative))]
        return edge.Query.Nearest(mean, using=using)

    def scoring(self, q, using, named):
        if q is None:
            return None
        if not isinstance(q, dict) or "indices" in q:
            return edge.Query.Nearest(self.example(q, using, named), using=using)
        if "recommend" in q:
            return self.recommend(q["recommend"], using, named)
        if "order_by" in q:
            return self.order_of(q["order_by"])
        if "fusion" in q:
            return edge.Fusion.Rrf(2) if q["fusion"] == "rrf" else edge.Fusion.Dbsf()
        if "sample" in q:
            return edge.Sample.Random
        if "nearest" in q:
            nearest = self.example(q["nearest"], using, named)
            if "mmr" not in q:
                return edge.Query.Nearest(nearest, using=using)
            return edge.Mmr(nearest, 1 - q["mmr"].get("diversity", 0.5), q["mmr"].get("candidates_limit", 100), using=using)
        raise Refused(400, "Format error in JSON body: data did not match any variant of untagged enum QueryInterface")

    def params_of(self, p):
        if not p:
            return None
        q = p.get("quantization")
        return edge.SearchParams(hnsw_ef=p.get("hnsw_ef"), exact=p.get("exact", False),
                                 quantization=edge.QuantizationSearchParams(rescore=q.get("rescore")) if q else None)

    def stages(self, body):
        out = []
        for p in many(body.get("prefetch") or []):
            named = []
            query = self.scoring(p.get("query"), p.get("using", ""), named)
            out.append(edge.Prefetch(limit=p.get("limit", 10), query=query, prefetches=self.stages(p),
                                     params=self.params_of(p.get("params")), score_threshold=p.get("score_threshold"),
                                     filter=filter_of(p.get("filter"), without=named)))
        return out

    def query(self, body):
        using, named = body.get("using", ""), []
        if using not in self.dense and using not in self.sparse and body.get("query") is not None and "prefetch" not in body \
                and not (isinstance(body["query"], dict) and body["query"].keys() & {"order_by", "sample"}):
            raise wrong_input(f"Not existing vector name error: {using}")
        query = self.scoring(body.get("query"), using, named)
        request = edge.QueryRequest(
            limit=body.get("limit", 10), offset=body.get("offset"), query=query, prefetches=self.stages(body),
            with_vector=body.get("with_vector", False), with_payload=payload_selector(body.get("with_payload", False)),
            filter=filter_of(body.get("filter"), without=named), score_threshold=body.get("score_threshold"),
            params=self.params_of(body.get("params")))
        scored = query is not None and not isinstance(query, (edge.OrderBy, edge.Sample))
        found = self.shard.query(request)
        if scored:
            points = [point_out(p, self.versions.get(id_out(p.id), 0)) for p in found]
            if not body.get("with_vector"):  # MMR brings them unasked
                points = [{k: v for k, v in p.items() if k != "vector"} for p in points]
            return points
        return [point_out(p, 0) | {"score": 1.0} for p in found]

    def groups(self, body):
        by, size, limit = body["group_by"], body.get("group_size", 3), body.get("limit", 10)
        groups = {}
        hits = self.query({**body, "limit": 1 << 20, "with_payload": True})
        for hit in hits:
            for value in many((hit.get("payload") or {}).get(by, [])):
                if value in groups or len(groups) < limit:
                    groups.setdefault(value, []).append(hit)
        keep = body.get("with_payload", False)
        for hit in hits:
            if isinstance(keep, list):
                hit["payload"] = {k: v for k, v in hit["payload"].items() if k in keep}
            elif keep is not True:
                hit.pop("payload", None)
        return {"groups": [{"hits": h[:size], "id": value} for value, h in groups.items()]}

    def facet(self, body):
        found = self.shard.facet(edge.FacetRequest(body["key"], limit=body.get("limit", 10), exact=body.get("exact", False),
                                                   filter=filter_of(body.get("filter"))))
        return {"hits": [{"value": h.value, "count": h.count} for h in found]}

    def count(self, body):
        return {"count": self.shard.count(edge.CountRequest(filter=filter_of(body.get("filter")), exact=body.get("exact", True)))}

    def schema(self):
        """The fields that are indexed, with what they hold."""
        names = {v: k for k, v in SCHEMAS.items()}
        return {field: {"data_type": names[i.data_type], "points": i.points}
                for field, i in self.shard.info().payload_schema.items()}
