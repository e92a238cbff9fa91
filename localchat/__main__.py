"""``localchat`` and ``python -m localchat``."""

from __future__ import annotations


def main() -> None:
    """Run the program and end the process with its exit status."""
    from localchat.cli import localchat

    localchat.main(prog_name="localchat")


if __name__ == "__main__":
    main()
