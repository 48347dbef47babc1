"""The feed that a dispatcher process gives to web workers through Redis."""
