"""A real Apache Kafka, one node, on loopback: `broker.Broker` for code, `python -m sandbox.kafka` for people.

Killing it tests recovery, not replication: there is no second node that could take over.
"""
