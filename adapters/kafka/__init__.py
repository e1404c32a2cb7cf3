"""Kafka: the transport under Faust, readers, writers, and the lanes that run a stage's core. Only here is aiokafka."""
