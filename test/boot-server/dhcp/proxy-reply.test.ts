import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type BootClient, readBootClient } from "../../../src/boot-server/dhcp/boot-client.js";
import { type DhcpMessage, formatDhcp, parseDhcp } from "../../../src/boot-server/dhcp/message.js";
import { OfferStyles } from "../../../src/boot-server/dhcp/offer-styles.js";
import {
  type BootChoice,
  type PacketInfo,
  type ProxyDecision,
  readBootRequest,
  replyToBootRequest,
} from "../../../src/boot-server/dhcp/proxy-reply.js";
import type { OfferStyle } from "../../../src/boot-server/machines/offer-style.js";
import { PacketError } from "../../../src/boot-server/net/packet-error.js";
import { temporaryDirectory } from "../../extract/support/temporary-directory.js";
import { type Datagram, datagramsOf, decode } from "../support/capture.js";

const server = "10.77.0.2";

/** The messages that a recorded machine sent. */
function sentByMachine(recording: string): (Datagram & { message: DhcpMessage })[] {
  return datagramsOf(recording)
    .filter(({ from, to }) => [68, 4011].includes(from.port) && [67, 4011].includes(to.port))
    .filter(({ from }) => from.address !== server)
    .map((datagram) => ({ ...datagram, message: parseDhcp(datagram.payload) }));
}

function answer(
  { message, from, to }: Pick<Datagram, "from" | "to"> & { message: DhcpMessage },
  style: OfferStyle = "direct",
  choose: (client: BootClient) => BootChoice = choiceFor,
): ProxyDecision {
  const arrival: PacketInfo = { port: to.port as 67 | 4011, from, server };
  const question = readBootRequest(message, arrival);
  if (question.kind === "no-reply") return question;
  return replyToBootRequest(question, choose(question.client), () => style);
}

function choiceFor({ isIpxe, protocol }: BootClient): BootChoice {
  if (isIpxe) return { bootFile: `http://${server}:8080/boot.ipxe` };
  return { bootFile: protocol === "http" ? `http://${server}/snponly.efi` : "snponly.efi" };
}

