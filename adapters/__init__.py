"""Who we talk to: Zuora, QAD, Kafka, the credential store, the read model. All IO; implements streams/ports.py."""
