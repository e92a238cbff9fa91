"""The chat on the screen: the conversation, its turns, the list of chats."""
