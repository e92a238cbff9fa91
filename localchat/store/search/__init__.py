"""The search over all messages."""
