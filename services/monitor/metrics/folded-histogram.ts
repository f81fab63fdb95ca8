import { Histogram, type Registry } from "prom-client";
import type { Buckets } from "../fold/buckets.ts";

export interface HistogramRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: Buckets;
}

export interface FoldedHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly bounds: readonly number[];
  readonly registry: Registry;
  /** Asked at every scrape. */
  readonly rows: () => readonly HistogramRow[];
}

/** A histogram whose observations were sorted elsewhere: prom-client's own takes them one at a time only. */
export class FoldedHistogram extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #rows: () => readonly HistogramRow[];

  constructor({ name, help, bounds, registry, rows }: FoldedHistogramOptions) {
    super({
      name,
      help,
      buckets: [...bounds],
      labelNames: ["queue", "type"],
      registers: [registry],
    });
    this.#name = name;
    this.#help = help;
    this.#rows = rows;
  }

  /** What prom-client asks of a metric when it writes one down. Missing in its types. */
  getForPromString() {
    const values = this.#rows().flatMap((row) => this.#valuesOf(row));
    return { name: this.#name, help: this.#help, type: "histogram", values, aggregator: "sum" };
  }

  #valuesOf({ labels, buckets }: HistogramRow) {
    const upTo = (le: number | string, count: number) => ({
      metricName: `${this.#name}_bucket`,
      labels: { ...labels, le },
      value: count,
    });
    return [
      ...buckets.cumulative().map(({ bound, count }) => upTo(bound, count)),
      upTo("+Inf", buckets.count),
      { metricName: `${this.#name}_sum`, labels, value: buckets.sum },
      { metricName: `${this.#name}_count`, labels, value: buckets.count },
    ];
  }
}
