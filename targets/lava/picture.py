"""The processes of a plan as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from neurodeploy.targets.lava.plan import LIF_RESET
from neurodeploy.targets.lava.process_graph import OURS, Connection, Plan, Process
from neurodeploy.targets.lava.window import Window

BOX, GAP, MARGIN = (150, 44), (40, 18), 20
COLOURS = {
    "Source": "#dbe9f6",
    "Dense": "#fde9c9",
    "Sparse": "#fde9c9",
    "DelayDense": "#fde9c9",
    "DelaySparse": "#fde9c9",
    "LIF": "#d5ecd4",
    "LIFReset": "#d5ecd4",
    "DelayLine": "#eadcf2",
    "Sink": "#e6e6e6",
    "Probe": "#e6e6e6",
}
"""Fill of the box of each kind of process."""

TIMED = (f"{OURS}.streams:Source", f"{OURS}.neurons:LIF", LIF_RESET)
"""Processes that compute at a hop of their own."""

PER_HOP = 3
"""Columns from one hop to the next: delay lines, synapses, neurons."""

Places = Mapping[str, tuple[int, int]]


def draw(made: Plan) -> str:
    """An SVG of the process graph: one box a process, one arrow a connection; the same plan gives the same text.

    Columns are time: the input and the neurons stand at their hop, what leads to neurons before them, sinks behind; in
    each column processes stand in the order of the plan. Arrows that lead back, those of feedback, are dashed.
    """
    places = _places(_columns(made))
    width = MARGIN * 2 + max(x for x, _ in places.values()) + BOX[0]
    height = MARGIN * 5 + max(y for _, y in places.values()) + BOX[1]
    return "".join(f"{line}\n" for line in _lines(made, places, width, height))


def _columns(made: Plan) -> dict[str, int]:
    """The column of each process, in the order of the plan."""
    receivers: dict[str, str] = {}
    senders: dict[str, str] = {}
    for connection in made.connections:
        receivers.setdefault(connection.sender, connection.receiver)
        senders.setdefault(connection.receiver, connection.sender)

    def column(name: str) -> int:
        process = made.processes[name]
        if process.kind in TIMED:
            return PER_HOP * (_first(process) - 1)
        return column(receivers[name]) - 1 if name in receivers else column(senders[name]) + 1

    return {name: column(name) for name in made.processes}


def _first(process: Process) -> int:
    """The first Lava time step in which a process computes a sample."""
    window: Window | None = process.arguments.get("window")
    return int(process.arguments["reset_offset"]) if window is None else window.first


def _places(columns: Mapping[str, int]) -> Places:
    """Upper left corners."""
    filled: dict[int, int] = {}
    places = {}
    for name, column in columns.items():
        row = filled.get(column, 0)
        filled[column] = row + 1
        places[name] = (MARGIN + column * (BOX[0] + GAP[0]), MARGIN + row * (BOX[1] + GAP[1]))
    return places


def _lines(made: Plan, places: Places, width: int, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" text-anchor="middle">'
    )
    yield '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    yield '<path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>'
    for connection in made.connections:
        yield _arrow(connection, places, height)
    for name, process in made.processes.items():
        yield from _box(name, process, *places[name])
    yield "</svg>"


def _arrow(connection: Connection, places: Places, height: int) -> str:
    """A curve; below the boxes where it passes other columns."""
    (x0, y0), (x1, y1) = places[connection.sender], places[connection.receiver]
    x0, y0, y1 = x0 + BOX[0], y0 + BOX[1] // 2, y1 + BOX[1] // 2
    back, far = x1 < x0, abs(x1 - x0) > BOX[0]
    bend = 60 if far else GAP[0]
    y0_bent, y1_bent = (height, height) if far else (y0, y1)
    title = f"{connection.sender}.{connection.out} to {connection.receiver}.{connection.into}"
    dashed = ' stroke-dasharray="5 3"' if back else ""
    return (
        f'<path d="M{x0} {y0} C{x0 + bend} {y0_bent} {x1 - bend} {y1_bent} {x1} {y1}" fill="none" '
        f'stroke="#555"{dashed} marker-end="url(#tip)"><title>{escape(title)}</title></path>'
    )


def _box(name: str, process: Process, x: int, y: int) -> Iterator[str]:
    kind = process.kind.rpartition(":")[2]
    middle = x + BOX[0] // 2
    yield (
        f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="5" '
        f'fill="{COLOURS.get(kind, "#ffffff")}" stroke="#555"/>'
    )
    yield f'<text x="{middle}" y="{y + 18}" font-weight="bold">{escape(name)}</text>'
    yield f'<text x="{middle}" y="{y + 34}">{escape(_what(kind, process))}</text>'


def _what(kind: str, process: Process) -> str:
    """Kind and size: shape of the ports or of the weights, and how long a delay line holds."""
    arguments = process.arguments
    if "weights" in arguments and hasattr(arguments["weights"], "shape"):
        outputs, inputs = arguments["weights"].shape
        return f"{kind} {inputs} to {outputs}"
    if "wait" in arguments:
        return f"{kind} {arguments['wait']} steps"
    return f"{kind} {'x'.join(str(n) for n in arguments['shape'])}"
