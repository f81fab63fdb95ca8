import { InvalidArgumentError } from "commander";

export const USAGE_EXIT = 2;

const MAX_MINUTES = 24 * 60;

export function seedFrom(given: string): string {
  if (given === "random" || /^\d{1,9}$/.test(given)) return given;
  throw new InvalidArgumentError('It must be a whole number of at most nine digits, or "random".');
}

export function minutesFrom(given: string): number {
  const minutes = Number(given);
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= MAX_MINUTES) return minutes;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_MINUTES}.`);
}
