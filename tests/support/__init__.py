"""What the tests of the shells share: virtual time, an in-memory network, hooks that a test ends."""
