"""Short programs to read: the tutorials that the project began with."""
