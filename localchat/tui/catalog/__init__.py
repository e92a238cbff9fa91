"""Providers and models on the screen: lists, forms, the removal, the picker, the history."""
