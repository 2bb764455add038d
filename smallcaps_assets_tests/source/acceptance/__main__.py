"""``python -m smallcaps_assets_tests.source.acceptance --base URL``: is this a service as the platform expects it?

Asks the emulator or the vendor the same cases by plain HTTP and prints one line a case; exit code 1 when any failed.
The key stands in ``POLYGON_API_KEY`` or, for the emulator, in ``SMALLCAPS_EMULATOR_KEY``.
"""

import argparse
import os
import sys

from smallcaps_assets_tests.source.acceptance.service import Service
from smallcaps_assets_tests.source.acceptance.verdicts import verdicts

KEYS = ("POLYGON_API_KEY", "SMALLCAPS_EMULATOR_KEY")


def main(given: list[str]) -> int:
    """The exit code: 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="python -m smallcaps_assets_tests.source.acceptance", description=__doc__)
    parser.add_argument("--base", required=True, help="where the service is, as http://127.0.0.1:8900")
    options = parser.parse_args(given)
    key = next((os.environ[name] for name in KEYS if os.environ.get(name)), None)
    if key is None:
        parser.error(f"an API key is needed in {' or '.join(KEYS)}")
    failed = tried = 0
    with Service(options.base, key) as service:
        for found in verdicts(service):
            print(str(found).replace(key, "***"), flush=True)  # noqa: T201 - the command's output
            failed += found.ok is False
            tried += found.ok is not None
    print(f"{tried - failed} of {tried} cases are as they should be")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
