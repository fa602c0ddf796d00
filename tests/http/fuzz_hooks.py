"""What schemathesis cannot know: ids of titles that are there (KINORA_TEST_IDS). Of each three ids that it makes up, two become such,
so that answers are looked at and not only refusals. An id that is to be none stays as it is."""

import hashlib
import os
import re

import schemathesis

IDS = os.environ["KINORA_TEST_IDS"].split(",")
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def known(value):
    if not isinstance(value, str) or not ID.fullmatch(value):
        return value
    number = hashlib.sha256(value.encode()).digest()
    return value if number[0] % 3 == 0 else IDS[number[1] % len(IDS)]


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return {k: known(v) for k, v in path_parameters.items()} if path_parameters else path_parameters


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    return {k: [known(i) for i in v] if k in ("likes", "dislikes") and isinstance(v, list) else v for k, v in body.items()}
