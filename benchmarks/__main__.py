"""Run one benchmark and print what it found; the last line is one JSON object.

    python -m benchmarks storage --quick --markdown

A benchmark is a module of this folder with `run(*, quick: bool) -> dict` and
`markdown(result) -> str`; its name goes into BENCHMARKS.
"""

import argparse
import importlib
import json
import sys
from typing import Final

BENCHMARKS: Final = {
    "exchange": "what the bar adds to the model's own time, heard to said",
    "storage": "group commit against a service for each table",
}


def main() -> int:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="a rough answer in about a minute")
    parser.add_argument("--markdown", action="store_true", help="print a table before the JSON")
    chosen = parser.parse_args()
    module = importlib.import_module(f"benchmarks.{chosen.name}")
    result = module.run(quick=chosen.quick)
    if chosen.markdown:
        print(module.markdown(result))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
