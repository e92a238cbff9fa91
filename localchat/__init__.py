"""localchat: a chat client for one person in a terminal. Models come and go; chats stay."""

__version__ = "0.1.0"
