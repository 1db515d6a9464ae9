"""Size and speed of the report page, in a real Chromium.

    python -m bench.report [page.html ...]

Without arguments it fabricates a run of 16,115 clips, 31 classes and 7 methods (texts from a small grammar, as long as
the published generations), writes its page and measures that; given pages, it measures those. Shown are bytes, seconds
to write, seconds until the figures and until everything is drawn (best of three, each in a fresh tab), and for each
filter of the gallery the milliseconds from the event until the next frame has been painted (best and worst of five).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from stages.base.paths import Run
from stages.report.inputs import load
from stages.report.render import page
from tests.report import small
from tests.report.conftest import FLAGS

CLIPS, CLASSES = 16_115, 31
#: Words of a method's texts; those of the other null models are one sentence each.
WORDS = {"deepseek_vl2": 10, "internvl2_5": 14, "internvl2_5_videocaps": 14, "llama3_2_vision": 42, "null_shuffled": 14}
NULLS = ["null_shuffled", "null_constant", "null_every_class"]
FILTERS = {
    "class": ("class", "5"),
    "method and outcome": ("outcome", "wrong"),
    "judged by": ("judged-by", "similarity"),
    "test part": ("test-part-of", "cs"),
}


def main() -> None:
    """Measure the pages named, or one made for the purpose."""
    pages = [Path(name).resolve() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        for path in pages or [large(Path(folder))]:
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
            measure(path)


def large(folder: Path) -> Path:
    """Return the page of a run as large as Toyota Smarthome with the published generations and null models."""
    os.chdir(folder)
    run, made = Run("large"), smarthome(np.random.default_rng(0))
    small.write(run, made, keyframes=False)
    inputs = load(run, made.methods, made.nulls)
    start = time.perf_counter()
    text = page(inputs, small.params(images="never"), small.rules())
    print(f"written in {time.perf_counter() - start:.1f} s from {CLIPS} clips, {len(inputs.everyone)} methods")
    path = folder / "large.html"
    path.write_text(text)
    return path


def smarthome(rng: np.random.Generator) -> small.Study:
    """Return a run of 16,115 clips; verdicts are drawn, texts are as long as the published ones."""
    clips = [f"Class_{index % CLASSES:02}_p{index % 18:02}_r{index:05}_v00_c0{1 + index % 7}" for index in range(CLIPS)]
    texts = {method: sentences(rng, words) for method, words in WORDS.items()}
    right = {(method, metric): rng.random(CLIPS) < 0.5 for method in [*WORDS, *NULLS] for metric in small.METRICS}
    return small.Study(
        classes=[f"Class_{index:02}" for index in range(CLASSES)],
        clips=sorted(clips),
        methods=[method for method in WORDS if method not in NULLS],
        nulls=NULLS,
        text=lambda method, index: texts[method][index] if method in texts else f"The text of {method}.",
        right=lambda method, index, metric: bool(right[method, metric][index]),
    )


def sentences(rng: np.random.Generator, words: int) -> list[str]:
    """Return a text a clip, of about so many words, drawn as words of a language are: few of them often."""
    vocabulary = np.array(["".join(rng.choice(list("aeiorstnlmdpkc"), 2 + rank % 7)) for rank in range(800)])
    weight = 1 / np.arange(1, 801)
    drawn = rng.choice(vocabulary, (CLIPS, words), p=weight / weight.sum())
    return [f"The person is {' '.join(row)}." for row in drawn]


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a headless browser."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        driver.set_script_timeout(60)
        try:
            yield driver
        finally:
            driver.quit()


def measure(path: Path) -> None:
    """Print how fast a page opens and how fast its filters answer."""
    with chromium() as driver:
        opened = [opening(driver, path) for _ in range(3)]
        figures, everything = (min(times) for times in zip(*opened, strict=True))
        print(f"  opens: figures {figures:.2f} s, everything {everything:.2f} s")
        for title, (name, value) in FILTERS.items():
            script = f"document.querySelector('#gallery-controls [name={name}]')"
            if not driver.execute_script(f"return !!{script}.querySelector('option[value=\"{value}\"]')"):
                continue
            change = f"{script}.dispatchEvent(new Event('change'))"
            report(title, [act(driver, f"{script}.value = {json.dumps(one)}; {change}") for one in [value, ""] * 5])
        tick = "document.querySelector('[name=disagree]').click()"
        report("methods disagree", [act(driver, tick) for _ in range(10)])
        box = "document.querySelector('[name=words]')"
        report(
            "words",
            [
                act(driver, f"{box}.value = {json.dumps(words)}; {box}.dispatchEvent(new Event('input'))")
                for words in ["person", "the", "ra"] * 3
            ],
        )


def opening(driver: Any, path: Path) -> tuple[float, float]:
    """Return seconds from navigation until the figures, and until everything is drawn."""
    driver.switch_to.new_window("tab")
    driver.get(path.as_uri())
    while driver.execute_script("return document.documentElement.dataset.ready") != "all":
        time.sleep(0.02)
    marks = driver.execute_script("return performance.getEntriesByType('mark').map((mark) => mark.startTime / 1000)")
    return marks[0], marks[1]


def act(driver: Any, action: str) -> float:
    """Return milliseconds from an action until its result has been painted."""
    return float(
        driver.execute_async_script(f"""
        const done = arguments[arguments.length - 1];
        const count = document.querySelector('#gallery-count');
        const start = performance.now();
        const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        new MutationObserver((_, self) => {{ self.disconnect(); painted(); }})
          .observe(count, {{ childList: true, characterData: true, subtree: true }});
        {action};
    """)
    )


def report(title: str, times: list[float]) -> None:
    """Print the best and worst of some times."""
    print(f"  {title}: {min(times):.0f} to {max(times):.0f} ms")


if __name__ == "__main__":
    main()
