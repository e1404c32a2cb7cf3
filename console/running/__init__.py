"""The processes: what each runs until it is told to stop, and the supervisor that starts them again."""
