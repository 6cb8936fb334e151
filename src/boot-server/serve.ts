import { once } from "node:events";
import { formatMac } from "./address.js";
import { BootPrograms, packagedPrograms } from "./boot-programs.js";
import type { BootClient } from "./dhcp/client.js";
import { checkFullOptions, type FullSettings } from "./dhcp/full-options.js";
import { FullDhcpServer } from "./dhcp/full-server.js";
import type { DhcpMessage } from "./dhcp/message.js";
import { OfferStyles } from "./dhcp/offer-styles.js";
import type { BootChoice, ProxyAnswer } from "./dhcp/proxy.js";
import { type ProxyDhcpOptions, ProxyDhcpServer } from "./dhcp/server.js";
import type { ServeEvent } from "./events.js";
import { type HttpOutcome, HttpServer, type HttpTransfer } from "./http/server.js";
import { KnownClients } from "./known-clients.js";
import { type ServedAddress, servedAddresses } from "./network.js";
import { type CheckedServeOptions, checkServeOptions, type ServeOptions } from "./options.js";
import { portError } from "./ports.js";
import { looseRelease, type Release, readRelease } from "./releases.js";
import { Site } from "./site.js";
import { type TftpEvent, TftpServer } from "./tftp/server.js";

/** Milliseconds that transfers have to end when the server is stopped. */
const grace = 10_000;

/**
 * Serves releases to machines that boot from the network, until the signal ends it.
 * @throws NetbootError
 */
export async function serve(options: ServeOptions): Promise<void> {
  const checked = await checkServeOptions(options);
  const addresses = servedAddresses(options.listen ?? []);
  const full = checkFullOptions(options, addresses);
  const releases: Release[] = [];
  for (const directory of options.directories ?? []) releases.push(await readRelease(directory));
  if (checked.files !== undefined) releases.push(await looseRelease(checked.files));
  const places = [options.ipxeDirectory ?? [], packagedPrograms].flat();
  const programs = await BootPrograms.find(places);
  for (const text of missingPrograms(releases, programs)) {
    options.onEvent?.({ type: "message", level: "warning", text });
  }
  const server = new BootServer(addresses, checked, full, releases, programs, options.onEvent);
  try {
    await server.start();
    if (options.signal !== undefined && !options.signal.aborted)
      await once(options.signal, "abort");
  } finally {
    await server.stop();
  }
}

/** What a person should know before machines of some kind are not answered. */
function missingPrograms(releases: readonly Release[], programs: BootPrograms): string[] {
  const architectures = new Set(releases.map(({ architecture }) => architecture));
  return [...architectures].flatMap((architecture) => {
    const missing = programs.missingFor(architecture);
    if (missing.length === 0) return [];
    const source = architecture === "amd64" ? "install the package ipxe, or " : "";
    return `There is no iPXE for ${architecture} machines with ${missing.join(" or ")}: ${source}name a directory that holds one with --ipxe-dir.`;
  });
}

/** Files that iPXE and shim look for, and do without. */
function isAskedForByDesign(name: string): boolean {
  return /(?:^|\/)(?:autoexec\.ipxe|revocations[^/]*\.efi|shim_certificate[^/]*\.efi)$/.test(name);
}

/** DHCP, TFTP and HTTP for the same releases. */
class BootServer {
  readonly #addresses: readonly ServedAddress[];
  readonly #options: CheckedServeOptions;
  readonly #programs: BootPrograms;
  readonly #emit: (event: ServeEvent) => void;
  readonly #clients = new KnownClients();
  readonly #styles = new OfferStyles();
  readonly #site: Site;
  readonly #http: HttpServer;
  readonly #tftp: TftpServer;
  readonly #dhcp: ProxyDhcpServer | FullDhcpServer;
  /** Of HTTP; the one asked for, or what the system chose for 0. */
  #httpPort: number;

