"""What the shells' tests share: virtual time, a network in memory, hooks that a test ends."""
