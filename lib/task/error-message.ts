/** What an error says, or what was thrown instead of one. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
