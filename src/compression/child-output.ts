import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** About what a Unix socket holds; more is not read faster. */
const bufferSize = 256 * 1024;

/**
 * What a child process writes, read into one buffer that is used again and again. The pipes that
 * Node makes for a child take new memory for every 64 KiB, and clearing that away costs more
 * time than all else that is done with a layer.
 */
export class ChildOutput {
  /** The child's end: to be its standard output, and to be destroyed once the child runs. */
  readonly childEnd: Socket;
  readonly #ownEnd: Socket;
  #chunk: Buffer | undefined;
  #error: unknown;
  #isEnded = false;
  #wake: () => void = () => {};

  /** @param ownEnd connected with `onread`, which is to call `receive` */
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

  /** @throws the system's errors; nothing is left behind then */
  static async open(): Promise<ChildOutput> {
    // Nobody else can enter the directory, and connect.
    const directory = await mkdtemp(join(shortTmpdir(), "kairos-netboot-"));
    const server = createServer({ pauseOnConnect: true });
    try {
      const path = join(directory, "s");
      await listen(server, path);
      let output: ChildOutput | undefined;
      const buffer = Buffer.allocUnsafeSlow(bufferSize);
      const callback = (length: number, bytes: Uint8Array) => output!.#receive(length, bytes);
      const ownEnd = connect({ path, onread: { buffer, callback } });
      output = new ChildOutput(ownEnd, await accept(server, ownEnd));
      return output;
    } finally {
      server.close();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Each chunk is good until the next is asked for. */
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

  /** Ends the reading; the child gets EPIPE. */
  close(): void {
    this.#ownEnd.destroy();
    this.childEnd.destroy();
  }

  /** @returns false: nothing more is read before this is used up */
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
      reject(error ?? new Error("the connection to itself was refused"));
    };
    server
      .once("connection", resolve)
      .on("error", fail)
      .on("drop", () => fail());
    ownEnd.once("error", fail);
  });
}

/** The path of a Unix socket is limited to 107 bytes (unix(7)). */
function shortTmpdir(): string {
  return Buffer.byteLength(tmpdir()) > 80 ? "/tmp" : tmpdir();
}
