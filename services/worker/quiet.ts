/** The promise, of which nobody needs to know when it fails: a handler that forgets to wait for it must not end its process. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
