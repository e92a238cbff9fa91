"""``localchat`` and ``python -m localchat``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the program and end the process with its exit status."""
    if sys.argv[1:] in (["--version"], ["-V"]) and _said():
        return
    try:
        from localchat.cli import localchat

        localchat.main(prog_name="localchat")
    except KeyboardInterrupt:  # while it still loads
        raise SystemExit(130) from None
    finally:
        # Python looks through every object for circles while it ends. With a vendor's SDK loaded that takes longer than
        # the second in which ctrl+c is to be heard, and finds nothing that the end of the process does not free.
        gc.freeze()


def _said() -> bool:
    """The version, without the program around it: scripts ask often. False where it cannot be written; the program then
    says why."""
    from localchat import __version__

    try:
        print(f"localchat {__version__}", flush=True)
    except (OSError, ValueError, AttributeError):
        return False
    return sys.stdout is not None


if __name__ == "__main__":
    main()
