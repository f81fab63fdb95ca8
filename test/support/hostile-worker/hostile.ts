/**
 * Sets a terminal's title, clears it, colors it by a C1 character, begins lines in every way that there is, and turns the
 * reading direction.
 */
export const HOSTILE =
  "a\u001b]0;owned\u0007\u001b[2J\u009b31mb\nFORGED\rFORGED\u202ec\u2028FORGED\u2066\u0085FORGED";
