"""What goes to QAD, in which order, exactly once: the pure part. adapters/kafka/sink_lane.py makes the calls."""
