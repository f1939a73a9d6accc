"""Configuration: the grammar of redis.conf, the parameters, the store, the command line of `redis-server`."""
