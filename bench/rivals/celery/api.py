"""The API in front of Celery: callers submit, and ask again until the task has ended."""

from fastapi import FastAPI
from pydantic import BaseModel

from tasks import celery, noop

app = FastAPI()


class Task(BaseModel):
    reports: int
    everyMs: float | None = None
    payload: str | None = None


@app.post("/tasks", status_code=202)
def submit(task: Task) -> dict:
    return {"id": noop.delay(task.reports, task.everyMs, task.payload).id}


@app.get("/tasks/{task_id}")
def get(task_id: str) -> dict:
    result = celery.AsyncResult(task_id)
    return {"state": result.state, "result": result.result if result.ready() else None}
