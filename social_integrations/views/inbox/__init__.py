"""The staff inbox: pages, live updates and the door to media."""
