"""``localchat`` and ``python -m localchat``."""

from __future__ import annotations


def main() -> None:
    """Run the program and end the process with its exit status."""
    try:
        from localchat.cli import localchat

        localchat.main(prog_name="localchat")
    except KeyboardInterrupt:  # while it still loads
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
