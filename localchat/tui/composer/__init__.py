"""Where one writes: the composer, its chips, completions, the editor."""
