"""Providers and models: reading, editing, removal and the way back."""