describe("real firmware", () => {
  const ovmf = { mac: "52:54:00:aa:bb:01", architecture: "amd64", firmware: "uefi" } as const;
  const table: [recording: string, frame: number, expected: Partial<BootClient>][] = [
    ["ovmf-http-boot.pcap", 1, { ...ovmf, protocol: "pxe", architectureType: 7, isIpxe: false }],
    ["ovmf-http-boot.pcap", 9, { ...ovmf, protocol: "http", architectureType: 16, isIpxe: false }],
    ["ovmf-http-boot.pcap", 18, { ...ovmf, protocol: "pxe", architectureType: 7, isIpxe: true }],
    ["ovmf-pxe-port-4011.pcap", 6, { ...ovmf, protocol: "pxe", isIpxe: false }],
    [
      "seabios-ipxe.pcap",
      1,
      {
        mac: "52:54:00:aa:bb:02",
        architecture: "amd64",
        firmware: "bios",
        architectureType: 0,
        isIpxe: true,
      },
    ],
  ];
  for (const [recording, frame, expected] of table) {
    it(`is read right: ${recording}, frame ${frame}`, () => {
      const one = sentByMachine(recording).find((it) => it.frame === frame);
      const client = readBootClient(one!.message);
      assert.ok("mac" in client);
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(client[key as keyof BootClient], value, key);
      }
    });
  }

  it("gets answers to all its questions, and none to those for the DHCP server", () => {
    const all = [
      "ovmf-http-boot.pcap",
      "ovmf-pxe-4011-unanswered.pcap",
      "ovmf-pxe-offer-with-option43.pcap",
      "ovmf-pxe-port-4011.pcap",
      "seabios-ipxe.pcap",
    ].flatMap(sentByMachine);
    const types = { discover: 1, request: 3 };
    let replies = 0;
    for (const one of all) {
      const type = one.message.options.get(53)![0];
      const { kind } = answer(one);
      const isForUs = one.to.port === 4011 || type === types.discover;
      assert.equal(kind, isForUs ? "reply" : "no-reply", `frame ${one.frame}`);
      if (kind === "reply") replies += 1;
    }
    assert.ok(replies > 12 && replies < all.length);
  });

  it("gets answers that tshark reads without a malformed field", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    for (const style of ["direct", "port-4011"] as const) {
      for (const one of sentByMachine("ovmf-pxe-port-4011.pcap")) {
        const reply = answer(one, style);
        if (reply.kind !== "reply") continue;
        const text = decode(formatDhcp(reply.message), one.to.port, path);
        assert.doesNotMatch(text, /malformed|unknown option|expert info/i);
        assert.match(text, new RegExp(`Server Identifier \\(${server}\\)`));
        assert.match(text, /Vendor class identifier: PXEClient/);
        assert.match(text, new RegExp(`Next server IP address: ${server}`));
        const id = one.message.transactionId.toString(16).padStart(8, "0");
        assert.match(text, new RegExp(`Transaction ID: 0x${id}`));
        const isReferral = one.to.port === 67 && style === "port-4011" && !reply.client.isIpxe;
        assert.equal(/PXE discovery control/.test(text), one.to.port === 67 && !isReferral);
        assert.equal(/Boot file name: (snponly|http)/.test(text), !isReferral);
      }
    }
  });

  it("with HTTP Boot gets an address, and no option 43", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    const one = sentByMachine("ovmf-http-boot.pcap").find(({ frame }) => frame === 9)!;
    const reply = answer(one);
    assert.ok(reply.kind === "reply");
    const text = decode(formatDhcp(reply.message), 67, path);
    assert.match(text, /Vendor class identifier: HTTPClient/);
    assert.match(text, new RegExp(`Boot file name: http://${server}/snponly.efi`));
    assert.doesNotMatch(text, /Vendor-Specific/);
    assert.deepEqual(reply.to, { address: "255.255.255.255", port: 68 });
  });

  const toDisk = () => ({ disk: true, nothingAt: `http://${server}:8080/nothing.efi` }) as const;

  it("with PXE that is to boot from its disk gets a menu of that alone, taken at once", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    for (const style of ["direct", "port-4011"] as const) {
      const reply = answer(sentByMachine("ovmf-pxe-port-4011.pcap")[0]!, style, toDisk);
      assert.ok(reply.kind === "reply");
      assert.equal(reply.bootFile, undefined);
      const text = decode(formatDhcp(reply.message), 67, path);
      assert.doesNotMatch(text, /malformed|unknown option|expert info|Boot file name:/i);
      const item =
        /\(9\) PXE boot menu\n +Length: 7\n.*\n +Type: Local boot \(0\)\n.*\n +Description: Disk/;
      assert.match(text, item);
      assert.match(text, /\(10\) PXE menu prompt\n.*\n.*\n +Timeout: 0\n/);
    }
  });

  it("with HTTP Boot that is to boot from its disk gets an address with nothing", async () => {
    const path = join(await temporaryDirectory(), "answer.pcap");
    const one = sentByMachine("ovmf-http-boot.pcap").find(({ frame }) => frame === 9)!;
    const reply = answer(one, "direct", toDisk);
    assert.ok(reply.kind === "reply");
    assert.equal(reply.bootFile, undefined);
    const text = decode(formatDhcp(reply.message), 67, path);
    assert.match(text, /Vendor class identifier: HTTPClient/);
    assert.match(text, new RegExp(`Boot file name: http://${server}:8080/nothing.efi`));
    assert.doesNotMatch(text, /Vendor-Specific/);
  });

  it("asking on port 4011 is answered there, where it asked from", () => {
    const one = sentByMachine("ovmf-pxe-port-4011.pcap").find(({ frame }) => frame === 6)!;
    const reply = answer(one);
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.to, { address: "10.77.0.98", port: 4011 });
    assert.deepEqual(reply.message.options.get(53), Buffer.from([5]));
  });
});

