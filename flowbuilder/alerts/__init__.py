"""What a workspace is told when something goes wrong: found, kept, sent."""
