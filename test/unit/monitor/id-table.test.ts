import { expect, test } from "vitest";
import { IdTable } from "../../../services/monitor/fold/id-table.ts";

const TASKS = 20_000;
/** Where they begin; the last ones have more than 32 bits. */
const SEQUENCES = 2 ** 32 - TASKS / 2;

function idOf(number: number): string {
  return `019f0000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}

function filled(isAlive: (number: number) => boolean = () => true): IdTable {
  const table = new IdTable(isAlive);
  for (let number = 1; number <= TASKS; number += 1)
    table.set(idOf(number), number, SEQUENCES + number);
  return table;
}

test("every id is found with its number, and no other is", () => {
  const table = filled();
  for (let number = 1; number <= TASKS; number += 1) {
    expect(table.get(idOf(number))).toBe(number);
    expect(table.get(idOf(number + TASKS))).toBeUndefined();
  }
});

test("an id that was deleted is gone, hides none of the others, and may come back", () => {
  const table = filled();
  for (let number = 1; number <= TASKS; number += 2) table.delete(idOf(number));
  for (let number = 1; number <= TASKS; number += 1) {
    expect(table.get(idOf(number))).toBe(number % 2 === 0 ? number : undefined);
  }
  table.set(idOf(1), 7, 8);
  expect(table.get(idOf(1))).toBe(7);
});

test("deleting what is not there changes nothing", () => {
  const table = filled();
  table.delete("unknown");
  expect(table.get("unknown")).toBeUndefined();
});

test("what is no longer alive is dropped as the table grows, and what is alive stays", () => {
  const table = filled((number) => number > TASKS - 100);
  expect(table.get(idOf(1))).toBeUndefined();
  for (let number = TASKS - 99; number <= TASKS; number += 1) {
    expect(table.get(idOf(number))).toBe(number);
  }
});

test("what is known of an id is of a later sequence than those before it, and of none if nothing is known", () => {
  const table = filled();
  for (let number = 1; number <= TASKS; number += 1) {
    expect(table.isAfter(idOf(number), SEQUENCES + number - 1)).toBe(true);
    expect(table.isAfter(idOf(number), SEQUENCES + number)).toBe(false);
  }
  expect(table.isAfter("unknown", 0)).toBe(false);
  table.delete(idOf(1));
  expect(table.isAfter(idOf(1), SEQUENCES)).toBe(false);
});
