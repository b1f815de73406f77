"""What Tapeline runs on: the embedded services in code, Docker Compose and its neighbours as files."""
