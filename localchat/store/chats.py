"""Chats and messages. Messages form a tree; a chat shows the line from its newest leaf up to the root."""
