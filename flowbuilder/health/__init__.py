"""How the accounts and the work stand, who is told of what is wrong, and the doors for machines."""
