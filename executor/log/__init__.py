"""The executor's way to Kafka: intents in, records out."""
