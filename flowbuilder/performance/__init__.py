"""How the flows perform: pages of numbers that were collected."""
