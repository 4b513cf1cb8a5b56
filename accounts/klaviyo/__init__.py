"""The only room that speaks HTTP: Klaviyo's API and its OAuth, over httpx.

Knows no Django and nothing of the project; every value is an argument. Called by accounts.connection,
accounts.tasks and the publisher, which decide when to call; this room decides only what an answer means.
"""
