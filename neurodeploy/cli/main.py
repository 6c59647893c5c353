"""The command `neurodeploy`: finds the verb, runs it, turns errors into messages and exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from neurodeploy import __version__
from neurodeploy.cli.completion import SHELLS, PrintCompletion
from neurodeploy.cli.console import Console, discard, open_closed_streams
from neurodeploy.cli.parser import Parser
from neurodeploy.command_line import command_line
from neurodeploy.errors import InputError, NeurodeployError, UsageError

VERBS = (
    "train",
    "compile",
    "run",
    "verify",
    "diff",
    "quantize",
    "learn",
    "report",
    "inspect",
    "export",
    "targets",
    "data",
    "doctor",
)
EXIT_CODES = """exit codes:
  0 ok    1 fault in neurodeploy (traceback saved)    2 usage
  3 input not understood or unsupported    4 does not fit the target
  5 a check failed (accuracy, equality)    6 back end or dependency missing    130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with every verb; needs no heavy import."""
    parser = Parser(
        prog="neurodeploy",
        description="Spiking neural networks from training to neuromorphic hardware, verified number by number.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"neurodeploy {__version__}")
    parser.add_argument(
        "--print-completion",
        choices=SHELLS,
        action=PrintCompletion,
        help="print a script of completions for this shell",
    )
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        module = import_module(f"neurodeploy.cli.{verb}")
        summary = (module.__doc__ or "").splitlines()[0]
        child = verbs.add_parser(
            verb,
            help=summary,
            description=summary,
            epilog=f"example:\n  {module.EXAMPLE}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _add_common(child)
        module.register(child)
        child.set_defaults(run=module.run)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("common options")
    common.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    common.add_argument("-q", "--quiet", action="store_true", help="no messages, errors only")
    common.add_argument("-v", "--verbose", action="count", default=0, help="more messages")
    common.add_argument("--seed", type=int, default=0, help="seed of every random draw (default 0)")
    common.add_argument("--traceback", action="store_true", help="show the full traceback of an error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    open_closed_streams()
    args = build_parser().parse_args(arguments)
    console = Console(as_json=args.json, verbosity=-1 if args.quiet else args.verbose)
    logging.getLogger("neurodeploy").setLevel(logging.ERROR if args.quiet else logging.NOTSET)
    try:
        if args.seed < 0:
            raise UsageError(f"--seed must be 0 or more, not {args.seed}")
        code: int = args.run(args, console)
        sys.stdout.flush()
        return code
    except NeurodeployError as error:
        if args.traceback:
            traceback.print_exc()
        console.error(f"neurodeploy {args.verb}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        console.error(f"neurodeploy {args.verb}: interrupted")
        return 130
    except BrokenPipeError:  # the reader of stdout has gone: nothing is left to say
        discard(sys.stdout)
        return 0
    except OSError as error:  # a full disk, a path that is too long, no permission
        console.error(f"neurodeploy {args.verb}: {error.filename or 'output'}: {error.strerror or error}")
        return InputError.exit_code
    except Exception as error:
        return _report_fault(args, console, error)


def _report_fault(args: argparse.Namespace, console: Console, error: Exception) -> int:
    text = "".join(traceback.format_exception(error))
    if args.traceback:
        console.error(text)
    handle, path = tempfile.mkstemp(prefix="neurodeploy-fault-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{command_line('neurodeploy', *sys.argv[1:])}\nneurodeploy {__version__}\n{text}")
    console.error(
        f"neurodeploy {args.verb}: a fault in neurodeploy ({type(error).__name__}: {error}); "
        f"the traceback is in {Path(path)}. Please report it."
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
