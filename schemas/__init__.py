"""What is said: the events on every topic, money, topics and their codec. No IO, no decision."""
