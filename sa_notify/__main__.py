"""``python -m sa_notify`` is ``sa-notify``."""

from sa_notify.cli.main import main

if __name__ == "__main__":
    main(prog_name="sa-notify")
