import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** About the capacity of a Unix socket; a larger buffer is not faster. */
const bufferBytes = 256 * 1024;

/**
 * The output of a child process, read into one buffer that is used over and over. The pipes that
 * Node makes for a child allocate memory for every 64 KiB, and collecting that garbage takes more
 * time than everything else that is done with a layer.
 */
export class ChildStdout {
  /** The child's standard output. Destroy it in this process once the child runs. */
  readonly childEnd: Socket;
  readonly #ownEnd: Socket;
  #chunk: Buffer | undefined;
  #error: unknown;
  #isEnded = false;
  #wake: () => void = () => {};

  /** @param ownEnd connected with an `onread` that calls `#receive` */
  private constructor(ownEnd: Socket, childEnd: Socket) {
    this.childEnd = childEnd;
    this.#ownEnd = ownEnd;
    ownEnd.on("error", (error) => {
      this.#error = error;
    });
    ownEnd.on("close", () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  /** @throws the system's errors, and then leaves nothing behind */
  static async open(): Promise<ChildStdout> {
    // mkdtemp's mode keeps other users out, so nobody else can connect.
    const directory = await mkdtemp(join(shortTmpdir(), "kairos-netboot-"));
    const server = createServer({ pauseOnConnect: true });
    try {
      const path = join(directory, "s");
      await listen(server, path);
      let output: ChildStdout | undefined;
      const buffer = Buffer.allocUnsafeSlow(bufferBytes);
      const callback = (length: number, bytes: Uint8Array) =>
        output === undefined ? false : output.#receive(length, bytes);
      const ownEnd = connect({ path, onread: { buffer, callback } });
      output = new ChildStdout(ownEnd, await accept(server, ownEnd));
      return output;
    } finally {
      server.close();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Each chunk is valid until the next one is requested. */
  async *read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        while (this.#chunk === undefined && !this.#isEnded) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
        if (this.#error !== undefined) throw this.#error;
        if (this.#chunk === undefined) return;
        yield this.#chunk;
        this.#chunk = undefined;
        this.#ownEnd.resume();
      }
    } finally {
      this.close();
    }
  }

  /** Stops reading; the child gets EPIPE. */
  close(): void {
    this.#ownEnd.destroy();
    this.childEnd.destroy();
  }

  /** @returns false, so that Node reads nothing more before this chunk is used up */
  #receive(length: number, bytes: Uint8Array): boolean {
    this.#chunk = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    this.#wake();
    return false;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(path, resolve);
  });
}

function accept(server: Server, ownEnd: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (error?: Error) => {
      ownEnd.destroy();
      reject(error ?? new Error("the connection of the process to itself was refused"));
    };
    server
      .once("connection", resolve)
      .on("error", fail)
      .on("drop", () => fail());
    ownEnd.once("error", fail);
  });
}

/** The path of a Unix socket has at most 107 bytes (unix(7)). */
function shortTmpdir(): string {
  return Buffer.byteLength(tmpdir()) > 80 ? "/tmp" : tmpdir();
}
