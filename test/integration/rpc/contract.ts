import { afterAll, beforeAll, describe } from "vitest";
import { answers } from "./contract-answers.ts";
import { endings } from "./contract-endings.ts";
import { errors } from "./contract-errors.ts";
import { leaving } from "./contract-leaving.ts";
import { type Contestant, Scene } from "./scene.ts";

/** What every client may rely on, whichever door it comes through. */
export function contract(name: string, contestant: Contestant): void {
  describe(name, () => {
    const scene = new Scene(contestant);
    beforeAll(() => scene.open());
    afterAll(() => scene.close());

    answers(scene);
    errors(scene);
    endings(scene);
    leaving(scene);
  });
}
