import { countCalls, type EndedCall } from "#lib/rpc/count-calls.ts";
import { Stage } from "./stage.ts";

/** A string of 255 bytes, of which there are none. */
export const NO_MESSAGE = Buffer.from([0x0a, 0xff, 0x01]);

/** 200 groups, each within the other: protobuf's oldest way to nest, which every message may have. */
export const DEEP = Buffer.concat([Buffer.alloc(200, 0x7b), Buffer.alloc(200, 0x7c)]);

/** A stage whose calls are made one after the other, and what the log and the metrics of its door tell of each. */
export class ToldStage extends Stage {
  readonly #counted: EndedCall[] = [];

  readonly observers = [countCalls((ended) => void this.#counted.push(ended))];

  /** What is told of the call that is made now. */
  async told<Answer>(call: () => Promise<Answer>): Promise<{ answer: Answer; told: object }> {
    const seen = this.lines.length;
    const answer = await call();
    const line = await this.logged(
      (each) => each["msg"] === "call over" && this.lines.indexOf(each) >= seen,
    );
    return { answer, told: { ...line, counted: this.#counted.at(-1) } };
  }
}
