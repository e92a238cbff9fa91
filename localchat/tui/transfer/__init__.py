"""Export and import on the screen."""
