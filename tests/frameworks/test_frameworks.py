"""Frameworks do their main job on our server: RQ, Celery, Django's cache, channels_redis, redis-py's Lock.

They are the extra `frameworks`; a test whose package is missing is skipped.
"""

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest
import redis

pytestmark = pytest.mark.slow


@pytest.fixture
def url(server):
    address = f"redis://127.0.0.1:{server.port}"
    redis.Redis.from_url(address).flushall()
    return address


def python(folder, program, **environment):
    """What a program prints; it is run in a process of its own."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program))
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(path)],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_locks_exclude_each_other_and_expire(url):
    client = redis.Redis.from_url(url)
    first, second = (client.lock("door", timeout=10, blocking=False) for _ in range(2))
    assert first.acquire()
    assert not second.acquire()
    first.extend(5)
    first.release()
    assert second.acquire()
    second.reacquire()
    second.release()


def test_rq_runs_jobs(url, tmp_path):
    pytest.importorskip("rq")
    (tmp_path / "jobs.py").write_text(
        "def double(number):\n    return 2 * number\n\n\ndef fail():\n    raise OSError\n"
    )
    program = f"""
        import redis, jobs
        from rq import Queue, SimpleWorker
        connection = redis.Redis.from_url("{url}")
        queue = Queue(connection=connection)
        done = [queue.enqueue(jobs.double, number) for number in range(3)]
        failed = queue.enqueue(jobs.fail)
        SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
        print(*(job.return_value() for job in done), failed.get_status().value)
    """
    assert python(tmp_path, program) == ["0", "2", "4", "failed"]


def test_celery_runs_tasks_groups_and_chords(url, tmp_path):
    pytest.importorskip("celery")
    (tmp_path / "tasks.py").write_text(
        textwrap.dedent(f"""
        from celery import Celery

        app = Celery("tasks", broker="{url}/1", backend="{url}/2")
        app.conf.broker_connection_retry_on_startup = True


        @app.task
        def add(left, right):
            return left + right


        @app.task
        def total(numbers):
            return sum(numbers)
        """)
    )
    program = """
        from celery import chord, group
        from tasks import add, total
        print(add.delay(1, 2).get(timeout=30))
        print(*group(add.s(one, one) for one in range(3))().get(timeout=30))
        print(chord((add.s(one, one) for one in range(3)), total.s())().get(timeout=30))
    """
    worker = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tasks", "worker", "-P", "solo", "-l", "CRITICAL"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert python(tmp_path, program) == ["3", "0", "2", "4", "6"]
    finally:
        worker.terminate()
        worker.wait()


def test_django_caches(url, tmp_path):
    pytest.importorskip("django")
    program = f"""
        import django
        from django.conf import settings
        settings.configure(
            CACHES={{"default": {{"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "{url}/4"}}}}
        )
        django.setup()
        from django.core.cache import cache
        cache.set("a", {{"x": 1}}, 30)
        cache.add("b", 1)
        cache.set_many({{"c": 3, "d": 4}})
        print(cache.get("a")["x"], cache.incr("b", 5), *cache.get_many(["c", "d", "e"]).values())
        print(cache.touch("a", 50), cache.delete("a"), cache.get("a"), cache.has_key("b"))
    """
    assert python(tmp_path, program) == ["1", "6", "3", "4", "True", "True", "None", "True"]


@pytest.mark.parametrize("module", ["core", "pubsub"])
def test_channels_carry_messages_to_groups(url, module):
    layers = pytest.importorskip(f"channels_redis.{module}")
    layer_class = getattr(layers, "RedisChannelLayer" if module == "core" else "RedisPubSubChannelLayer")

    async def talk():
        layer = layer_class(hosts=[f"{url}/5"])
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        receiving = asyncio.create_task(layer.receive(channel))
        while not receiving.done():  # who listens by pub/sub hears only what comes after that
            await layer.group_send("room", {"type": "hello", "number": 1})
            await asyncio.wait([receiving], timeout=0.1)
        await layer.flush()
        return receiving.result()

    assert asyncio.run(talk()) == {"type": "hello", "number": 1}
