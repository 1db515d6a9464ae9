"""What a run of 100 questions ends in for each quirk of a server, and its cost: `python -m tests.vlm.quirks_table`.

8 requests under way at once, 3 tries each; where a server hangs 3 s for a reply, else a minute, for a busy machine is
no quirk. The defaults wait longer and count the same.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections import Counter
from typing import Any

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.infer.outcome import asked_each
from stages.vlm.api import Api
from stages.vlm.ask import ask_all
from stages.vlm.base import Request
from tests.vlm.fake_server import Hang, Said, Server, failure, reply, written
from tests.vlm.given import api_params

SURE = written([("Yes", -0.1), ("No", -2.4)])
QUIRKS: dict[str, Any] = {
    "none": [reply("Yes", logprobs=SURE)],
    "thinking in the text": [reply("<think>No?</think>Yes", logprobs=SURE)],
    "thinking in a field of its own": [reply("Yes", logprobs=SURE, reasoning_content="No?")],
    "cut while thinking": [reply("<think>No, there is", "length")],
    "finish_reason length": [reply("Yes, the", "length", logprobs=SURE)],
    "ignores the longest answer": [reply("Yes. " * 20, logprobs=SURE, usage={"completion_tokens": 60})],
    "logprobs: null though asked": [reply("Yes")],
    "400 Unsupported parameter": [failure(400, "Unsupported parameter: 'seed'", "unsupported_parameter", param="seed")],
    "half of a character": [Said(200, reply("Yes, XX", logprobs=SURE).text.replace("XX", "\\ud83d"))],
    "HTML with status 200": [Said(200, "<html>log in</html>", type="text/html")],
    "closes each connection": [Hang(0.0)],
    "closes each connection from the 21st on": [*[reply("Yes", logprobs=SURE)] * 20, Hang(0.0)],
    "HTTP 500 always": [failure(500, "out of memory")],
    "429 with Retry-After: 1, once": [failure(429, "slow", headers={"Retry-After": "1"}), reply("Yes", logprobs=SURE)],
    "429 with Retry-After: 7200": [failure(429, "daily limit", headers={"Retry-After": "7200"})],
    "hangs": [Hang(30.0)],
    "hangs from the 21st on": [*[reply("Yes", logprobs=SURE)] * 20, Hang(30.0)],
}


def run(script: list[Any], seconds: float) -> tuple[str, int, int, float]:
    """Return how a run ends, its requests, the answers in the journal, and its seconds."""
    server = Server().start()
    server.script = list(script)
    backend = Api(api_params(), server.address, tries=3, seconds=seconds)
    requests = (Request(f"Is it {number}?", options=("Yes", "No")) for number in range(100))
    start, told = time.monotonic(), io.StringIO()
    with contextlib.redirect_stderr(told), Journal("quirks") as journal:
        try:
            answers = [answer for _, answer in ask_all(backend, requests, journal)]
            rows = Counter(asked_each({"it": answer}, many=True).status for answer in answers)
            ended = ", ".join(f"{count} {status}" for status, count in rows.items())
            ended += "; warned" if told.getvalue() else ""
        except InputError as error:
            ended = "ends: " + str(error).splitlines()[0].partition("/v1: ")[2]
    took, seen, kept = time.monotonic() - start, len(server.seen), len(journal)
    server.shutdown()
    return ended, seen, kept, took


def main() -> None:
    """Print a row for each quirk."""
    print("| quirk | end | requests | in the journal | s |\n|---|---|---|---|---|")
    for name, script in QUIRKS.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["HAR_JOURNAL"] = folder
            ended, seen, kept, seconds = run(script, 3.0 if name.startswith("hangs") else 60.0)
        print(f"| {name} | {ended} | {seen} | {kept} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