describe("a client made by hand", () => {
  const recorded = sentByMachine("ovmf-pxe-port-4011.pcap")[0]!;

  /** The recorded DISCOVER with other options and fields; undefined takes an option away. */
  function discover(
    options: Readonly<Record<number, Buffer | undefined>>,
    fields: Partial<DhcpMessage> = {},
  ): ProxyDecision {
    const all = new Map(recorded.message.options);
    for (const [code, value] of Object.entries(options)) {
      if (value === undefined) all.delete(Number(code));
      else all.set(Number(code), value);
    }
    // By way of the bytes, as it would come.
    const message = parseDhcp(formatDhcp({ ...recorded.message, ...fields, options: all }));
    return answer({ ...recorded, message });
  }

  const architecture = (number: number) => ({ 93: Buffer.from([number >> 8, number & 255]) });
  const kinds: [number, string, string][] = [
    [0, "amd64", "bios"],
    [6, "386", "uefi"],
    [7, "amd64", "uefi"],
    [9, "amd64", "uefi"],
    [0x0a, "arm", "uefi"],
    [0x0b, "arm64", "uefi"],
    [0x10, "amd64", "uefi"],
    [0x13, "arm64", "uefi"],
    [0x16, "arm64", "u-boot"],
    [0x1b, "riscv64", "uefi"],
    [0x29, "arm64", "raspberry-pi"],
  ];
  for (const [number, machine, firmware] of kinds) {
    it(`with architecture ${number} is ${machine} with ${firmware}`, () => {
      const { client } = discover(architecture(number));
      assert.deepEqual([client?.architecture, client?.firmware], [machine, firmware]);
    });
  }

  it("that is a Raspberry Pi and says that it is a BIOS is known by its hardware address", () => {
    const makers = "b827eb dca632 e45f01 28cdc1 d83add 2ccf67 88a29e".split(" ");
    const kindOf = (maker: string, type: number) => {
      const hardwareAddress = Buffer.from(`${maker}010203`, "hex");
      const { client } = discover(architecture(type), { hardwareAddress });
      return `${client?.architecture} ${client?.firmware}`;
    };
    for (const maker of makers) assert.equal(kindOf(maker, 0), "arm64 raspberry-pi", maker);
    assert.equal(kindOf("b827eb", 0x0b), "arm64 uefi");
    assert.equal(kindOf("b827ec", 0), "amd64 bios");
  });

  it("without option 93 is known by option 60", () => {
    const vendorClass = Buffer.from("PXEClient:Arch:00011:UNDI:003016");
    assert.equal(discover({ 93: undefined, 60: vendorClass }).client?.architecture, "arm64");
  });

  for (const [name, value] of Object.entries({ bare: "iPXE", "with its length": "\u0004iPXE" })) {
    it(`that says iPXE, ${name}, is iPXE`, () => {
      assert.equal(discover({ 77: Buffer.from(value, "latin1") }).client?.isIpxe, true);
    });
  }

  it("that does not ask to be booted gets no answer, and is no news", () => {
    for (const value of [undefined, Buffer.from("MSFT 5.0"), Buffer.from("udhcp 1.36")]) {
      const reply = discover({ 60: value });
      assert.ok(reply.kind === "no-reply" && !reply.isNotable);
    }
  });

  it("with a malformed machine identifier gets no answer, and is told of", () => {
    for (const value of [Buffer.alloc(16), Buffer.from([1, ...Buffer.alloc(16)])]) {
      const reply = discover({ 97: value });
      assert.ok(reply.kind === "no-reply" && reply.isNotable);
    }
  });

  it("without a machine identifier, as Intel's ROMs, is answered without one", () => {
    const reply = discover({ 97: undefined });
    assert.ok(reply.kind === "reply" && !reply.message.options.has(97));
  });

  it("behind a relay is answered there, with the relay's own option", () => {
    const agent = Buffer.from([1, 2, 0xab, 0xcd]);
    const reply = discover({ 82: agent }, { relayAddress: "192.168.5.1" });
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.to, { address: "192.168.5.1", port: 67 });
    assert.equal(reply.message.relayAddress, "192.168.5.1");
    assert.deepEqual(reply.message.options.get(82), agent);
  });

  it("that names a boot item at port 4011 gets it back", () => {
    const item = Buffer.from([71, 4, 0, 0, 0, 0, 255]);
    const all = new Map(recorded.message.options).set(43, item).set(53, Buffer.from([3]));
    const message = { ...recorded.message, options: all };
    const to = { address: server, port: 4011 };
    const reply = answer({ message, from: { address: "10.77.0.98", port: 68 }, to });
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.message.options.get(43), item);
  });
});

