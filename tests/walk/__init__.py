"""Small worlds over the real code, walked in all orders of events: `python -m tests.walk -h`."""
