import type { Caller } from "../../client/caller.ts";
import { HttpApi } from "../../client/http-api.ts";
import { withPayload } from "../../client/payload.ts";

/** A backend's client of the API: keep-alive connections, one request for a task and all that is told of it. */
export async function openCaller(address: string): Promise<Caller> {
  const api = new HttpApi(address);
  return {
    submit: async (task) =>
      (await api.post<{ readonly id: string }>("/tasks", withPayload(task))).id,
    async submitMany(tasks) {
      const body = { tasks: tasks.map(withPayload) };
      return (await api.post<{ readonly ids: string[] }>("/tasks/bulk", body)).ids;
    },
    run: (task) => api.follow("POST", "/tasks/run", { body: withPayload(task) }),
    watch: (id, watcher) => api.follow("GET", `/tasks/${id}/events`, watcher),
    [Symbol.asyncDispose]: () => api.close(),
  };
}