describe("a DHCP message", () => {
  it("is written as it was read, options of any length and all", () => {
    const value = fc.uint8Array({ maxLength: 700 }).map(Buffer.from);
    const codes = fc.integer({ min: 1, max: 254 }).filter((code) => code !== 52);
    const property = fc.property(fc.array(fc.tuple(codes, value), { maxLength: 8 }), (options) => {
      const message = { ...sent, options: new Map(options) };
      const again = parseDhcp(formatDhcp(message));
      assert.deepEqual(again, message);
    });
    const sent = sentByMachine("seabios-ipxe.pcap")[0]!.message;
    fc.assert(property, { numRuns: 500 });
  });

  it("has at least the 300 bytes of BOOTP", () => {
    const sent = sentByMachine("seabios-ipxe.pcap")[0]!.message;
    assert.equal(formatDhcp({ ...sent, options: new Map() }).length, 300);
  });

  it("of any bytes is read or refused", () => {
    const seeds = sentByMachine("ovmf-http-boot.pcap").map(({ payload }) => payload);
    const edit = fc.record({ at: fc.nat(600), bytes: fc.uint8Array({ maxLength: 20 }) });
    const property = fc.property(
      fc.constantFrom(...seeds),
      fc.array(edit, { maxLength: 5 }),
      fc.nat(600),
      (seed, edits, length) => {
        const bytes = Buffer.from(seed);
        for (const { at, bytes: other } of edits)
          bytes.set(other.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        try {
          const message = parseDhcp(bytes.subarray(0, length));
          answer({
            message,
            from: { address: "0.0.0.0", port: 68 },
            to: { address: "", port: 67 },
          });
        } catch (error) {
          assert.ok(error instanceof PacketError, String(error));
        }
      },
    );
    fc.assert(property, { numRuns: 20_000 });
  });
});

describe("the style of an offer", () => {
  const client = { mac: "52:54:00:aa:bb:01" } as BootClient;
  const times = (count: number, styles: OfferStyles) =>
    Array.from({ length: count }, () => styles.next(client));

  it("changes for a machine that keeps asking, and back", () => {
    const styles = times(9, new OfferStyles());
    const [direct, port] = ["direct", "port-4011"] as const;
    assert.deepEqual(styles, [direct, direct, direct, port, port, port, direct, direct, direct]);
  });

  it("stays for a machine that took it, also when it is started again and again", () => {
    const styles = new OfferStyles();
    times(4, styles);
    for (let boot = 0; boot < 10; boot += 1) {
      styles.accepted(client.mac);
      assert.equal(styles.next(client), "port-4011");
    }
  });

  it("begins anew after some minutes", () => {
    let now = 0;
    const styles = new OfferStyles(() => now);
    times(4, styles);
    now += 10 * 60 * 1000;
    assert.equal(styles.next(client), "direct");
  });
});
