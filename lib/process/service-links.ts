/** What Kubernetes and Docker call what they tell a container of a service, after the service's own name. */
const LINK = /^(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_[A-Z]+_(PROTO|PORT|ADDR)|NAME|ENV_\w+)$/;
/** Those that say where the service is. */
const PLACE = /^(\w+_)PORT(_\d+_[A-Z]+)?$/;
const PLACE_VALUE = /^(tcp|udp|sctp):\/\//;

/**
 * The variables that Kubernetes and Docker set for services: in a namespace that has a Service millrace-gateway, every
 * container gets MILLRACE_GATEWAY_PORT=tcp://10.0.0.1:80, MILLRACE_GATEWAY_SERVICE_HOST, and others.
 */
export function serviceLinks(env: NodeJS.ProcessEnv): readonly string[] {
  const places = Object.keys(env).filter((name) => isPlace(name, env[name]));
  const services = places.map((name) => PLACE.exec(name)?.[1] ?? name);
  const others = Object.keys(env).filter((name) =>
    services.some((service) => name.startsWith(service) && LINK.test(name.slice(service.length))),
  );
  return [...new Set([...places, ...others])];
}

function isPlace(name: string, value: string | undefined): boolean {
  return PLACE.test(name) && PLACE_VALUE.test(value ?? "");
}
