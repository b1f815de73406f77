"""The embedded schema registry: Confluent's REST API, its state in a compacted topic of our own Kafka."""
