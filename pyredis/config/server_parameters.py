"""Rows of the parameter table. Process, logging, security, introspection and what fits nowhere else.

Times are in the unit Redis documents, sizes in bytes.
"""

from pyredis.config.checks import locale, title_template
from pyredis.config.parameter import (
    HIDDEN,
    IMMUTABLE,
    INT_MAX,
    LONG_MAX,
    MULTI_ARG,
    SENSITIVE,
    Bool,
    Enum,
    Integer,
    Parameter,
    Str,
)
from pyredis.config.special import EventClasses, OomScores, Percentiles

FACILITIES = ("user", *(f"local{number}" for number in range(8)))

ROWS: tuple[Parameter, ...] = (
    Enum("acl-pubsub-default", ("allchannels", "resetchannels"), "resetchannels"),
    Str("aclfile", "", IMMUTABLE),
    Integer("acllog-max-len", 0, LONG_MAX, 128),
    Bool("always-show-logo", False, IMMUTABLE),
    Str("bgsave-cpulist", "", IMMUTABLE, alias="bgsave_cpulist", null=True),
    Str("bio-cpulist", "", IMMUTABLE, alias="bio_cpulist", null=True),
    Integer("busy-reply-threshold", 0, LONG_MAX, 5000, alias="lua-time-limit"),
    Bool("crash-log-enabled", True),
    Bool("crash-memcheck-enabled", True),
    Bool("daemonize", False, IMMUTABLE),
    Integer("databases", 1, INT_MAX, 16, IMMUTABLE),
    Bool("disable-thp", True, IMMUTABLE),
    Bool("dynamic-hz", True),
    Enum("enable-debug-command", ("no", "yes", "local"), "no", IMMUTABLE),
    Enum("enable-module-command", ("no", "yes", "local"), "no", IMMUTABLE),
    Enum("enable-protected-configs", ("no", "yes", "local"), "no", IMMUTABLE),
    Bool("hide-user-data-from-log", False),
    Integer("hz", 0, INT_MAX, 10, clamp=(1, 500)),
    Str("ignore-warnings"),
    Integer("latency-monitor-threshold", 0, LONG_MAX, 0),
    Bool("latency-tracking", True),
    Percentiles("latency-tracking-info-percentiles", (50.0, 99.0, 99.9), MULTI_ARG),
    Str("locale-collate", check=locale),
    Str("logfile", "", IMMUTABLE),
    Enum("loglevel", ("debug", "verbose", "notice", "warning", "nothing"), "notice"),
    Bool("lua-enable-deprecated-api", False, IMMUTABLE | HIDDEN),
    EventClasses("notify-keyspace-events", ""),
    Enum("oom-score-adj", ("no", "yes", "relative", "absolute"), "no", same={"relative": "yes"}),
    OomScores("oom-score-adj-values", (0, 200, 800), MULTI_ARG),
    Str("pidfile", "", IMMUTABLE, null=True),
    Str("proc-title-template", "{title} {listen-addr} {server-mode}", check=title_template),
    Enum("propagation-error-behavior", ("ignore", "panic", "panic-on-replicas"), "ignore"),
    Str("requirepass", "", SENSITIVE, null=True),
    Str("server-cpulist", "", IMMUTABLE, alias="server_cpulist", null=True),
    Bool("set-proc-title", True, IMMUTABLE),
    Integer("slowlog-log-slower-than", -1, LONG_MAX, 10000),
    Integer("slowlog-max-len", 0, LONG_MAX, 128),
    Enum("supervised", ("upstart", "systemd", "auto", "no"), "no", IMMUTABLE),
    Bool("syslog-enabled", False, IMMUTABLE),
    Enum("syslog-facility", FACILITIES, "local0", IMMUTABLE),
    Str("syslog-ident", "redis", IMMUTABLE),
    Bool("use-exit-on-panic", False, HIDDEN),
    Bool("vset-force-single-threaded-execution", False),
    Integer("watchdog-period", 0, INT_MAX, 0, HIDDEN),
)
