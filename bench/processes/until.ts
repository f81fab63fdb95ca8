import { setTimeout as delay } from "node:timers/promises";

const LOOK_AGAIN_MS = 20;
const PATIENCE_MS = 300_000;

/** Looks again and again until the fact is there. */
export async function until(what: string, fact: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await fact())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what}`);
    }
    await delay(LOOK_AGAIN_MS);
  }
}

/** Whether something answers there, with whatever status below 500. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}
