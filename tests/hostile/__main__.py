"""`python -m hostile [COUNT] [FIRST]`: hostile cases one after the other; prints what became of them."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter

from hostile.trial import Wrong, trial


def main() -> int:
    count, start = (*map(int, sys.argv[1:]), *(2000, 0)[len(sys.argv) - 1 :])
    warnings.simplefilter("ignore")
    total, wrong = Counter(), 0
    with tempfile.TemporaryDirectory() as cache:  # every reference is made here, by today's rules
        os.environ["XCHECK_CACHE"] = cache
        for seed in range(start, start + count):
            try:
                total += trial(seed)
            except Wrong as error:
                wrong += 1
                print(error, "\n", flush=True)
    print(f"{count} cases, {wrong} wrong; quantities: {dict(total)}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