  constructor(
    addresses: readonly ServedAddress[],
    options: CheckedServeOptions,
    full: FullSettings | undefined,
    releases: readonly Release[],
    programs: BootPrograms,
    onEvent: ((event: ServeEvent) => void) | undefined,
  ) {
    this.#addresses = addresses;
    this.#options = options;
    this.#programs = programs;
    this.#httpPort = options.httpPort;
    this.#emit = onEvent ?? (() => {});
    this.#site = new Site({
      releases,
      programs,
      commandLine: options.commandLine,
      cloudConfig: options.cloudConfig,
      onScript: ({ mac }, client, release) => {
        if (mac !== undefined) {
          this.#clients.learn(client, mac);
          this.#styles.accepted(mac);
        }
        this.#emit({ type: "script", mac, release: release?.name });
      },
    });
    this.#http = new HttpServer({
      find: (request) => this.#site.find(request),
      onEnd: (transfer, outcome) => this.#httpEnded(transfer, outcome),
    });
    this.#tftp = new TftpServer({
      find: (name) => programs.byName.get(name.replace(/^\//, ""))?.path,
      onEvent: (event) => this.#tftpEvent(event),
    });
    const dhcp: Omit<ProxyDhcpOptions, "addresses"> = {
      choose: (client, server) => this.#choose(client, `http://${server}:${this.#httpPort}`),
      styleFor: (client) => this.#styles.next(client),
      onAnswer: (answer, request) => this.#dhcpEvent(answer, request),
      onMalformed: (from, reason) => {
        const text = `a datagram from ${from} is malformed: ${reason}`;
        this.#emit({ type: "ignored", mac: undefined, reason: text, isNotable: false });
      },
    };
    this.#dhcp =
      full === undefined
        ? new ProxyDhcpServer({ ...dhcp, addresses })
        : new FullDhcpServer({
            ...dhcp,
            settings: full,
            onLease: (lease) => {
              this.#clients.learn(lease.address, lease.mac);
              this.#emit({ type: "leased", ...lease });
            },
            onWarning: (text) => this.#emit({ type: "message", level: "warning", text }),
          });
  }

  /** @throws NetbootError PORT_TAKEN, PORT_DENIED */
  async start(): Promise<void> {
    const isDhcp = this.#options.dhcp !== "off";
    const dhcp = this.#dhcp;
    // Before anything is told of, as this may find that serving is not right here.
    if (dhcp instanceof FullDhcpServer) {
      await this.#bind("DHCP", "0.0.0.0", 68, () => dhcp.prepare());
    }
    for (const { address, interface: name } of this.#addresses) {
      const { port } = await this.#bind("HTTP", address, this.#httpPort, (own) =>
        this.#http.listen(address, own),
      );
      this.#httpPort = port;
      await this.#bind("TFTP", address, 69, (own) => this.#tftp.listen(address, own));
      const ports = { http: port, tftp: 69, ...(isDhcp ? { dhcp: 67, pxe: 4011 } : {}) };
      const url = Site.firstScriptAt(`http://${address}:${port}`);
      this.#emit({ type: "listening", url, interface: name, ports });
    }
    if (isDhcp) await this.#bind("DHCP", "0.0.0.0", 67, () => dhcp.listen());
  }

  async stop(): Promise<void> {
    await this.#dhcp.close();
    this.#tftp.close();
    await this.#http.close(grace);
  }

  async #bind<Result>(
    what: string,
    address: string,
    port: number,
    listen: (port: number) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await listen(port);
    } catch (error) {
      throw portError(error, what, address, port);
    }
  }

  #choose(client: BootClient, base: string): BootChoice {
    const { architecture, firmware, architectureType, isIpxe, protocol } = client;
    if (isIpxe) return { bootFile: Site.firstScriptAt(base) };
    if (architecture === undefined || firmware === undefined) {
      return { refusal: `its architecture (${architectureType ?? "none"}) is not known` };
    }
    if (this.#site.releaseFor(architecture) === undefined) {
      return { refusal: `no release for ${architecture} is served` };
    }
    const program = this.#programs.for(client);
    if (program === undefined) {
      return { refusal: `there is no iPXE for ${architecture} with ${firmware} (--ipxe-dir)` };
    }
    const { name } = program;
    return { bootFile: protocol === "http" ? Site.programAt(base, name) : name };
  }

  #dhcpEvent(answer: ProxyAnswer, request: DhcpMessage): void {
    if (answer.kind === "silence") {
      const mac = formatMac(request.hardwareAddress);
      const { reason, isNotable } = answer;
      this.#emit({ type: "ignored", mac, reason, isNotable });
      return;
    }
    const { mac, architecture, firmware } = answer.client;
    this.#emit({ type: "offered", mac, architecture, firmware, bootFile: answer.bootFile });
  }

  #tftpEvent(event: TftpEvent): void {
    const { client, name } = event;
    const mac = this.#clients.macOf(client);
    if (event.type === "started") {
      if (mac !== undefined) this.#styles.accepted(mac);
    } else if (event.type === "refused") {
      const reason = `${name} by TFTP: ${event.reason}`;
      this.#emit({ type: "ignored", mac, reason, isNotable: !isAskedForByDesign(name) });
    } else {
      // A client that declines asked for the size only, and asks again.
      if (event.outcome.kind === "declined") return;
      const isComplete = event.outcome.kind === "complete";
      const { size, seconds } = event;
      this.#emit({ type: "sent", mac, client, protocol: "tftp", name, size, seconds, isComplete });
    }
  }

  #httpEnded({ client, name, sent: size }: HttpTransfer, outcome: HttpOutcome): void {
    const { status, seconds, isComplete } = outcome;
    const mac = this.#clients.macOf(client);
    if (status >= 400) {
      const reason = `${name} by HTTP: status ${status}`;
      this.#emit({ type: "ignored", mac, reason, isNotable: true });
      return;
    }
    this.#emit({ type: "sent", mac, client, protocol: "http", name, size, seconds, isComplete });
  }
}
