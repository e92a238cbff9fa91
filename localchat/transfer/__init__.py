"""Chats as files: what we write, and what we read of other programs."""
