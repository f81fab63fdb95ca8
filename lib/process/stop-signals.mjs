const NUMBERS = { SIGINT: 2, SIGTERM: 15 };

/** @typedef {keyof typeof NUMBERS} StopSignal */

/** @type {((signal: StopSignal) => void) | undefined} */
let current;

/**
 * Lets a listener hear whoever asks the process to stop, in place of the one before. With none the system ends the process,
 * unless it is process 1, as a container's main program is: that one the system spares.
 *
 * @param {typeof current} listener
 */
export function onStopSignal(listener) {
  for (const name of Object.keys(NUMBERS)) {
    // In this order, so that no signal comes in between.
    if (listener) process.on(name, listener);
    if (current) process.off(name, current);
  }
  current = listener;
}

/**
 * Ends the process with the exit code of one that the signal has killed.
 *
 * @param {StopSignal} signal
 */
export function endBySignal(signal) {
  process.exit(128 + NUMBERS[signal]);
}
