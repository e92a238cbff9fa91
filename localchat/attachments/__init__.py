"""What goes along with a message: reading files, the draft that holds them."""
