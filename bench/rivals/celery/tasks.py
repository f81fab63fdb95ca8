"""The Celery worker: the no-op, with its reports."""

import os
import time

from celery import Celery
from celery.signals import worker_ready

REDIS = os.environ["BENCH_REDIS_URL"]

celery = Celery("bench", broker=REDIS, backend=REDIS)
celery.conf.task_acks_late = True


def now_ms() -> float:
    """On the machine's monotonic clock, as the callers read it."""
    return time.monotonic_ns() / 1e6


@celery.task(bind=True)
def noop(self, reports: int, every_ms: float | None, payload: str | None) -> float:
    started_at_ms = now_ms()
    for current in range(1, reports + 1):
        if every_ms is not None:
            time.sleep(every_ms / 1000)
        self.update_state(state="PROGRESS", meta={"current": current, "madeAtMs": now_ms()})
    return started_at_ms


@worker_ready.connect
def say_so(**_) -> None:
    print("worker is up", flush=True)
