"""Check a taxonomy file and say what it holds: `python -m stages.taxonomy.check [file]`.

Without a file it is this repository's own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.taxonomy.load import read
from stages.taxonomy.model import FILE


def main() -> None:
    """Print the data sets of a taxonomy, how many labels and classes each has, and which are open."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=FILE)
    taxonomy = read(parser.parse_args().file)
    for source, labels in taxonomy.sources.items():
        print(f"{source}: {len(labels)} labels, {len(taxonomy.classes_of(source))} classes")
    for source, why in taxonomy.open.items():
        print(f"{source}: open, {why}")
    sentences = sum(map(len, taxonomy.classes.values()))
    print(f"version {taxonomy.version}: {len(taxonomy.classes)} classes, {sentences} sentences")


if __name__ == "__main__":
    guard(main)
