"""A todo application on sa_notify, with everything it needs to run on a bare machine."""
