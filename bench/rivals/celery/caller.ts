import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "../../client/caller.ts";
import { HttpApi } from "../../client/http-api.ts";
import { withPayload } from "../../client/payload.ts";

/** Often for a poll; each costs the API and Redis a request. */
const ASK_AGAIN_MS = 50;

interface Standing {
  readonly state: string;
  readonly result: number;
}

/** A client of the API that asks again and again, for Celery tells nobody. */
export async function openCaller(address: string): Promise<Caller> {
  const api = new HttpApi(address);
  const submit: Caller["submit"] = async (task) =>
    (await api.post<{ readonly id: string }>("/tasks", withPayload(task))).id;
  return {
    submit,
    async run(task) {
      const id = await submit(task);
      for (;;) {
        await delay(ASK_AGAIN_MS);
        const { state, result } = await api.get<Standing>(`/tasks/${id}`);
        if (state === "SUCCESS") return { id, startedAtMs: result };
        if (state === "FAILURE") throw new Error(`task ${id} failed`);
      }
    },
    [Symbol.asyncDispose]: () => api.close(),
  };
}
