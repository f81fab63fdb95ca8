interface Meanwhile {
  /** Whether this is the call that is meant. Default: any is. */
  readonly is?: (...given: readonly unknown[]) => boolean;
  readonly before?: () => Promise<unknown>;
  readonly after?: () => Promise<unknown>;
}

/** Does something at the next call of a method, before or after it; the caller waits for that, and then goes on. */
export function atNextCall<Of extends object>(
  of: Of,
  method: keyof Of & string,
  { is = () => true, before, after }: Meanwhile,
): void {
  const real: unknown = Reflect.get(of, method);
  if (typeof real !== "function") throw new Error(`${method} is no method`);
  const replaced = async (...given: unknown[]) => {
    if (!is(...given)) return Reflect.apply(real, of, given);
    Reflect.set(of, method, real);
    await before?.();
    const answer = Promise.resolve(Reflect.apply(real, of, given));
    await Promise.allSettled([answer]);
    await after?.();
    return answer;
  };
  Reflect.set(of, method, replaced);
}
