"""What can be set on a run of faults, as a value and as options of the command line. Knows no Django."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from dataclasses import dataclass, fields
from math import ceil
from typing import Self


@dataclass(frozen=True)
class Options:
    publications: int = 1000
    accounts: int = 0  # 0: as few as keep each below a third of its day
    seed: int = 1
    share: float = 0.2  # of the calls meet a fault
    kills: float = 0.03  # of those kill who calls
    every: float = 3.0  # seconds between two things that break beside the calls
    away: float = 60.0  # seconds that the database is away, once; 0: never so long
    timeout: float = 2.5  # seconds that a call may take
    quiet: float = 4.0  # seconds more, before a lost answer is looked up
    sweep: float = 2.0
    speed: float = (
        20.0  # seconds at Klaviyo in one of ours, so that its limits by the minute are no part of this
    )
    skew: int = -120  # seconds by which Klaviyo's clock is off
    workers: int = 2
    concurrency: int = 4
    waits: bool = True  # whether a 429 may leave us to guess for how long
    deadline: float = 0  # seconds; 0: as many as so many publications may take
    keep: bool = False

    @property
    def number_of_accounts(self) -> int:
        return self.accounts or max(12, ceil(self.publications / 33))

    @property
    def seconds(self) -> float:
        return self.deadline or 300 + self.away + self.publications * 0.6

    @property
    def environment(self) -> dict[str, str]:
        return {
            "KLAVIYO_TIMEOUT": str(self.timeout),
            "KLAVIYO_SPEED": str(self.speed),
            "PUBLISH_QUIET_PERIOD": str(self.quiet),
            "SWEEP_EVERY": str(self.sweep),
            "LOG_LEVEL": "ERROR",
        }

    @classmethod
    def read(cls, arguments: list[str]) -> Self:
        parser = ArgumentParser(
            prog="python -m tests.faults", description="The real stack, broken on purpose."
        )
        for one in fields(cls):
            name = "--" + one.name.replace("_", "-")
            if isinstance(one.default, bool):
                parser.add_argument(name, default=one.default, action=BooleanOptionalAction)
            else:
                parser.add_argument(name, default=one.default, type=type(one.default))
        given: Namespace = parser.parse_args(arguments)
        return cls(**vars(given))
