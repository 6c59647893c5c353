"""Reports: `report` measures a network on data, `write` leaves run.json, report.md and report.html.

`run.json` is the truth; the other two are renderings of it. The package has the name of its main function
and can be called like it, so that `neurodeploy.report(network, dataset)` works however it was imported.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from neurodeploy.report.build import report
from neurodeploy.report.model import SCHEMA, Report
from neurodeploy.report.writer import Written, require_renderers, write

__all__ = ["SCHEMA", "Report", "Written", "report", "require_renderers", "write"]


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Report:
        return report(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
