"""The supervisor process: `python -m infra.embedded [--report-fd N]`; it runs until it is told to stop."""

from __future__ import annotations

import argparse
import sys

from infra.embedded import steps
from infra.embedded.supervisor import SERVICE, Supervisor
from tapeline.errors import Misconfigured
from tapeline.runtime import lifecycle
from tapeline.runtime.lifecycle import Lifecycle
from tapeline.runtime.settings import load


def main() -> int:
    """Run the supervisor and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded", description=__doc__)
    parser.add_argument("--report-fd", type=int, help="write each step of the start as a JSON line to this descriptor")
    report = steps.Reporter(parser.parse_args().report_fd)
    try:
        settings = load(service=SERVICE)
    except Misconfigured as error:
        report(steps.failed(steps.WHOLE, error))
        sys.stderr.write(f"{SERVICE}: {error}\n")
        return lifecycle.MISCONFIGURED

    async def run(life: Lifecycle) -> None:
        try:
            await Supervisor(life, report).run()
        except BaseException as error:
            report(steps.failed(steps.WHOLE, error))
            raise

    return lifecycle.run(run, service=SERVICE, settings=settings)


if __name__ == "__main__":
    sys.exit(main())
