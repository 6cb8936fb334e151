import type { Readable } from "node:stream";
import type { FileRole, ServedFile } from "../files/served-file.js";

/** The content behind a URL. */
export type Resource = TextResource | FileResource | StreamResource;

export interface TextResource {
  readonly kind: "text";
  /** For logs: never a secret. */
  readonly name: string;
  /** Undefined if the resource is not part of a boot. */
  readonly role?: FileRole | undefined;
  readonly type: string;
  readonly text: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The machine that was given the URL; undefined if the URL does not tell. */
  readonly mac?: string | undefined;
}

interface FileResource {
  readonly kind: "file";
  readonly file: ServedFile;
  /** The machine that was given the URL; undefined if the URL does not tell. */
  readonly mac?: string | undefined;
}

/** A file of another server. */
export interface StreamResource {
  readonly kind: "stream";
  readonly name: string;
  readonly role: FileRole | undefined;
  /** Bytes of the whole file; 0 if unknown. */
  readonly size: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

export interface BootHttpRequest {
  /** Decoded; begins with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly method: string;
  /** The Range header field, unparsed (RFC 9110, section 14.2). */
  readonly range: string | undefined;
  /** IP address. */
  readonly client: string;
  /**
   * `http://ADDRESS:PORT` of this server as the client reaches it. It comes from the socket, because
   * the Host header field of some firmware lacks the port.
   */
  readonly base: string;
}

/** The resource for an unknown path. */
export function notFound(path: string): TextResource {
  const text = "There is no such file.\n";
  const name = path.length > maxNameLength ? `${path.slice(0, maxNameLength)}…` : path;
  return { kind: "text", name, type: "text/plain", text, status: 404 };
}

/** For paths in logs. */
const maxNameLength = 200;

/** Bytes of the whole resource. */
export function sizeOfResource(resource: Resource): number {
  if (resource.kind === "file") return resource.file.size;
  return resource.kind === "stream" ? resource.size : Buffer.byteLength(resource.text);
}
