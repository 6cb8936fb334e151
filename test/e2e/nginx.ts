import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lan } from "./lan.js";
import { endOf, startBound } from "./process.js";

/** A general-purpose web server. */
export interface Nginx {
  /** One line per answer, such as `GET /a.txt 200`. */
  answers(): Promise<string[]>;
  stop(): Promise<void>;
}

/**
 * Serves a directory by HTTP on port 80, in the boot server's namespace.
 * @param scratch directory for nginx's own files
 */
export async function startNginx(lan: Lan, root: string, scratch: string): Promise<Nginx> {
  const prefix = join(scratch, "nginx");
  const log = join(prefix, "access.log");
  await mkdir(prefix);
  await writeFile(join(prefix, "nginx.conf"), configuration(root, prefix));
  const words = ["-p", prefix, "-c", join(prefix, "nginx.conf"), "-e", join(prefix, "error.log")];
  const [program, ...before] = [...lan.asBootServer, "nginx"];
  const nginx = startBound(program!, [...before, ...words], ["ignore", "ignore", "inherit"]);
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await readFile(join(prefix, "pid"), "utf8").catch(() => "")) !== "") break;
    await sleep(50);
  }
  return {
    answers: async () => {
      const lines = (await readFile(log, "utf8")).trim().split("\n");
      return lines.filter((line) => line !== "");
    },
    stop: async () => {
      nginx.kill("SIGTERM");
      await endOf(nginx);
    },
  };
}

function configuration(root: string, prefix: string): string {
  return `
    daemon off; master_process off; user root;
    pid ${prefix}/pid; error_log ${prefix}/error.log;
    events {}
    http {
      log_format line '$request_method $uri $status';
      access_log ${prefix}/access.log line;
      sendfile on; default_type application/octet-stream;
      client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
      fastcgi_temp_path ${prefix}/fastcgi; uwsgi_temp_path ${prefix}/uwsgi; scgi_temp_path ${prefix}/scgi;
      server { listen 80; root ${root}; }
    }`;
}
