"""The report itself: the content of run.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA = "neurodeploy.report/1"


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What was measured, as plain JSON values; everything that is rendered comes from here."""

    run: Mapping[str, Any]

    @property
    def accuracy(self) -> float:
        """Share of samples that the integer network predicts right, 0..1."""
        return float(self.run["verdict"]["accuracy"]["integer"]["accuracy"])

    @property
    def verdict(self) -> str:
        """The verdict in one paragraph."""
        return str(self.run["verdict"]["text"])

    def to_dict(self) -> dict[str, Any]:
        """The content of run.json."""
        return dict(self.run)

    def to_json(self) -> bytes:
        """run.json: one line a section, no NaN or infinity, so that it can be read and compared."""
        lines = (
            f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in self.run.items()
        )
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    def __repr__(self) -> str:
        return f"Report({self.verdict})"
