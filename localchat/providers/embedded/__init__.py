"""The model in the box and GGUF files: the client, the engine it starts, the weights it needs."""
