"""Runs the command line, and turns every failure, of its imports too, into one line and an exit code."""

import gc
import os
import sys
from pathlib import Path

ANSWERED, INTERRUPTED = 0, 130  # click gives 1 for a fault and 2 for wrong usage
_AT_ONCE = 20_000  # objects: a report makes many that stay, and looking through them for cycles was a fifth of its time


def run(arguments: list[str]) -> int:
    """Run with arguments and return the exit code."""
    import click  # noqa: PLC0415 - 90 ms, in which somebody may press Ctrl-C

    from dwreport.cli.program import dwreport  # noqa: PLC0415

    try:
        ended = dwreport.main(arguments, prog_name="dwreport", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    return ended if isinstance(ended, int) else ANSWERED


def _fail(message: str, code: int) -> int:
    from dwreport.text import clean  # noqa: PLC0415

    line = " ".join(message.split()).rstrip(".")
    hint = "" if ";" in line else "; see dwreport --help"
    print(f"dwreport: {clean(line)}{hint}", file=sys.stderr)  # noqa: T201 - the terminal is the place
    return code


def main() -> None:
    """End with the exit code. A fault of ours is one line here too; `run` shows where it is."""
    gc.set_threshold(_AT_ONCE)
    try:
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, a traceback is no answer
        code = _fail(f"a fault of dwreport, {_place(error)}; please report it", 1)
    sys.exit(code)


def _run() -> int:
    """Run, and see that all is written: also help, which click writes by itself."""
    if sys.stdout is None:  # closed by whoever started us
        return _fail("cannot write the report, standard output is closed; check where it goes", 1)
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        _discard()
        return ANSWERED
    except OSError as error:
        if error.filename is not None:  # of a file, not of a stream
            raise
        _discard()
        return _fail(f"cannot write the report, standard output: {error.strerror}; check where it goes", 1)
    return code


def _discard() -> None:
    """Keep the interpreter from flushing once more, in vain, when it ends (Python documentation: SIGPIPE)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _place(error: BaseException) -> str:
    """Return what was raised, and where: the innermost line of a program."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}: {error}{where}"


if __name__ == "__main__":
    main()
