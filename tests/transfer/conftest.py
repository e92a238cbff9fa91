"""Importers write into a store of their own, as the tests of the store have it."""

from tests.store.conftest import catalog, path, store

__all__ = ["catalog", "path", "store"]
