import { expect, test } from "vitest";
import { type Asked, planOf } from "../../../bench/plan.ts";

const asked = (given: Partial<Asked>): Asked => ({
  quick: false,
  callers: 64,
  set: {},
  dataDir: "/tmp",
  reportDir: "bench/reports",
  ...given,
});

test("the quick form is three rounds of the first work, without trying concurrencies", () => {
  const { form, size, works } = planOf(asked({ quick: true }));
  expect(form).toBe("quick");
  expect(size).toMatchObject({ rounds: 3, tries: false });
  expect(works.map(({ name }) => name)).toEqual(["run"]);
});

test("the full form is at least five rounds of all works but those that are asked for by name", () => {
  const { form, size, works, systems } = planOf(asked({}));
  expect(form).toBe("full");
  expect(size.rounds).toBeGreaterThanOrEqual(5);
  expect(works.map(({ name }) => name)).toContain("run");
  expect(works.map(({ name }) => name)).not.toContain("scaling");
  expect(systems[0]?.name).toBe("millrace");
});

test("a part names itself as one, so that its report takes no other's place", () => {
  const { form, size, works } = planOf(
    asked({ works: ["bulk"], rounds: 1, seconds: 2, tasks: [7] }),
  );
  expect(form).toBe("part");
  expect(size).toMatchObject({ rounds: 1, measureMs: 2_000, tasks: [7] });
  expect(works.map(({ name }) => name)).toEqual(["bulk"]);
});

test("the number of watches may be another one, and is a part then", () => {
  const { form, size } = planOf(asked({ works: ["watches"], watches: 500 }));
  expect(form).toBe("part");
  expect(size.watches).toBe(500);
  expect(planOf(asked({})).size.watches).toBe(10_000);
});

test("a system that can do none of the works is not set up for them", () => {
  const { systems } = planOf(asked({ works: ["growth"] }));
  expect(systems.map(({ name }) => name)).toEqual(["millrace"]);
  expect(() => planOf(asked({ works: ["growth"], systems: ["bullmq"] }))).toThrow(
    "none of these systems can do any of the works: bullmq",
  );
});

test("a name that is none is refused, with those that are", () => {
  expect(() => planOf(asked({ works: ["rum"] }))).toThrow(/there is no work "rum", only .*run/);
  expect(() => planOf(asked({ systems: ["x"] }))).toThrow(/there is no system "x", only millrace/);
});
