"""What dialogs and forms are made of."""
