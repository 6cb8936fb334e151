import { Readable, Writable } from "node:stream";
import { main } from "../../../src/cli/index.js";
import type { Outcome } from "./run-netboot.js";

export interface RunCommandOptions {
  /** Working directory and home directory. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string | Readable;
}

/**
 * Runs the command line within this process, with the same outcome as `runProgram` in a tenth of the
 * time. It shares the working directory, the environment, and the standard streams with the tests, so
 * it runs one command at a time.
 */
export async function runCommand(
  args: readonly string[],
  { cwd, env = {}, input = "" }: RunCommandOptions,
): Promise<Outcome & { readonly status: number }> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const restore = [
    replaceStream("stdin", typeof input === "string" ? Readable.from([Buffer.from(input)]) : input),
    replaceStream("stdout", stdout),
    replaceStream("stderr", stderr),
    replaceEnvironment({ PATH: process.env.PATH, HOME: cwd, ...env }),
    changeDirectory(cwd),
  ];
  isRunning = true;
  try {
    const status = await main([process.execPath, "kairos-netboot", ...args]);
    return { status, stdout: stdout.text, stderr: stderr.text };
  } finally {
    isRunning = false;
    for (const undo of restore.reverse()) undo();
  }
}

let isRunning = false;

class TextSink extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

/** The reporter of node:test keeps the streams that it got at the start. */
function replaceStream(name: "stdin" | "stdout" | "stderr", stream: Readable | Writable) {
  if (isRunning) throw new Error("runCommand runs one command at a time");
  const kept = Object.getOwnPropertyDescriptor(process, name) ?? {};
  Object.defineProperty(process, name, { ...kept, get: () => stream });
  return () => Object.defineProperty(process, name, kept);
}

function replaceEnvironment(variables: NodeJS.ProcessEnv): () => void {
  const kept = { ...process.env };
  setEnvironment(variables);
  return () => setEnvironment(kept);
}

function setEnvironment(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, variables);
}

function changeDirectory(directory: string): () => void {
  const kept = process.cwd();
  process.chdir(directory);
  return () => process.chdir(kept);
}
