"""What an installation weighs, without byte code: plain, and with the model in the box.

Run with any Python that has venv and pip: each is installed as the README says, into a folder that is thrown away.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000
LIMITS = {".": 65, ".[local]": 190}  # what is installed: MB at most


def installed(what: str, folder: Path) -> Path:
    """An environment of its own with that."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    # From a copy, so that building leaves nothing in this folder.
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "localchat", source / "localchat", ignore=shutil.ignore_patterns("__pycache__"))
    order = [python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", what.replace(".", str(source), 1)]
    subprocess.run(order, check=True)
    shutil.rmtree(source)
    return folder


def weight(folder: Path) -> int:
    """Bytes of its packages. Byte code is not counted, and whoever installs can leave it out."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc")


def main() -> int:
    beyond = False
    for what, limit in LIMITS.items():
        with tempfile.TemporaryDirectory() as scratch:
            size = weight(installed(what, Path(scratch, "env"))) / MB
        beyond |= size > limit
        print(f"{'BEYOND' if size > limit else 'ok':6}  pip install {what:10}  {size:6.1f} MB, at most {limit}")
    return int(beyond)


if __name__ == "__main__":
    sys.exit(main())
