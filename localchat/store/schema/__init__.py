"""The schema, step by step. See ``core``."""
