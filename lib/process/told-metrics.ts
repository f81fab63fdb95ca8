import { Counter, Gauge, type Registry } from "prom-client";

export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface ToldOptions {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Asked at every scrape. What is not in the answer is not told. */
  readonly rows: () => readonly Row[];
}

/** A gauge that knows nothing, and asks when it is asked. */
export function toldGauge({ registry, rows, ...named }: ToldOptions): Gauge {
  return new Gauge({
    ...named,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of rows()) this.set(labels, value);
    },
  });
}

/** The same for a counter. */
export function toldCounter({ registry, rows, ...named }: ToldOptions): Counter {
  return new Counter({
    ...named,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of rows()) this.inc(labels, value);
    },
  });
}
