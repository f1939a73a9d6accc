"""`set-proc-title`: what `ps` shows of the server and its children, if the package `setproctitle` is installed."""

import re
import sys

from pyredis.config.store import Config
from pyredis.engine.engine import Engine
from pyredis.persistence.background import Background

_DEFAULT = "{title} {listen-addr} {server-mode}"
_OF_CHILDREN = {"rdb": "redis-rdb-bgsave", "aof": "redis-aof-rewrite"}


def title(config: Config, program: str) -> str:
    """What `proc-title-template` says; `program` is for its `{title}`."""
    port, path = config["port"], config["unixsocket"] or ""
    address = f"{(*config['bind'], '*')[0]}:{port}" if port else path
    values = {
        "title": program,
        "listen-addr": address,
        "server-mode": "[cluster]" if config["cluster-enabled"] else "",
        "port": str(port),
        "tls-port": str(config["tls-port"]),
        "unixsocket": path,
        "config-file": str(config.file or "-"),
    }
    return re.sub(r"\{([^{}]*)\}", lambda found: values.get(found[1], ""), config["proc-title-template"]).rstrip()


def set_title(engine: Engine) -> None:
    """Now, whenever the configuration changes it, and of children."""
    config = engine.config
    if not config["set-proc-title"]:
        return
    try:
        from setproctitle import setproctitle  # an extra
    except ImportError:
        if config["proc-title-template"] != _DEFAULT:
            engine.log.warning("proc-title-template: the package setproctitle, which it needs, is not installed")
        return

    def update(_: object = None) -> None:
        setproctitle(title(config, sys.argv[0]))

    for name in ("proc-title-template", "port", "bind"):
        config.on_change(name, update)
    engine[Background].on_child.append(lambda kind: setproctitle(title_of_child(config, kind)))
    update()


def title_of_child(config: Config, kind: str) -> str:
    """What a child is called that does this."""
    return title(config, _OF_CHILDREN[kind])
