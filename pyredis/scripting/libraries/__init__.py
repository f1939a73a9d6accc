"""Lua libraries of Redis that are written in Python: functions of scalars."""
