"""The `facemirror` command, also as `python -m facemirror`."""

import sys

from facemirror.installation import what_is_wrong

WRONG_USE = 2


def main() -> None:
    """Run the command line, unless what it would run is not ours."""
    fault = what_is_wrong()
    if fault is not None:
        sys.stderr.write(f"facemirror: {fault}\n")
        raise SystemExit(WRONG_USE)
    from ops.cli import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
