export type Labels = Readonly<Record<string, string>>;

/** Whether a task that has these labels bears all of the wanted ones. */
export function bearsLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}
