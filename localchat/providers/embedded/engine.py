"""The child process that holds llama.cpp: a chat endpoint on loopback, behind a random key, ending with its parent.

A process of its own because llama.cpp holds Python's lock while it loads (the screen would freeze), can abort the whole
process, and gives its memory back only when it ends. It imports nothing of localchat, so it starts in a tenth of a
second.

The parent writes one line of JSON on standard input (``model``, ``context`` in tokens, ``threads``, ``key``,
``verbosity``) and reads one line back: ``{"url": …}`` or ``{"error": …}``. It then keeps standard input open for as
long as the engine is wanted: the operating system closes it when the parent dies, in whatever way, and the engine ends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# Prompt tokens read at a time. A stop is noticed between two batches: 2,048 made it take up to 19 s, 128 takes 0.5 s
# and costs 6 % of the reading speed.
BATCH = 128
PING_SECONDS = 10  # a sign of life to the client while a long prompt is read
IDLE_SECONDS = 600  # then the model's memory is given back; the next request loads it again


def serve() -> None:
    """Load the model, tell the address, wait for the end of standard input, leave at once."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing that a library prints may be taken for the answer
    try:
        order = json.loads(sys.stdin.buffer.readline() or b"{}")
        server = _server(order)
        reply = {"url": server.listening_address}
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    try:
        answer.write(json.dumps(reply) + "\n")
        answer.flush()
        sys.stdin.buffer.read()  # after an error too: the log that says why is written a moment later
    finally:
        # Not sys.exit, and not by an exception either (the parent may have died while the model was loaded, and then
        # nobody takes the answer): tearing llama.cpp down aborts or hangs.
        os._exit(0 if "url" in reply else 1)


def _server(order: dict[str, Any]) -> Any:
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = order["model"]
    wanted.n_ctx = int(order["context"])
    wanted.api_keys = [order["key"]]
    wanted.verbosity = int(order.get("verbosity", -1))
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = 0
    wanted.cors_origins = "http://localchat.invalid"  # no web page can have this origin
    wanted.cors_credentials = False
    wanted.ui = False
    wanted.endpoint_slots = False
    wanted.offline = True
    wanted.fit_params = sys.platform == "darwin"  # loads a second time to size a GPU; other wheels have none
    wanted.cpuparams.n_threads = int(order["threads"])
    wanted.cpuparams_batch.n_threads = int(order["threads"])
    wanted.n_batch = BATCH
    wanted.n_ubatch = BATCH
    wanted.n_parallel = 1
    wanted.cache_ram_mib = 0  # the default keeps up to 8 GB of old prompts
    wanted.sse_ping_interval = PING_SECONDS
    wanted.sleep_idle_seconds = IDLE_SECONDS
    return xllamacpp.Server(wanted)


if __name__ == "__main__":
    serve()
