/**
 * The environment that the services get: ours, without the one variable that is the command line's own. Services refuse
 * a MILLRACE_ variable that they do not know.
 */
export function servicesEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { MILLRACE_SERVER: _, ...others } = env;
  return others;
}
