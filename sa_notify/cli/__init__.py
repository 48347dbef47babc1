"""The command line, ``sa-notify`` and ``flask sa-notify``: a file for each command."""
