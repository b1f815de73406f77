"""The contracts as data: topics, Avro records, SQL migrations and the documents generated from them."""
