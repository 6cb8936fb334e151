import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Requests on one connection that may wait. */
const maxPipelinedRequests = 32;

interface Turns {
  count: number;
  last: Promise<void>;
}

/**
 * Answers the requests of a connection one after the other. Node.js would accept the next request
 * earlier, but never reports the end of an answer that waits behind another one when the client
 * disconnects.
 */
export class RequestTurns {
  readonly #turns = new WeakMap<Socket, Turns>();

  /** @param answer must not fail, and must end when the answer is complete */
  add({ socket }: IncomingMessage, answer: () => Promise<void>): void {
    const turns = this.#turns.get(socket) ?? { count: 0, last: Promise.resolve() };
    if (turns.count >= maxPipelinedRequests) {
      socket.destroy();
      return;
    }
    turns.count += 1;
    turns.last = turns.last.then(async () => {
      if (!socket.destroyed) await answer();
      turns.count -= 1;
    });
    this.#turns.set(socket, turns);
  }
}
