"""Where the store and the weights live.

``--db`` wins over ``$LOCALCHAT_DB``, which wins over the platform's data folder. Weights are shared by all stores:
``$LOCALCHAT_MODELS``, else ``models`` in the platform's data folder.
"""

from __future__ import annotations

import os
from pathlib import Path

STORE_NAME = "localchat.db"


def data_folder() -> Path:
    """The platform's own folder for this program's data (not created here)."""
    import platformdirs

    return Path(platformdirs.user_data_dir("localchat", appauthor=False))


def store_path(chosen: str | None = None) -> Path:
    """The store's file: the chosen path, else ``$LOCALCHAT_DB``, else the platform's data folder."""
    named = chosen or os.environ.get("LOCALCHAT_DB")
    return Path(named).expanduser() if named else data_folder() / STORE_NAME


def models_folder() -> Path:
    """Where fetched weights are kept."""
    named = os.environ.get("LOCALCHAT_MODELS")
    return Path(named).expanduser() if named else data_folder() / "models"
