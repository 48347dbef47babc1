"""What dispatcher and web workers tell each other through Redis."""
