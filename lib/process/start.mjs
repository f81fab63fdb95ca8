// Any Node must be able to read this, to be told that it is too old: plain JavaScript, and no dependencies.
import { keepCompiled } from "./compile-cache.mjs";
import { onStopSignal } from "./stop-signals.mjs";

const OLDEST_NODE = 24;
const WRONGLY_SET_UP = 2;

/**
 * What a program does before its modules are loaded, which takes most of its start: it hears whoever asks it to stop, and
 * sees that Node can run it.
 *
 * @param {() => Promise<unknown>} load
 * @param {Parameters<typeof onStopSignal>[0]} whenAsked What to do when it is asked to stop before it has begun.
 */
export async function start(load, whenAsked) {
  onStopSignal(whenAsked);
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) return refuseNode();
  keepCompiled(process.env);
  await load();
}

function refuseNode() {
  const [, main] = process.argv;
  process.stderr.write(
    `error: Millrace needs Node ${OLDEST_NODE} or newer, and this is ${process.versions.node} (${process.execPath}). ` +
      `Get one from https://nodejs.org; or run \`npm ci\`, which brings one, and then \`npx node ${main} …\`\n`,
  );
  process.exitCode = WRONGLY_SET_UP;
}
