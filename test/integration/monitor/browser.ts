import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const LISTENING = /^DevTools listening on ws:\/\/([^/]+)/;

/** What the browser sends: an answer to a call of ours, or an event. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: { readonly result?: { readonly value?: unknown } };
  readonly error?: { readonly message: string };
  /** Of a script that threw. */
  readonly exceptionDetails?: unknown;
}

/** A Chromium of this machine, if it has one. */
export async function browserBin(): Promise<string | undefined> {
  for (const name of NAMES) {
    const found = await run(name, ["--version"]).catch(() => undefined);
    if (found) return name;
  }
  return undefined;
}

/** A real browser with one page, spoken to by the DevTools protocol. */
export class Browser implements AsyncDisposable {
  /** What the page complained of: errors that it logged or did not catch, and files that it did not get. */
  readonly problems: string[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #close: () => Promise<void>;
  #calls = 0;

  private constructor(socket: WebSocket, close: () => Promise<void>) {
    this.#socket = socket;
    this.#close = close;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data))));
  }

  static async open(bin: string): Promise<Browser> {
    const folder = await mkdtemp(join(tmpdir(), "millrace-browser-"));
    const args = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${folder}`];
    const quiet = ["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"];
    // Chromium's sandbox refuses to serve root, whom many containers run as.
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const child = spawn(bin, [...args, ...quiet, ...sandbox, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const exited = once(child, "exit");
    const close = async () => {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    };
    try {
      const address = await addressOf(child.stderr);
      child.stderr.resume();
      const socket = new WebSocket(await pageOf(address));
      await once(socket, "open");
      const browser = new Browser(socket, close);
      for (const domain of ["Runtime", "Log", "Page"]) await browser.call(`${domain}.enable`);
      return browser;
    } catch (error) {
      await close();
      throw error;
    }
  }

  async call(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Message> {
    this.#calls += 1;
    const id = this.#calls;
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const answer = await answered;
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  }

  /** What the expression is worth in the page. */
  async read(expression: string): Promise<unknown> {
    const { result } = await this.call("Runtime.evaluate", { expression, returnByValue: true });
    return result?.result?.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#close();
  }

  #take(message: Message): void {
    const { id, method, params } = message;
    if (id !== undefined) this.#answers.get(id)?.(message);
    if (method !== undefined && isProblem(method, params))
      this.problems.push(JSON.stringify(params));
  }
}

function isProblem(method: string, params: unknown): boolean {
  if (method === "Runtime.exceptionThrown") return true;
  const { type, entry } = params as { type?: string; entry?: { level?: string } };
  if (method === "Runtime.consoleAPICalled") return type === "error" || type === "warning";
  return method === "Log.entryAdded" && entry?.level !== "info" && entry?.level !== "verbose";
}

async function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  const said: string[] = [];
  for await (const line of createInterface(stderr)) {
    const [, address] = LISTENING.exec(line) ?? [];
    if (address) return address;
    said.push(line);
  }
  throw new Error(`the browser ended: ${said.join("\n")}`);
}

async function pageOf(address: string): Promise<string> {
  const response = await fetch(`http://${address}/json/list`);
  const targets = (await response.json()) as { type: string; webSocketDebuggerUrl: string }[];
  const page = targets.find(({ type }) => type === "page");
  if (!page) throw new Error("the browser has no page");
  return page.webSocketDebuggerUrl;
}
