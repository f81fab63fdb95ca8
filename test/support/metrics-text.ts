interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"(?:,|$)/g;
/** Prometheus reads NaN in any case, and prom-client writes it in a case of its own. */
const VALUE = /^([+-]Inf|nan|-?\d+(\.\d+)?(e[+-]\d+)?)$/i;
const COMMENT = /^# (HELP|TYPE) (\S+) (.+)$/;

/** Reads Prometheus' text format, and complains about whatever is not of it. */
export function parseMetrics(text: string): Metrics {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, kind, name = "", rest = ""] = COMMENT.exec(line) ?? [];
    if (kind === "TYPE") types.set(name, rest);
    if (kind === undefined) samples.push(parseSample(line));
  }
  return { types, samples };
}

function parseSample(line: string): Sample {
  const [, name, inner = "", written = ""] = SAMPLE.exec(line) ?? [];
  const labels = [...inner.matchAll(LABEL)].map(([, key = "", text = ""]) => [key, text]);
  if (name === undefined || !VALUE.test(written)) throw new Error(`no sample: ${line}`);
  const value = Number(written.replace("+Inf", "Infinity"));
  return { name, labels: Object.fromEntries(labels), value };
}

/** What a service tells at /metrics. */
export async function metricsOf(url: string): Promise<Metrics> {
  return parseMetrics(await (await fetch(`${url}/metrics`)).text());
}

/** The value of a metric without labels, or of its first sample; undefined if it is not told. */
export function sampleOf({ samples }: Metrics, name: string): number | undefined {
  return samples.find((sample) => sample.name === name)?.value;
}
