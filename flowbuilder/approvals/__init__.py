"""What waits for a second person: the queue, one request with what it would change, and who requires it."""
