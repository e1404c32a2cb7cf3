"""The judge: reads all topics and both systems, and holds the promises against them, by a reading of its own."""
