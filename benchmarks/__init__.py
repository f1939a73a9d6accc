"""Measurements of pyredis beside redis-server, fakeredis and a bare Python loop. See README.md."""
