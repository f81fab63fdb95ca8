import type { Registry } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  createMethodImplSpec,
  createServiceImplSpec,
  type MethodImplSpec,
} from "@connectrpc/connect";

/** What a process serves, the same through every door. */
export interface Services {
  /** Registers the implementations. Called more than once, by every door. */
  readonly routes: (router: ConnectRouter) => void;
  /** The messages that a google.protobuf.Any may hold. Asked anew whenever it is needed, so it may grow. */
  readonly registry: () => Registry;
}

/** Every method that the routes register, with its implementation. */
export function methodsOf({ routes }: Pick<Services, "routes">): readonly MethodImplSpec[] {
  const methods: MethodImplSpec[] = [];
  const router: ConnectRouter = {
    handlers: [],
    service(desc, implementation) {
      const spec = createServiceImplSpec(desc, implementation);
      methods.push(...Object.values(spec.methods));
      return router;
    },
    rpc(desc, implementation) {
      methods.push(createMethodImplSpec(desc, implementation));
      return router;
    },
  };
  routes(router);
  return methods;
}
