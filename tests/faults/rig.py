"""Everything that can fail: PostgreSQL, Redis, two dispatchers, two web workers, and all links between."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import redis
from click.testing import CliRunner
from sqlalchemy import Engine, create_engine, insert, make_url, text
from sqlalchemy.pool import NullPool

from demo.embedded import EmbeddedPostgres, EmbeddedRedis
from demo.rooms import temporary_room
from sa_notify.cli.main import main
from sa_notify.redis.connect import connect
from sa_notify.redis.keys import Keys
from tests.apps import parted
from tests.apps.items import Base, Item, Owner
from tests.apps.pages import OWNERS
from tests.faults.browser import Tab
from tests.faults.clock import Clock
from tests.faults.delays import Delays
from tests.faults.standby import Standby
from tests.link import Link
from tests.protocol import wait_for
from tests.servers import Postgres
from tests.service.dispatchers import Process
from tests.serving import serve

ITEMS: Final = 200
#: A queue of notifications that a test can fill: 8 MB.
_SETTINGS: Final = ("max_notify_queue_pages=1000",)
PREFIX: Final = "faults"


class Dispatcher:
    """``sa-notify dispatch`` with links of its own."""

    def __init__(self, rig: "Rig", name: str) -> None:
        self._rig, self._name = rig, name
        self.postgres, self.redis = rig.link_to_postgres(), rig.link_to_redis()
        self.clock = Clock(rig.room / f"{name}.clock")
        self._starts = 0
        self.process = self._started()

    def restart(self) -> None:
        """Start it again, once it has ended."""
        self.process = self._started()

    def _started(self) -> Process:
        self._starts += 1
        log = self._rig.room / f"{self._name}-{self._starts}.log"
        redis_url = f"redis://127.0.0.1:{self.redis.port}/0"
        return Process(self._rig.database_url(self.postgres), redis_url, PREFIX, log, self.clock.environment)


class Web:
    """A gunicorn with one worker, and links of its own, the clients' among them."""

    def __init__(self, rig: "Rig", name: str) -> None:
        self.postgres, self.redis = rig.link_to_postgres(), rig.link_to_redis()
        self.clock = Clock(rig.room / f"{name}.clock")
        environment = {
            **self.clock.environment,
            "DATABASE_URL": rig.database_url(self.postgres),
            "SA_NOTIFY_TEST_APP_SA_NOTIFY_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "SA_NOTIFY_TEST_APP_SA_NOTIFY_REDIS_PREFIX": PREFIX,
        }
        self._url = rig.enter(serve("tests.apps.wsgi_faults:app", workers=1, env=environment))
        self.clients = rig.enter(Link("127.0.0.1", int(self._url.rpartition(":")[2])))

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.clients.port}"

    @property
    def pid(self) -> int:
        """Of the worker."""
        return int(self._got("/pid"))

    def counter(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = [line.rpartition(" ") for line in self._got("/metrics").splitlines() if line.startswith(name)]
        return sum(float(value) for labels, _, value in lines if "_created" not in labels)

    def _got(self, path: str) -> str:
        with urllib.request.urlopen(self._url + path, timeout=10) as answer:
            return str(answer.read().decode())


class Rig:
    """All of it, running; for as long as a ``with`` block lasts."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        #: Pages that look on, if any.
        self.tabs: list[Tab] = []
        #: What nobody has noticed who should.
        self.unnoticed: list[str] = []
        #: How long writes took, with everybody there and with nobody.
        self.delays: list[Delays] = []
        self._links: list[Link] = []
        self._standbys, self._dead_logs = 0, list[str]()

    def __enter__(self) -> Self:
        with self._stack:
            self.room: Path = temporary_room("sa-notify-faults-")
            self.postgres = self.enter(Postgres(self.room / "postgres", settings=_SETTINGS))
            self.redis = self.enter(EmbeddedRedis(self.room / "redis"))
            # a server that was killed leaves nothing behind that is used again
            own = self.database_url(self.link_to_postgres())
            self.engine: Engine = create_engine(own, poolclass=NullPool)
            self._create()
            self.dispatchers = [Dispatcher(self, f"dispatcher-{n}") for n in range(2)]
            for each in self.dispatchers:
                self._stack.callback(lambda each=each: each.process.end(signal.SIGKILL))
            wait_for(self.leader, "a dispatcher to lead")
            self.webs = [Web(self, f"worker-{n}") for n in range(2)]
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def enter(self, manager: Any) -> Any:
        """Have it end with the rig."""
        return self._stack.enter_context(manager)

    def link_to_postgres(self) -> Link:
        self._links.append(self.enter(Link("127.0.0.1", self.postgres.port)))
        return self._links[-1]

    def link_to_redis(self) -> Link:
        return self.enter(Link("127.0.0.1", self.redis.port))

    def database_url(self, link: Link) -> str:
        url = make_url(self.postgres.url).set(port=link.port)
        return url.render_as_string(hide_password=False)

    def client(self) -> redis.Redis:
        """A client of Redis itself."""
        return connect(self.redis.url)

    def leader(self) -> Dispatcher | None:
        """The dispatcher that leads."""
        with contextlib.suppress(redis.RedisError), self.client() as client:
            told = json.loads(str(client.get(Keys(PREFIX).leader) or "{}"))
            found = [each for each in self.dispatchers if each.process.pid == told.get("pid")]
            return found[0] if found and told.get("epoch") else None
        return None

    def leading(self) -> Dispatcher:
        """The dispatcher that leads, or one of them where none does."""
        return self.leader() or self.dispatchers[0]

    # -- what can be done to it

    def standby(self) -> Standby:
        """A server that follows the primary, and that every commit waits for from now on."""
        self._standbys += 1
        room = self.room / f"standby-{self._standbys}"
        standby: Standby = self.enter(Standby(room, self.postgres, settings=_SETTINGS))
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SYSTEM SET synchronous_standby_names = '*'"))
            connection.execute(text("SELECT pg_reload_conf()"))
            followed = text("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            wait_for(lambda: connection.scalar(followed), "commits to wait for the standby")
        return standby

    def primary_dies(self) -> None:
        """With all that it has."""
        assert self.postgres.child is not None
        os.kill(self.postgres.child.pid, signal.SIGKILL)
        self.postgres.child.wait(20)
        self._dead_logs.append((self.postgres.room / "postgres.log").read_text("utf-8", "replace"))
        shutil.rmtree(self.postgres.room, ignore_errors=True)

    def lead_to(self, server: EmbeddedPostgres) -> None:
        """Everybody who connects anew comes to this server."""
        self.postgres = server
        for link in self._links:
            link.lead("127.0.0.1", server.port)

    def promote(self) -> None:
        """Have the server that everybody is led to take writes."""
        with self.engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_promote()"))

    def notices_queue(self) -> None:
        """See that ``sa-notify status`` tells of a queue of notifications that is filling up."""
        places = ["--url", self.postgres.url, "--redis", self.redis.url, "--prefix", PREFIX]
        told = CliRunner().invoke(main, ["status", "--json", *places])
        found = re.search(r'"notify_queue": ([\d.]+)', told.output)
        if found is None or float(found[1]) < 0.9:
            self.unnoticed.append(f"sa-notify status does not tell of a full queue: {told.output}")

    def install(self) -> None:
        """The triggers that are missing, as a migration would."""
        Base.metadata.create_all(self.engine)

    # -- what it is like

    def memory(self) -> dict[str, int]:
        """Resident kilobytes of the processes that are ours."""
        found = {f"dispatcher {n}": each.process.pid for n, each in enumerate(self.dispatchers)}
        found |= {f"worker {n}": each.pid for n, each in enumerate(self.webs)}
        return {name: _resident(pid) for name, pid in found.items()}

    def logs(self) -> list[str]:
        """Of all the servers that there were."""
        return [*self._dead_logs, (self.postgres.room / "postgres.log").read_text("utf-8", "replace")]

    def _create(self) -> None:
        self.install()
        parted.create(self.engine)
        with self.engine.begin() as connection:
            connection.execute(insert(Owner), [{"id": n, "name": "0"} for n in range(OWNERS)])
            rows = [
                {
                    "owner_id": n % OWNERS,
                    "title": f"owner-{n % OWNERS} {n}",
                    "priority": n % 7,
                    "secret": SECRET,
                }
                for n in range(ITEMS)
            ]
            connection.execute(insert(Item), rows)


#: In a column that is excluded: nobody may ever see it.
SECRET: Final = "secret-canary"


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def revision() -> str:
    """The commit that runs."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        asked = ["git", "describe", "--always", "--dirty"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return f"unknown, Python {sys.version_info[0]}.{sys.version_info[1]}, pid {os.getpid()}"
