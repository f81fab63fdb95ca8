import type { TaskWanted } from "./caller.ts";

/** Makes tasks that take so many task types in turn; undefined: all are alike. */
export function tasksInTurn(task: TaskWanted, types: number | undefined): () => TaskWanted {
  if (types === undefined) return () => task;
  let made = 0;
  return () => {
    const type = made % types;
    made += 1;
    return { ...task, type };
  };
}
