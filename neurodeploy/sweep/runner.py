"""Measuring many settings, several at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from neurodeploy.backend import Progress, no_progress
from neurodeploy.errors import BackendMissing, UsageError
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.setting import Setting
from neurodeploy.sweep.store import Store
from neurodeploy.sweep.work import Work, measure


class Runner:
    """Measures what the store does not have, `jobs` settings at a time.

    More than one job takes processes through joblib, or whatever back end `joblib.parallel_config` has chosen, such
    as 'dask'. Every point is kept as soon as it is there. Results do not depend on `jobs`.

    Raises `UsageError` for less than one job, `BackendMissing` where joblib is needed and not installed.
    """

    def __init__(self, work: Work, store: Store, jobs: int = 1, progress: Progress = no_progress) -> None:
        if jobs < 1:
            raise UsageError(f"the number of jobs must be 1 or more, not {jobs}")
        if jobs > 1 and find_spec("joblib") is None:
            raise BackendMissing(
                f"{jobs} jobs need joblib, which is not installed: pip install 'neurodeploy[sweep]', or --jobs 1"
            )
        self.work, self.jobs = work, jobs
        self._store, self._progress = store, progress

    def run(self, settings: Sequence[Setting | None]) -> list[Point]:
        """The points of these settings, None being the float network, in their order."""
        missing = [one for one in dict.fromkeys(settings) if self._store.get(one) is None]
        for done, (index, point) in enumerate(self._measured(missing), start=1):
            self._store.put(missing[index], point)
            self._progress(done, len(missing))
        return [found for one in settings if (found := self._store.get(one)) is not None]

    def _measured(self, settings: Sequence[Setting | None]) -> Iterator[tuple[int, Point]]:
        if self.jobs == 1 or len(settings) < 2:
            yield from ((index, measure(self.work, one)) for index, one in enumerate(settings))
            return
        import joblib

        calls = (joblib.delayed(_numbered)(index, self.work, one) for index, one in enumerate(settings))
        yield from joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered")(calls)


def _numbered(index: int, work: Work, setting: Setting | None) -> tuple[int, Point]:
    return index, measure(work, setting)
